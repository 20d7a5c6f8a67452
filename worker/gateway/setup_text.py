"""A plan's setups and bias as lines of Discord markdown. Pure; what strangers wrote is escaped and cut."""

from collections.abc import Iterator, Sequence

from worker.gateway.ladder.words import price_text
from worker.gateway.markdown import plain
from worker.views.flag_words import in_words
from worker.views.shown import ShownLevel, ShownPlan, ShownSetup

MARKS = {"long": "▲", "short": "▼"}

_BIAS_LENGTH = 500
_WORDS_LENGTH = 80  # of a contract or a quantity
_PRICES = 12  # of one role on one line
_PRICE_LENGTH = 30  # a post can have more digits than any exchange


def setup_lines(setup: ShownSetup) -> Iterator[str]:
    """A line such as `▲ Aggressive breakout above **601.30** → 603.80, 606.20, stop 599`, and what is doubtful."""
    yield f"{MARKS[setup.direction]} {setup_text(setup)}"
    if setup.flags:
        yield f"⚠️ *{in_words(setup.flags)}*"


def setup_text(setup: ShownSetup) -> str:
    name = f"{setup.strategy or ''} {setup.kind}".strip().capitalize()
    words = [name, *(plain(part, _WORDS_LENGTH) for part in (setup.quantity, setup.contract) if part)]
    if triggers := setup.of_role("trigger"):
        words.append(_counted(list(_triggers(triggers))))
    if targets := setup.of_role("target"):
        words += ["→", _counted(list(map(_price, targets)))]
    text = " ".join(words)
    stops = setup.of_role("stop")
    return f"{text}, stop {_counted(list(map(_price, stops)))}" if stops else text


def _triggers(levels: Sequence[ShownLevel]) -> Iterator[str]:
    """Such as `above **601.30**`; the relation is said again where it changes."""
    for place, level in enumerate(levels):
        is_said = place > 0 and levels[place - 1].relation == level.relation
        yield f"**{_price(level)}**" if is_said else f"{level.relation or 'at'} **{_price(level)}**"


def bias_lines(plan: ShownPlan) -> Iterator[str]:
    """The bias as it was written, then the levels that were read from it, such as `Bullish above 600.10`."""
    if plan.bias_text:
        yield f"> {plain(plan.bias_text, _BIAS_LENGTH)}"
    if words := bias_words(plan.bias_direction, plan.bias_levels):
        yield words


def bias_words(direction: str | None, levels: Sequence[ShownLevel]) -> str:
    """Such as `**Bullish** above 600.10`; empty where the bias says neither plainly."""
    if not direction and not levels:
        return ""
    return f"**{(direction or 'bias').capitalize()}** {_counted([_bias_level(level) for level in levels])}".rstrip()


def _bias_level(level: ShownLevel) -> str:
    return " ".join(filter(None, ("flips" if level.role == "flip" else None, level.relation, _price(level))))


def _price(level: ShownLevel) -> str:
    text = price_text(level.low, level.high)
    return text if len(text) <= _PRICE_LENGTH else "a price of too many digits"


def _counted(texts: Sequence[str]) -> str:
    """What has no room is counted: a price that is not shown must not look as if there were none."""
    rest = f" and {len(texts) - _PRICES} more" if len(texts) > _PRICES else ""
    return ", ".join(texts[:_PRICES]) + rest
