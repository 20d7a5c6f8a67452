"""Plans as pages of text: every number on them, nothing of a stranger's with effect, all within Discord's limits."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.confidence import CONFIDENCE
from tests.support.properties import unhurried
from worker.gateway.markdown import plain
from worker.gateway.pages import LINE_LENGTH, PAGE_LENGTH, Section, fitted, packed
from worker.gateway.plan_pages import Page, levels_pages, plan_pages, setups_pages
from worker.gateway.setup_text import setup_text
from worker.views.flag_words import FLAG_WORDS
from worker.views.shown import ShownLevel, ShownPlan, ShownSetup

NASTY = "**bold** <@1> @everyone [x](http://y) `c` ||s||\n# head\u202e\x1b[31m <#5> <t:0> ~~gone~~"
EMBED_LIMIT = 4096
_OURS = re.compile(
    r"\\.|\[Go to the post\]\(https://discord.com/channels/1/2/3\) · #|<t:1795438800:R>|\*\*|⚠️ \*.*\*|^> ", re.MULTILINE
)
"""Marks that stand in an answer because we put them there."""


def level(role: str, low: str, high: str | None = None, relation: str | None = None) -> ShownLevel:
    return ShownLevel(role, Decimal(low), Decimal(high or low), relation)


REJECTION = ShownSetup(
    "rejection",
    "aggressive",
    "short",
    (level("trigger", "1598.40", "1599.00", "near"), level("target", "1596.90"), level("stop", "1601.25")),
    ("targets_wrong_way", "number_unread"),
    None,
    None,
)
BREAKOUT = ShownSetup(
    "breakout",
    None,
    "long",
    (level("trigger", "1600.5", relation="above"), level("target", "1603"), level("target", "1605.75")),
    (),
    None,
    None,
)
ALERT = ShownSetup("entry", None, "long", (level("trigger", "1.20"),), (), "SPY 2026-11-27 590 call", "half")
PLAN = ShownPlan(
    ticker="SPY",
    trading_day=date(2026, 11, 23),
    bias_text="bullish above 1600.10",
    bias_direction="bullish",
    bias_levels=(level("bias", "1600.10", relation="above"), level("flip", "1590", relation="below")),
    flags=("fewer_setups",),
    setups=(REJECTION, BREAKOUT),
    channel_name="day-plans",
    posted_at=datetime(2026, 11, 23, 13, tzinfo=UTC),
    message_link="https://discord.com/channels/1/2/3",
)


def text_of(pages: list[Page]) -> str:
    return "\n".join(page.text for page in pages)


def test_a_plan_is_told_whole_in_the_order_of_the_post() -> None:
    (page,) = plan_pages([PLAN])
    assert page.title == "SPY · Mon, Nov 23, 2026"
    assert page.text.splitlines() == [
        r"[Go to the post](https://discord.com/channels/1/2/3) · #day\-plans · <t:1795438800:R>",
        "> bullish above 1600.10",
        "**Bullish** above 1,600.10, flips below 1,590",
        "▼ Aggressive rejection near **1,598.40–1,599.00** → 1,596.90, stop 1,601.25",
        "⚠️ *the targets do not run one way from the trigger; a number on the line was not read*",
        "▲ Breakout above **1,600.5** → 1,603, 1,605.75",
        "⚠️ *Of the whole plan: it has fewer setups than the plan that it replaces*",
    ]


def test_setups_of_several_plans_share_a_page() -> None:
    alert = replace(PLAN, ticker="QQQ", setups=(ALERT,), flags=(), bias_text=None)
    unnamed = replace(PLAN, ticker=None, setups=(), flags=())
    (page,) = setups_pages([PLAN, alert, unnamed])
    assert page.title == "Setups for Mon, Nov 23, 2026"
    heads = [line.split(" · ")[0] for line in page.text.splitlines() if line.startswith("**")]
    assert heads == ["**SPY**", "**QQQ**", "**no ticker**"]
    assert r"▲ Entry half SPY 2026\-11\-27 590 call at **1.20**" in page.text
    assert "A bias without setups." in page.text


def test_a_ladder_has_the_numbers_and_doubts_as_text_and_leaves_contracts_out() -> None:
    mixed = replace(PLAN, setups=(REJECTION, ALERT))
    (page,) = levels_pages([mixed, replace(PLAN, bias_text=None, setups=(ALERT,))])
    assert page.ladder is not None
    assert [setup.kind for setup in page.ladder.setups] == ["rejection"]
    for number in ("1,598.40–1,599.00", "1,596.90", "1,601.25", "1,600.10", "1,590"):
        assert number in page.text
    assert "targets do not run one way" in page.text
    assert "1.20" not in page.text
    assert levels_pages([replace(PLAN, ticker=None)])[0].title.startswith("no ticker")


def test_what_a_stranger_wrote_has_no_effect() -> None:
    nasty = replace(REJECTION, contract=NASTY, quantity=NASTY)
    plans = [replace(PLAN, bias_text=NASTY, channel_name=NASTY, setups=(nasty,))]
    for pages in (setups_pages(plans), plan_pages(plans), levels_pages([replace(plans[0], setups=(REJECTION,))])):
        text = text_of(pages)
        ours = _OURS.sub("", text)
        assert not re.search(r"[*_~`|<>\[\]\\@#]|\x1b|\u202e", ours), ours


@unhurried
@given(st.text(max_size=200), st.integers(5, 80))
def test_plain_text_is_one_line_within_its_limit_and_without_a_bare_mark(text: str, limit: int) -> None:
    shown = plain(text, limit)
    unescaped = re.sub(r"\\(.)", r"\1", shown)
    assert len(unescaped) <= limit
    assert not re.search(r"[*_~`|<>\[\]()#@]", re.sub(r"\\.", "", shown))
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize("limit", range(10, 22))
def test_half_a_number_is_never_shown(limit: int) -> None:
    shown = plain("bias over 601.25 today", limit)
    assert ("601.25" in shown) == any(character.isdigit() for character in shown)


@unhurried
@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 60), st.integers(1, LINE_LENGTH)), max_size=6))
def test_packed_pages_lose_no_line_and_none_is_longer_than_a_page(shapes: list[tuple[int, int, int]]) -> None:
    sections = [
        Section(f"{number}:{'h' * head}", tuple(f"{number}.{line} ".ljust(length, "x") for line in range(lines)))
        for number, (head, lines, length) in enumerate(shapes)
    ]
    pages = packed(sections)
    assert all(len(page) <= EMBED_LIMIT for page in pages)
    lines = [line for page in pages for line in page.splitlines() if line and not line.endswith("*(continued)*")]
    assert lines == [line for section in sections for line in (section.head, *section.lines)]


def test_a_section_that_fits_is_not_broken_and_a_long_one_says_that_it_goes_on() -> None:
    short, long = Section("short", ("x" * 900,)), Section("long", tuple(f"{number:0800}" for number in range(4)))
    assert [page[:5] for page in packed([short, short, long])] == ["short", "short", "long ", "long "]
    assert packed([short, short])[1].startswith("short\nx")
    assert packed([long])[1].startswith("long *(continued)*\n")
    with pytest.raises(ValueError, match="a line of"):
        packed([Section("", ("x" * (PAGE_LENGTH + 1),))])


def test_what_does_not_fit_is_counted() -> None:
    assert fitted(["a", "b"]) == "a\nb"
    assert fitted(["x" * 1000, "y" * 1000, "z"]).endswith("\n… and 2 more")
    many = replace(BREAKOUT, levels=tuple(level("target", str(600 + number)) for number in range(40)))
    assert setup_text(many).endswith("611 and 28 more")
    assert "a price of too many digits" in setup_text(replace(BREAKOUT, levels=(level("trigger", "9" * 60),)))


prices = st.decimals(Decimal("0.01"), Decimal("9" * 30), places=2)
levels = st.builds(
    lambda role, low, relation: ShownLevel(role, low, low, relation),
    st.sampled_from(["trigger", "target", "stop"]),
    prices,
    st.sampled_from([None, "above"]),
)
setups = st.builds(
    ShownSetup,
    kind=st.sampled_from(["rejection", "bounce"]),
    strategy=st.sampled_from([None, "conservative"]),
    direction=st.sampled_from(["long", "short"]),
    levels=st.lists(levels, max_size=60).map(tuple),
    flags=st.lists(st.sampled_from(sorted(CONFIDENCE)), max_size=20).map(tuple),
    contract=st.none() | st.text(max_size=300),
    quantity=st.none() | st.text(max_size=300),
)


@unhurried
@given(st.lists(setups, max_size=40), st.text(max_size=3000))
def test_no_plan_breaks_discords_limits(found: list[ShownSetup], bias: str) -> None:
    plan = replace(PLAN, setups=tuple(found), bias_text=bias)
    for page in (*setups_pages([plan, plan]), *plan_pages([plan]), *levels_pages([plan])):
        assert len(page.title) <= 256
        assert 1 <= len(page.text) <= EMBED_LIMIT


def test_the_longest_line_fits() -> None:
    zones = [level(role, "9" * 9 + ".50", "9" * 9 + ".75", "above") for role in ("trigger", "target", "stop")]
    swapped = [zone._replace(relation=relation) for zone in zones for relation in ("above", "below") * 20]
    longest = replace(ALERT, strategy="conservative", kind="rejection", levels=tuple(swapped), contract="*" * 200)
    line = setup_text(replace(longest, quantity="*" * 200))
    assert LINE_LENGTH - 200 < len(line) < LINE_LENGTH - 50, "a mark and a ticker stand before it"


def test_a_relation_is_said_again_where_it_changes() -> None:
    both = (level("trigger", "601", relation="above"), level("trigger", "602", relation="above"))
    mixed = replace(BREAKOUT, levels=(*both, level("trigger", "590", relation="below")))
    assert setup_text(mixed) == "Breakout above **601**, **602**, below **590**"


def test_every_flag_that_lowers_confidence_has_words() -> None:
    assert FLAG_WORDS.keys() >= CONFIDENCE.keys()
    assert FLAG_WORDS.keys() - CONFIDENCE.keys() == {
        "far_from_post",
        "fewer_setups",
        "header_missing",
        "repeat",
        "weekday_contradicts",
    }
