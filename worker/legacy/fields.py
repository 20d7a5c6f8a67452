"""What is known of the former application's tables: which there may be, and the names that their columns go by.

Two of the tables have no known definition, so a field is found by the first of its names that is there."""

from typing import Literal, NamedTuple, get_args

Role = Literal["channels", "messages", "ingestion_status", "events"]
"""What the rows of an old table become."""

ROLES: tuple[Role, ...] = get_args(Role)

# By the name without old_, in the order of import: channels before what refers to them, and messages whose Discord id
# is known before those that are recognised only by their text. None: known, but nothing to be made of it.
TABLES: dict[str, Role | None] = {
    "setup_channels": "channels",
    "discord_channels": "channels",
    "ingestion_status": "ingestion_status",
    "discord_messages": "messages",
    "setup_messages": "messages",
    "setups": "messages",
    "events": "events",
    "event_bus": "events",
    "trade_setups": None,
    "parsed_levels": None,
    "parsing_levels": None,
    "ticker_setups": None,
}

NEW_TABLES: dict[Role, str] = {
    "channels": "discord_channels",
    "messages": "discord_messages",
    "ingestion_status": "discord_channels",
    "events": "events",
}


class Field(NamedTuple):
    """What a role wants to know of a row. `becomes` says for people where it goes.

    `is_time`: it may come without a zone. `may_be_id`: the column `id` will do where it holds Discord's ids."""

    name: str
    columns: tuple[str, ...]
    becomes: str
    is_time: bool = False
    may_be_id: bool = False


FIELDS: dict[Role, tuple[Field, ...]] = {
    "channels": (
        Field("channel_id", ("channel_id", "discord_channel_id", "discord_id"), "channel_id", may_be_id=True),
        Field("guild_id", ("guild_id", "server_id"), "guild_id"),
        Field("name", ("name", "channel_name"), "name"),
        Field("kind", ("channel_type", "type", "kind"), "kind, where it is one of ours"),
        Field("is_listen", ("is_listen", "is_monitored"), "is_listen"),
        Field("is_announce", ("is_announce",), "is_announce"),
        Field("is_active", ("is_active", "active"), "is_active"),
        Field("last_message_id", ("last_message_id",), "history_from: the id's time, as a hint"),
    ),
    "messages": (
        Field("message_id", ("message_id", "discord_message_id", "discord_id"), "message_id", may_be_id=True),
        Field("channel_id", ("channel_id", "discord_channel_id"), "channel_id"),
        Field("guild_id", ("guild_id", "server_id"), "guild_id"),
        Field("author_id", ("author_id", "user_id"), "author_id"),
        Field("author_name", ("author_name", "author", "username"), "author_name"),
        Field("content", ("raw_text", "content", "text", "message"), "content, read again by today's parsers"),
        Field("day", ("date", "trading_day"), "tells the same text on the same day from a repeat"),
        Field(
            "posted_at",
            ("timestamp", "posted_at", "message_timestamp"),
            "posted_at, where no id tells it",
            is_time=True,
        ),
        Field("edited_at", ("edited_at", "edited_timestamp"), "edited_at", is_time=True),
        Field("stored_at", ("created_at",), "received_at; posted_at, where nothing else tells it", is_time=True),
        Field("raw", ("raw_data", "raw", "raw_json", "payload"), "raw, where it is a message object"),
        Field("embeds", ("embed_data", "embeds"), "embeds, where raw has none"),
        Field("attachments", ("attachment_data", "attachments"), "attachments, where raw has none"),
        Field("source", ("source",), "keeps samples of the former application's own apart"),
    ),
    "ingestion_status": (
        Field("channel_id", ("channel_id", "discord_channel_id"), "channel_id"),
        Field("guild_id", ("guild_id", "server_id"), "guild_id"),
        Field(
            "last_message_id",
            (
                "last_message_id",
                "last_processed_message_id",
                "last_ingested_message_id",
                "last_seen_message_id",
            ),
            "history_from: the id's time, as a hint",
        ),
        Field(
            "last_run_at",
            ("last_run_at", "last_run", "last_ingested_at", "last_ingestion", "last_ingestion_time", "last_run_time"),
            "history_from, where no id tells it",
            is_time=True,
        ),
    ),
    "events": (
        Field("channel", ("channel",), "channel"),
        Field("event_type", ("event_type", "type"), "event_type; else what data says"),
        Field("data", ("data", "payload"), "data"),
        Field("created_at", ("created_at", "timestamp"), "created_at", is_time=True),
        Field("correlation_id", ("correlation_id",), "correlation_id"),
    ),
}


def field_names(role: Role) -> tuple[str, ...]:
    return tuple(field.name for field in FIELDS[role])
