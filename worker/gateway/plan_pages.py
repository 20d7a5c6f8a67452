"""Stored plans as pages of text: what `/setups`, `/plan` and `/levels` say. Pure; knows no discord."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.gateway.ladder import Ladder, LadderLevel, LadderSetup, ladder_text
from worker.gateway.ladder.words import day_text
from worker.gateway.markdown import plain
from worker.gateway.pages import PAGE_LENGTH, Section, fitted, packed
from worker.gateway.setup_text import bias_lines, setup_lines
from worker.views.channel_plans import NO_TICKER
from worker.views.flag_words import in_words
from worker.views.shown import ShownLevel, ShownPlan, ShownSetup

_NAME_LENGTH = 100  # of a ticker or a channel; Discord's channels have no longer ones


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer. `direction` is the bias's; a page with a ladder comes with its picture."""

    title: str
    text: str
    direction: str | None = None
    ladder: Ladder | None = None


def setups_pages(plans: Sequence[ShownPlan]) -> list[Page]:
    """Every setup of the plans, which are all for one day."""
    title = f"Setups for {day_text(plans[0].trading_day)}"
    sections = [
        Section(f"**{_ticker(plan)}** · {source_line(plan)}", tuple(_setups(plan)) or ("A bias without setups.",))
        for plan in plans
    ]
    return [Page(title, text) for text in packed(sections)]


def plan_pages(plans: Sequence[ShownPlan]) -> list[Page]:
    """Each plan whole, on pages of its own."""
    return [
        Page(_title(plan), text, plan.bias_direction)
        for plan in plans
        for text in packed([Section(source_line(plan), (*bias_lines(plan), *_setups(plan)))])
    ]


def levels_pages(plans: Sequence[ShownPlan]) -> list[Page]:
    """A ladder for each plan that has levels of its ticker; an alert's prices are those of a contract."""
    return [_levels_page(plan) for plan in plans if any(_on_ladder(plan)) or plan.bias_text]


def _levels_page(plan: ShownPlan) -> Page:
    ladder = ladder_of(plan)
    text = "\n\n".join([source_line(plan), ladder_text(ladder, PAGE_LENGTH), fitted(list(_doubts(plan)))])
    return Page(_title(plan), text.strip(), plan.bias_direction, ladder)


def ladder_of(plan: ShownPlan) -> Ladder:
    return Ladder(
        ticker=plan.ticker or NO_TICKER,
        trading_day=plan.trading_day,
        bias_text=plan.bias_text,
        bias_direction=plan.bias_direction,
        bias_levels=tuple(map(_level, plan.bias_levels)),
        setups=tuple(_on_ladder(plan)),
        source=f"#{plan.channel_name}",
    )


def source_line(plan: ShownPlan) -> str:
    """The way to the post, its channel and how long ago it was."""
    posted = int(plan.posted_at.timestamp())
    return f"[Go to the post]({plan.message_link}) · #{plain(plan.channel_name, _NAME_LENGTH)} · <t:{posted}:R>"


def _title(plan: ShownPlan) -> str:
    return f"{_ticker(plan)} · {day_text(plan.trading_day)}"


def _ticker(plan: ShownPlan) -> str:
    return plain(plan.ticker or NO_TICKER, _NAME_LENGTH)


def _setups(plan: ShownPlan) -> Iterator[str]:
    for setup in plan.setups:
        yield from setup_lines(setup)
    yield from _plan_flags(plan)


def _doubts(plan: ShownPlan) -> Iterator[str]:
    """What a ladder does not say of its numbers: the setups that bear flags."""
    for setup in plan.setups:
        if setup.flags:
            yield from setup_lines(setup)
    yield from _plan_flags(plan)


def _plan_flags(plan: ShownPlan) -> Iterator[str]:
    if plan.flags:
        yield f"⚠️ *Of the whole plan: {in_words(plan.flags)}*"


def _on_ladder(plan: ShownPlan) -> Iterator[LadderSetup]:
    for setup in plan.setups:
        if setup.contract is None:
            yield _setup(setup)


def _setup(setup: ShownSetup) -> LadderSetup:
    return LadderSetup(
        kind=setup.kind,
        strategy=setup.strategy,
        direction="long" if setup.direction == "long" else "short",
        triggers=tuple(map(_level, setup.of_role("trigger"))),
        targets=tuple(map(_level, setup.of_role("target"))),
        stop=next(map(_level, setup.of_role("stop")), None),
    )


def _level(level: ShownLevel) -> LadderLevel:
    return LadderLevel(level.role, level.low, level.high, level.relation)
