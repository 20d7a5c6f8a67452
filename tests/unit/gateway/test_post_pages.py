"""A post line by line, with what was read from each line and what was not."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

import parsers
from parsers.reading import Reading
from tests.support.properties import unhurried
from worker.gateway.post_pages import post_pages
from worker.views.stored_post import StoredPost

POSTED_AT = datetime(2026, 11, 23, 13, tzinfo=UTC)
POST = """A+ Setups — Mon Nov 23

SPY
❌ Rejection Near 600.40 🔻 598.10, 596.20
🔼 Breakout Above 601.50 🔼 603.10, 600.00
Setup 1 is for 5 people <@&7>
⚠️ bullish above 600.00,
patience until 595.00
"""


def read(text: str) -> Reading:
    return parsers.parse(text, POSTED_AT)


def stored(text: str, version: int, **more: object) -> StoredPost:
    given = {"edited_at": None, "deleted_at": None, "revision": 1, "is_erased": False, "plan_states": ()} | more
    return StoredPost(text=text, posted_at=POSTED_AT, parser_version=version, **given)  # type: ignore[arg-type]


def lines_of(text: str, reading: Reading, post: StoredPost | None = None) -> list[str]:
    return "\n".join(page.text for page in post_pages(text, reading, post)).splitlines()


def test_each_line_stands_with_what_was_read_from_it() -> None:
    lines = lines_of(POST, read(POST))
    assert lines[0] == r"**Read as aplus for Monday 2026\-11\-23 \(the day in its header\).**"
    assert lines[1] == "Tickers: 1 · setups: 2 · lines not read: 1"
    assert lines[2] == "⚠️ This post is not stored: it was read just now, as it stands here."
    assert lines[5:] == [
        r"✅ A\+ Setups — Mon Nov 23",
        "▫️ SPY",
        "✅ ❌ Rejection Near 600.40 🔻 598.10, 596.20",
        "↳ **SPY** ▼ Rejection near **600.40** → 598.10, 596.20",
        "✅ 🔼 Breakout Above 601.50 🔼 603.10, 600.00",
        "↳ **SPY** ▲ Breakout above **601.50** → 603.10, 600.00",
        "↳ ⚠️ *the targets do not run one way from the trigger*",
        r"❓ Setup 1 is for 5 people \<\@&7\>",
        "↳ *not read: numbers in words that are no setup*",
        "✅ ⚠️ bullish above 600.00,",
        "↳ **SPY** **Bullish** above 600.00",
        "✅ patience until 595.00",
    ]


def test_what_became_of_a_stored_post_is_said() -> None:
    reading = read(POST)
    plain = lines_of(POST, reading, stored(POST, reading.version))
    assert plain[2:4] == ["It is stored.", ""]
    states = (("SPY", "superseded"), (None, "withdrawn"), ("QQQ", "current"))
    changed = stored(POST, reading.version - 1, edited_at=POSTED_AT, deleted_at=POSTED_AT, plan_states=states)
    assert lines_of(POST, reading, changed)[2:7] == [
        "It is stored, edited <t:1795438800:R>, deleted <t:1795438800:R>.",
        "What is stored was read by another version of the parser; this is what today's reads.",
        "Its plan for SPY is superseded: it no longer counts.",
        "Its plan for no ticker is withdrawn: it no longer counts.",
        "",
    ]


def test_chat_is_said_to_be_no_plan() -> None:
    assert lines_of("good morning", read("good morning"))[:2] == [
        "**This is no plan.**",
        "Tickers: 0 · setups: 0 · lines not read: 0",
    ]
    (page,) = post_pages("", read(""), None)
    assert page.text.endswith("as it stands here.")


def test_a_line_separator_ends_a_line_too() -> None:
    text = POST.replace("SPY\n", "SPY\u2028")
    assert lines_of(text, read(text))[5:] == lines_of(POST, read(POST))[5:]


@unhurried
@given(
    st.lists(st.sampled_from([*POST.splitlines(), "x" * 4000, "\u2028", "`", "[a](b)", "7 8 9 " * 300]), max_size=60)
)
def test_no_post_breaks_discords_limits(lines: list[str]) -> None:
    text = "\n".join([POST, *lines])
    reading = read(text)
    pages = post_pages(text, reading, None)
    assert all(0 < len(page.text) <= 4096 for page in pages)
    shown = "\n".join(page.text for page in pages)
    assert shown.count("↳ *not read:") == len(reading.unread)
    assert shown.count("▼") + shown.count("▲") == sum(len(plan.setups) for plan in reading.plans)
