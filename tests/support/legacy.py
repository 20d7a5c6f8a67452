"""Databases as the former application may have left them: each table in the shapes that are known, with its traps."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from asyncpg import Connection

from worker.demo_posts import corrected_plan, opening_plan
from worker.ingest.observation import DISCORD_EPOCH

CHANNEL_ID = 1_100_000_000_000_000_001
OTHER_CHANNEL_ID = 1_100_000_000_000_000_002
GONE_CHANNEL_ID = 1_100_000_000_000_000_003
GUILD_ID = 1_000_000_000_000_000_001
FIRST_DAY = date(2025, 1, 6)
CHICAGO = ZoneInfo("America/Chicago")

SETUPS = """
CREATE TABLE {prefix}setups (
    id serial PRIMARY KEY, date date NOT NULL, raw_text text NOT NULL, source varchar(50),
    created_at timestamp DEFAULT now(), parsed boolean
)
"""
SETUPS_ONE_A_ROW = """
CREATE TABLE {prefix}setups (
    id serial PRIMARY KEY, ticker varchar(10), date date, entry_price float, stop_price float, target_price float,
    direction varchar(10), status varchar(20), source varchar(50), created_at timestamp
)
"""
SETUPS_WATCH_LEVELS = """
CREATE TABLE {prefix}setups (
    id serial PRIMARY KEY, ticker varchar(10), setup_type varchar(50), watch_levels jsonb, trading_day date,
    created_at timestamptz, active boolean
)
"""
CHANNELS = """
CREATE TABLE {prefix}setup_channels (
    id serial PRIMARY KEY, guild_id varchar(50), channel_id varchar(50), name varchar(255),
    channel_type varchar(50) DEFAULT 'text', is_listen boolean, is_announce boolean, is_active boolean,
    last_seen timestamp, created_at timestamp
)
"""
CHANNELS_AS_NUMBERS = """
CREATE TABLE {prefix}setup_channels (
    guild_id bigint, guild_name text, channel_id bigint PRIMARY KEY, channel_name varchar(255), type varchar(50),
    is_monitored boolean, last_message_id varchar(50), message_count integer, updated_at timestamptz
)
"""
STATUS = """
CREATE TABLE {prefix}ingestion_status (
    channel_id varchar(50), last_message_id varchar(50), last_run timestamp, status varchar(20), messages integer,
    error text
)
"""
EVENTS = """
CREATE TABLE {prefix}events (
    id serial PRIMARY KEY, channel varchar(50), event_type varchar(100), data jsonb, created_at timestamptz
)
"""
EVENTS_TYPE_IN_DATA = """
CREATE TABLE {prefix}events (id serial PRIMARY KEY, channel varchar(50), data {data}, created_at timestamp)
"""
EVENTS_WITH_PAYLOAD = """
CREATE TABLE {prefix}events (
    id bigserial, channel text, event_type text, payload json, source varchar(100), correlation_id varchar(36),
    "timestamp" timestamptz, created_at timestamp
)
"""
SETUP_MESSAGES = """
CREATE TABLE {prefix}setup_messages (
    id bigint PRIMARY KEY, date date, raw_text text, source varchar(50), created_at timestamp,
    message_id varchar(50), parsed_data json
)
"""
MESSAGES = """
CREATE TABLE {prefix}discord_messages (
    id serial PRIMARY KEY, message_id varchar(64), channel_id varchar(64), author_id varchar(64), content text,
    "timestamp" timestamptz, is_forwarded boolean, is_processed boolean, embed_data json, attachment_data json,
    raw_data jsonb, created_at timestamp
)
"""
NEIGHBOURS = """
CREATE TABLE {prefix}trade_setups (id varchar(50) PRIMARY KEY, ticker text, price float);
INSERT INTO {prefix}trade_setups VALUES ('20250106_SPY_Setup_1', 'SPY', 612.4), ('20250106_SPY_Setup_2', 'SPY', 'NaN');
CREATE TABLE {prefix}parsed_levels (id serial, setup_id varchar(50), level float);
INSERT INTO {prefix}parsed_levels (setup_id, level) VALUES ('20250106_SPY_Setup_9', 609.1);
CREATE TABLE old_user_notes (note text);
INSERT INTO old_user_notes VALUES ('buy milk');
"""


def snowflake(moment: datetime, counter: int = 0) -> int:
    """The id that Discord gives a message of this moment."""
    return (int((moment - DISCORD_EPOCH) / timedelta(milliseconds=1)) << 22) + counter


def posting_time(number: int) -> datetime:
    """When the analyst posts the plan of a working day: 07:55 in Chicago, and a little later each time."""
    day = FIRST_DAY + timedelta(days=number // 5 * 7 + number % 5)
    local = datetime(day.year, day.month, day.day, 7, 55, tzinfo=CHICAGO)
    return (local + timedelta(seconds=number % 3600, milliseconds=number % 1000)).astimezone(UTC)


def plan_text(number: int) -> str:
    day = posting_time(number).astimezone(CHICAGO).date()
    # No two plans read the same.
    return opening_plan(day).replace("612.40", f"{612 + number % 50}.{number % 90 + 10}")


def naive(moment: datetime, zone: str = "UTC") -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


async def create(connection: Connection, *tables: str, prefix: str = "old_", **more: str) -> None:
    for table in tables:
        await connection.execute(table.format(prefix=prefix, **more))


async def insert(connection: Connection, table: str, columns: str, rows: Sequence[Sequence[object]]) -> None:
    """Rows as Python has them; json and jsonb take text."""
    places = ", ".join(f"${number + 1}" for number in range(len(columns.split(","))))
    await connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)  # noqa: S608


async def fill_setups(connection: Connection, posts: int, *, prefix: str = "old_") -> None:
    """Posts without a Discord id: plain ones, and behind them one of each trap."""
    rows: list[tuple[date, str, str | None, datetime | None]] = []
    for number in range(posts):
        at = posting_time(number)
        rows.append((at.astimezone(CHICAGO).date(), plan_text(number), "discord", naive(at)))
    # The same text on the same day, an hour later.
    rows += [(day, text, "webhook", at + timedelta(hours=1)) for day, text, _, at in rows[::5] if at]
    day, at = FIRST_DAY, posting_time(0)
    rows += [
        (day, corrected_plan(day), "manual", naive(at + timedelta(minutes=9))),
        (day, "", "discord", naive(at)),
        (day, "   \n", "email", naive(at)),
        (day, opening_plan(day).replace("SPY", "IWM"), "sample", naive(at)),
        (day + timedelta(days=1), plan_text(1) + "x" * (4000 - len(plan_text(1))), "parsed", naive(posting_time(1))),
        (day, "good morning", None, None),
        (day, "text with a backslash \\u0000 and \u2028 and \x1b[31m", "unknown", naive(at)),
    ]
    await insert(connection, f"{prefix}setups", "date, raw_text, source, created_at", rows)


async def fill_channels(connection: Connection, *, prefix: str = "old_") -> None:
    seen = naive(posting_time(9))
    await insert(
        connection,
        f"{prefix}setup_channels",
        "guild_id, channel_id, name, channel_type, is_listen, is_announce, is_active, last_seen",
        [
            (str(GUILD_ID), f" {CHANNEL_ID} ", "day-plans", "text", True, False, True, seen),
            (str(GUILD_ID), str(OTHER_CHANNEL_ID), "announce", "news", False, True, True, None),
            (None, str(CHANNEL_ID), "day-plans again", "voice", False, False, False, None),
            (None, "general", "no id", None, None, None, None, None),
            (None, None, None, None, None, None, None, None),
        ],
    )


async def fill_status(connection: Connection, *, prefix: str = "old_") -> None:
    last = snowflake(posting_time(3))
    ran = naive(posting_time(4))
    await insert(
        connection,
        f"{prefix}ingestion_status",
        "channel_id, last_message_id, last_run, status, messages, error",
        [
            (str(CHANNEL_ID), f"{last} ", ran, "ok", 4, None),
            (str(GONE_CHANNEL_ID), None, ran, "error", 0, "403"),
            (str(CHANNEL_ID), f"{last} ", ran, "ok", 4, None),
            ("?", None, None, None, None, "channel not found"),
        ],
    )


async def fill_events(connection: Connection, events: int, *, prefix: str = "old_") -> None:
    rows: list[tuple[str | None, str | None, str | None, datetime | None]] = []
    for number in range(events):
        at = posting_time(number // 20)
        data = {"message_id": str(snowflake(at)), "n": number, "price": 612.40, "text": "é \\ \u2028"}
        rows.append(("parsing:setup", "setup.created", json.dumps(data), at + timedelta(milliseconds=400 + number)))
    at = posting_time(0)
    rows += [
        (None, "orphan", "{}", at),
        ("discord:message", None, '{"type": "message.stored"}', at),
        ("discord:message", None, '{"event_type": 7}', at),
        ("discord:message", None, "{}", at),
        ("x" * 50, "y" * 100, "[1, 2.50]", at),
        ("discord:message", "no.time", "{}", None),
        ("discord:message", "no.data", None, at),
    ]
    await insert(connection, f"{prefix}events", "channel, event_type, data, created_at", rows)


async def fill_messages(
    connection: Connection, posts: int, *, zone: str = "UTC", prefix: str = "old_", first: int = 0
) -> None:
    """Messages with Discord's ids, in a channel that is known, and behind them one of each trap."""
    rows: list[tuple[str | None, str | None, str | None, datetime, str | None, str | None, datetime]] = []
    for number in range(first, first + posts):
        at = posting_time(number)
        message_id, text = snowflake(at), plan_text(number)
        raw = {
            "id": str(message_id),
            "channel_id": str(CHANNEL_ID),
            "content": text,
            "author": {"id": "42", "username": "analyst"},
        }
        stored = naive(at + timedelta(seconds=1), zone)
        rows.append((f" {message_id}", str(CHANNEL_ID), text, at, None, json.dumps(raw), stored))
    at = posting_time(first)
    later, embed = naive(at + timedelta(minutes=3), zone), {"title": plan_text(first + posts), "description": "hi"}
    ids = [snowflake(at, counter) for counter in range(1, 6)]
    rows += [
        (f"{snowflake(at)}", str(CHANNEL_ID), corrected_plan(FIRST_DAY), at, None, None, later),  # as edited
        (f"{ids[0]}", str(GONE_CHANNEL_ID), "for a channel that is gone", at, None, None, later),
        (f"{ids[1]}", str(CHANNEL_ID), "", at, json.dumps([embed]), None, later),
        (f"{ids[2]}", str(CHANNEL_ID), None, at, '{"title": "NUL \\u0000 and \\ud800"}', None, later),
        (f"{ids[3]}", None, "no channel", at, None, "{}", later),
        (None, str(CHANNEL_ID), "no id", at, None, None, later),
        ("manual-7", str(CHANNEL_ID), "an id of its own", at, None, "[]", later),
    ]
    await insert(
        connection,
        f"{prefix}discord_messages",
        "message_id, channel_id, content, timestamp, embed_data, raw_data, created_at",
        rows,
    )


async def fill_setup_messages(connection: Connection, posts: int, *, prefix: str = "old_") -> None:
    """The same posts once more, half of them with Discord's id."""
    rows = []
    for number in range(posts):
        at = posting_time(number)
        message_id = str(snowflake(at)) if number % 2 else None
        rows.append((number + 1, at.astimezone(CHICAGO).date(), plan_text(number), naive(at), message_id))
    await insert(connection, f"{prefix}setup_messages", "id, date, raw_text, created_at, message_id", rows)


async def make_old_database(connection: Connection, *, posts: int, events: int, prefix: str = "old_") -> None:
    """All tables, each in its most probable shape."""
    await create(connection, SETUPS, CHANNELS, STATUS, EVENTS, SETUP_MESSAGES, MESSAGES, NEIGHBOURS, prefix=prefix)
    await fill_channels(connection, prefix=prefix)
    await fill_messages(connection, posts, prefix=prefix, first=posts // 2)
    await fill_setup_messages(connection, posts // 2, prefix=prefix)
    await fill_setups(connection, posts, prefix=prefix)
    await fill_status(connection, prefix=prefix)
    await fill_events(connection, events, prefix=prefix)
