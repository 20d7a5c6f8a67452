"""How plans, levels, posts, events and the status are drawn: on 80 columns, and without effect on the terminal."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Console

import parsers
from parsers.reading import Reading
from worker.events.stored import StoredEvent
from worker.ingest.channels import Channel
from worker.ingest.gaps import OpenGap
from worker.views.certificate import show_certificate
from worker.views.channels import show_channels
from worker.views.events import event_json, show_events
from worker.views.levels import ladder, show_levels
from worker.views.post import show_post
from worker.views.posts import as_json, json_lines
from worker.views.setups import show_setups
from worker.views.shown import ShownLevel, ShownPlan, ShownSetup
from worker.views.status import show_status, status_json
from worker.views.stored_certificate import CertifiedDay
from worker.views.stored_status import ChannelStatus, Status

ZONE = ZoneInfo("America/Chicago")
NASTY = "\x1b]0;owned\x07[red]x[/red] :smile: \u202eevil\x9b2J"
SHOWN_NASTY = "␛]0;owned␇[red]x[/red] :smile: <U+202E>evil<U+009B>2J"
LINK = "https://discord.com/channels/900000000000000001/900000000000000002/1384879837629382656"


def drawn(show: Callable[[Console], None]) -> str:
    file = io.StringIO()
    show(Console(file=file, width=80, markup=False, emoji=False, highlight=False))
    return file.getvalue()


def is_narrow(text: str) -> bool:
    return all(len(line.rstrip()) <= 80 for line in text.splitlines() if not line.startswith("https://"))


def level(role: str, low: str, high: str | None = None, relation: str | None = None) -> ShownLevel:
    return ShownLevel(role, Decimal(low), Decimal(high or low), relation)


REJECTION = ShownSetup(
    "rejection",
    "conservative",
    "short",
    (
        level("trigger", "1,598.40".replace(",", ""), "1599.00", "near"),
        level("target", "1596.90"),
        level("target", "1595.2"),
        level("target", "1593"),
        level("stop", "1601.25"),
    ),
    ("targets_wrong_way",),
    None,
    None,
)
BREAKOUT = ShownSetup(
    "breakout", None, "long", (level("trigger", "1600.05"), level("target", "1601.50")), (), None, None
)
PLAN = ShownPlan(
    "SPX",
    date(2025, 6, 18),
    f"bullish above 1596 {NASTY}",
    "bullish",
    (level("bias", "1596", relation="above"), level("flip", "1594.90", relation="below")),
    ("weekend",),
    (REJECTION, BREAKOUT),
    f"day-plans{NASTY}",
    datetime(2025, 6, 18, 12, 58, tzinfo=UTC),
    LINK,
)


def test_setups_are_a_table_with_bias_and_link() -> None:
    text = drawn(lambda console: show_setups(console, [PLAN], ZONE))
    assert "SPX  Wednesday 2025-06-18" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["Kind", "Strategy", "Direction", "Trigger", "Targets", "Stop"] in rows
    assert "1598.40–1599.00" in text
    assert "1601.25" in text
    assert f"⚠ bullish above 1596 {SHOWN_NASTY}" in " ".join(text.split())
    assert "! rejection 1598.40–1599.00: targets_wrong_way\n" in text
    assert "! weekend\n" in text
    assert "2025-06-18 07:58 CDT" in " ".join(text.split())
    assert f"{LINK}\n" in text
    assert is_narrow(text)


def test_columns_without_content_are_left_out() -> None:
    text = drawn(lambda console: show_setups(console, [replace(PLAN, setups=(BREAKOUT,))], ZONE))
    assert ["Kind", "Direction", "Trigger", "Targets"] in [line.split() for line in text.splitlines()]


def test_an_alert_shows_its_contract_and_quantity() -> None:
    alert = replace(BREAKOUT, kind="entry", contract="SPX 2025-06-18 6000 call", quantity="1/2")
    text = drawn(lambda console: show_setups(console, [replace(PLAN, setups=(alert,))], ZONE))
    assert "Contract" in text
    assert "1/2" in text
    assert is_narrow(text)


def test_a_bias_without_setups_says_so() -> None:
    assert "No setups." in drawn(lambda console: show_setups(console, [replace(PLAN, setups=())], ZONE))


def test_the_ladder_runs_from_high_to_low() -> None:
    prices = [(rung.level.low, rung.level.role, rung.kind, rung.direction) for rung in ladder([PLAN])]
    assert prices == [
        (Decimal("1601.50"), "target", "breakout", "long"),
        (Decimal("1601.25"), "stop", "rejection", "short"),
        (Decimal("1600.05"), "trigger", "breakout", "long"),
        (Decimal("1598.40"), "trigger", "rejection", "short"),
        (Decimal("1596.90"), "target", "rejection", "short"),
        (Decimal(1596), "bias", "bias", "bullish"),
        (Decimal("1595.2"), "target", "rejection", "short"),
        (Decimal("1594.90"), "flip", "bias", "bullish"),
        (Decimal(1593), "target", "rejection", "short"),
    ]
    text = drawn(lambda console: show_levels(console, [PLAN, replace(PLAN, channel_name="other")]))
    assert "1598.40–1599.00" in text
    assert "trigger near" in text
    assert "#other" in text
    assert "\x1b" not in text
    empty = replace(PLAN, setups=(), bias_levels=())
    assert "No levels." in drawn(lambda console: show_levels(console, [empty]))


POST = f"""A+ Setups — Wed Jun 18

SPY
❌ Rejection Near 598.40 🔻 596.90, 595.25
⚠️ bullish above 596.20 {NASTY}
"""
POSTED_AT = datetime(2025, 6, 18, 12, 58, tzinfo=UTC)


def test_a_post_is_shown_line_by_line_with_its_hidden_characters() -> None:
    reading = parsers.parse(POST, POSTED_AT)
    text = drawn(lambda console: show_post(console, POST, reading))
    assert "  4 ❌ Rejection Near 598.40 🔻 596.90, 595.25\n" in text
    assert "Read as aplus for Wednesday 2025-06-18 (the day in its header)." in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert is_narrow(text)


def test_hidden_characters_are_shown_wherever_they_stand_on_a_line() -> None:
    number = parsers.reading.Number(parsers.reading.Span(2, 5), "unread")
    reading = Reading("parsed", "aplus", 1, numbers=(number,))
    text = drawn(lambda console: show_post(console, "\x1ba5\x1b8b\x1b", reading))
    assert text.startswith("  1 ␛a5␛8b␛\n")


def test_each_number_of_a_post_has_the_colour_of_its_role_and_nothing_else() -> None:
    reading = parsers.parse(POST, POSTED_AT)
    file = io.StringIO()
    console = Console(file=file, width=200, force_terminal=True, color_system="standard", markup=False, highlight=False)
    show_post(console, POST, reading)
    (line,) = [line for line in file.getvalue().splitlines() if "Near" in line]
    assert "Near \x1b[1;36m598.40\x1b[0m 🔻 \x1b[32m596.90\x1b[0m, \x1b[32m595.25\x1b[0m" in line


def test_an_unread_line_is_marked_with_its_reason() -> None:
    reading = Reading("parsed", "aplus", 1, unread=(parsers.reading.Unread(2, "B 12.5", "number without meaning"),))
    text = drawn(lambda console: show_post(console, "A\nB 12.5\u2028C", reading))
    assert "  2 B 12.5  ← unread: number without meaning\n  3 C\n" in text
    assert "Unread lines: 1, marked above." in text


def test_what_is_no_plan_is_said_to_be_none() -> None:
    for state, said in (
        ("not_a_plan", "This is no plan."),
        ("failed", "The parser failed: boom."),
        ("empty", "nothing could be read from it: boom."),
    ):
        reading = Reading(state, "aplus", 1, reason="boom")  # type: ignore[arg-type]
        assert said in drawn(lambda console, reading=reading: show_post(console, "", reading))  # type: ignore[misc]


def test_json_is_ascii_whatever_the_post_says() -> None:
    reading = parsers.parse(POST, POSTED_AT)
    line = as_json("7", reading)
    assert line.isascii()
    assert json.loads(line)["id"] == "7"
    assert json.loads(line)["plans"] == parsers.to_json(reading)["plans"]


def test_lines_of_posts_give_a_line_each_in_order() -> None:
    lines = [
        json.dumps({"id": "1", "posted_at": "2025-06-18T12:58:00Z", "content": POST, "author": "ignored"}),
        "not json",
        json.dumps({"id": "3", "posted_at": "yesterday", "content": POST}),
        json.dumps({"id": 4, "posted_at": "2025-06-18T12:58:00+00:00", "content": "\ud800 \x00 hello"}),
        json.dumps({"id": "5", "content": POST}),
        json.dumps({"id": "6", "posted_at": "0001-01-01T00:00:00+14:00", "content": POST}),
        json.dumps({"id": "7", "posted_at": "2025-06-18T12:58:00Z", "content": None}),
        json.dumps(["8"]),
        "[" * 100_000,
        json.dumps({"id": "9", "posted_at": "2025-06-18T07:58:00", "content": "x" * 4000}),
    ]
    found = [json.loads(line) for line in json_lines(lines, "America/Chicago")]
    assert [(one["id"], one["status"]) for one in found] == [
        ("1", "parsed"),
        (None, "failed"),
        ("3", "failed"),
        ("4", "not_a_plan"),
        ("5", "failed"),
        ("6", "failed"),
        ("7", "failed"),
        (None, "failed"),
        (None, "failed"),
        ("9", "not_a_plan"),
    ]
    assert all(list(one) == list(found[0]) for one in found)


def event(event_type: str, **data: object) -> StoredEvent:
    correlation_id = UUID("9c1b8f4e-0000-5000-8000-000000000001")
    created_at = datetime(2025, 6, 18, 13, 0, 1, tzinfo=UTC)
    return StoredEvent(12, "parsing:setup", event_type, "worker", correlation_id, json.dumps(data), created_at)


def test_an_event_is_a_line_and_what_happened() -> None:
    setup = event(
        "setup.created",
        ticker="SPY",
        trading_day="2025-06-18",
        kind="rejection",
        direction="short",
        triggers=[["598.40", "598.40"], ["599", "600"]],
        targets=["596.90"],
        stop=None,
        origin="live",
    )
    text = drawn(lambda console: show_events(console, [setup, event("parsing.message.failed", reason=NASTY)]))
    assert text.splitlines()[:2] == [
        "    12 13:00:01 setup.created           9c1b8f4e-0000-5000-8000-000000000001",
        "       2025-06-18  SPY  rejection  short  598.40, 599–600  → 596.90",
    ]
    assert f"reason {SHOWN_NASTY}" in " ".join(text.split())
    assert is_narrow(text)


def test_an_event_as_json_has_the_columns_of_its_row() -> None:
    line = event_json(event("setup.created", ticker=f"é{NASTY}"))
    assert line.isascii()
    assert json.loads(line) == {
        "id": 12,
        "channel": "parsing:setup",
        "event_type": "setup.created",
        "source": "worker",
        "correlation_id": "9c1b8f4e-0000-5000-8000-000000000001",
        "data": {"ticker": f"é{NASTY}"},
        "created_at": "2025-06-18T13:00:01+00:00",
    }


OPENED_AT = datetime(2025, 6, 18, 13, 0, tzinfo=UTC)
GAPS = tuple(OpenGap(7, day << 42, (day << 42) + 999, "start", OPENED_AT, day == 4, 250) for day in range(5, 0, -1))
STATUS = Status(
    server_version="18.6",
    revisions=("0003",),
    head="0004",
    worker="trading:4711",
    channels=(
        ChannelStatus(7, f"plans{NASTY}", True, None, "aplus", 120, 1384879837629382656, GAPS),
        ChannelStatus(8, "", False, OPENED_AT, None, 0, None, ()),
    ),
    parse_states={"failed": 1, "not_a_plan": 119},
    last_event_id=44,
    events_kept=40,
    event_retention_days=90,
)


def test_the_status_names_what_is_wrong() -> None:
    text = drawn(lambda console: show_status(console, STATUS, ZONE))
    assert "PostgreSQL 18.6, schema 0003" in text
    assert "newest revision is 0004" in text
    assert "Worker    trading:4711 ingests" in text
    assert "1 failed, 119 not a plan" in text
    assert "last id 44, 40 kept for 90 days" in text
    assert "2025-06-18 07:58" in text
    assert "and 2 more" in text
    said = " ".join(text.split())
    assert "open since 06-18 08:00 (start), 75% fetched, " in said
    assert "needs View Channel and Read Message History" in said
    assert "gone since 06-18 08:00" in said
    assert "\x1b" not in text
    assert is_narrow(text)


def test_the_status_of_an_empty_database() -> None:
    empty = replace(
        STATUS, revisions=("0004",), worker=None, channels=(), parse_states={}, last_event_id=None, events_kept=0
    )
    text = drawn(lambda console: show_status(console, empty, ZONE))
    assert "No channels yet" in text
    assert "none ingests: start one with `run`" in text
    assert "newest revision" not in text


def test_a_certificate_tells_what_of_a_day_is_missing() -> None:
    parts = tuple(
        (OPENED_AT + timedelta(hours=hour), OPENED_AT + timedelta(hours=hour, minutes=9)) for hour in range(5)
    )
    missing = CertifiedDay(OPENED_AT.date(), 5, 9, 2, 0, 0, False, None, parts, None)
    unknown = replace(missing, day=OPENED_AT.date() + timedelta(days=1), first_id=None, last_id=None, missing=())
    text = drawn(lambda console: show_certificate(console, [missing, unknown], None))
    said = " ".join(text.split())
    assert "2025-06-18 5 to 9" in said
    assert "missing 15:00:00 to 15:09:00, 16:00:00 to 16:09:00, 17:00:00 to 17:09:00 and 2 more before" in said
    assert "2025-06-19 2 0 0 not known not yet" in said
    assert is_narrow(text)


def test_the_status_for_programs_has_ids_as_strings() -> None:
    found = json.loads(status_json(STATUS))
    assert found["schema"] == {"revisions": ["0003"], "head": "0004"}
    assert found["worker"] == "trading:4711"
    assert found["channels"][0]["last_message_id"] == "1384879837629382656"
    assert found["channels"][0]["last_posted_at"] == "2025-06-18T12:58:03.114000+00:00"
    assert found["channels"][0]["gaps"][1] == {
        "first_id": str(4 << 42),
        "last_id": str((4 << 42) + 999),
        "from": "2015-01-01T01:09:54.304000+00:00",
        "to": "2015-01-01T01:09:54.304000+00:00",
        "open_since": "2025-06-18T13:00:00+00:00",
        "reason": "start",
        "is_forbidden": True,
        "percent": 75.0,
        "seconds_left": None,
    }
    assert found["channels"][1]["unreachable_since"] == "2025-06-18T13:00:00+00:00"
    assert found["channels"][1]["last_posted_at"] is None


def test_channels_are_listed_with_those_listened_to_first() -> None:
    silent = Channel(1, None, "", "unknown", None, False, False, True, None, None, None, True, False)
    heard = replace(silent, channel_id=2, name=NASTY, is_listen=True, parser="aplus")
    text = drawn(lambda console: show_channels(console, [silent, heard]))
    assert text.index("\n2 ") < text.index("\n1 ")
    assert "\x1b" not in text
    assert "No channels yet" in drawn(lambda console: show_channels(console, []))
    threads = [replace(silent, channel_id=3, kind="thread", parent_id=2), replace(silent, channel_id=4, parent_id=1)]
    lines = drawn(lambda console: show_channels(console, [silent, replace(heard, name=""), *threads])).splitlines()
    assert {line.split()[0]: "yes" in line for line in lines[-4:]} == {"2": True, "3": True, "1": False, "4": False}
