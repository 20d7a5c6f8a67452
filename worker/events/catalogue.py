"""Every fact the worker tells: one class for one event type.

A class's docstring says when it is told, `worker.events.examples` has an example of each, and
`python -m worker.events.schemas` writes the JSON Schemas in docs/events/.

Within a version (`schema`) a field is never removed, given another meaning or another set of words. New fields may
come, with a default, and readers must tolerate them; anything else is a new version. No fact carries message text or a
person's name. Snowflakes and prices are strings, because JSON's numbers lose digits.
"""

import json
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from parsers.reading import BiasDirection, Direction, Kind, Right, Strategy, TradingDaySource
from worker.words import GapOutcome, GapReason, MigrationDirection, Origin

Source = Literal["worker", "legacy_import"]

DATA_LIMIT_BYTES = 64 * 1024  # what a reader may rely on as the largest `data`


class Fact(BaseModel):
    """What stands in an event's `data`."""

    model_config = ConfigDict(frozen=True, extra="ignore", serialize_by_alias=True, validate_by_name=True)

    channel: ClassVar[str]
    event_type: ClassVar[str]

    schema_version: int = Field(1, alias="schema", description="Counts the incompatible changes of this event type.")


class MessageFact(Fact):
    """What every fact about a message has."""

    origin: Origin = Field(
        description="How it became known: as it happened, from history, from an exported file, or from the former "
        "application's tables."
    )
    message_id: str
    channel_id: str = Field(description="Discord's channel; the event's own `channel` is another thing.")
    guild_id: str | None = Field(None, description="null in direct messages.")
    caused_by: str | None = Field(None, description="The message whose arrival or change made this happen to another.")


class DiscordMessageFact(MessageFact):
    channel: ClassVar[str] = "discord:message"

    revision: int = Field(description="Counts the texts that this message was seen to have; 0 while none is known.")
    posted_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


class MessageStored(DiscordMessageFact):
    """A message is in the database for the first time, or what a deletion had left empty is filled in."""

    event_type: ClassVar[str] = "discord.message.stored"


class MessageEdited(DiscordMessageFact):
    """A stored message's text is another one."""

    event_type: ClassVar[str] = "discord.message.edited"


class MessageDeleted(DiscordMessageFact):
    """A message is gone from Discord; what was stored of it stays."""

    event_type: ClassVar[str] = "discord.message.deleted"

    deletion_inferred: bool = Field(False, description="Found missing when the channel was read again, not announced.")


class ParsingFact(MessageFact):
    channel: ClassVar[str] = "parsing:setup"


class MessageParsed(ParsingFact):
    """A text was read as a plan and has at least one setup."""

    event_type: ClassVar[str] = "parsing.message.parsed"

    parser: str = Field(description="The format that the text was read in.")
    parser_version: int
    trading_day: date
    trading_day_source: TradingDaySource = Field(description="The text's header, or the day it was posted on.")
    tickers: list[str | None] = Field(description="Of each plan in the text; null where it named none.")
    setups: int = Field(description="How many were read.")
    unread: int = Field(description="Lines that hold something which was not read.")
    flags: list[str] = Field(description="What is doubtful about the text as a whole, such as `weekend`.")


class MessageEmpty(ParsingFact):
    """A text looks like a plan and nothing could be read from it: an alarm."""

    event_type: ClassVar[str] = "parsing.message.empty"

    parser: str
    parser_version: int
    reason: str | None


class MessageFailed(ParsingFact):
    """The parser broke on a text. The message is stored all the same: an alarm."""

    event_type: ClassVar[str] = "parsing.message.failed"

    reason: str


class Instrument(BaseModel):
    """What an alert trades: a stock has neither expiry, strike nor right."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    underlying: str
    expiry: date | None
    strike: str | None
    right: Right | None


class SetupFact(ParsingFact):
    """A setup as it is after the fact."""

    setup_id: str = Field(description="The same through all edits that leave ticker, kind, strategy and triggers.")
    plan_id: str = Field(description="What one message says about one ticker for one trading day.")
    ticker: str | None = Field(description="null where the text named none.")
    trading_day: date
    trading_day_source: TradingDaySource = Field(description="The text's header, or the day it was posted on.")
    kind: Kind
    strategy: Strategy | None
    direction: Direction
    triggers: list[tuple[str, str]] = Field(description="Low and high of each; equal but for a zone.")
    targets: list[str] = Field(description="In the order of the text; of a zone the edge that is reached first.")
    stop: str | None
    bias_direction: BiasDirection | None
    flags: list[str] = Field(description="What lowers the confidence.")
    plan_flags: list[str] = Field(description="What is doubtful about its plan, such as `fewer_setups`.")
    confidence: str = Field(description="From 0 to 1.")
    instrument: Instrument | None = Field(None, description="null in day plans.")
    quantity: str | None = Field(None, description="null in day plans.")
    truncated: bool = Field(
        False, description="The levels were left out to stay under the size limit: read them by SQL."
    )


class SetupCreated(SetupFact):
    """A setup was read for the first time. One that a newer plan had already replaced is superseded right after."""

    event_type: ClassVar[str] = "setup.created"


class SetupUpdated(SetupFact):
    """An edit or a new parser version changed a setup, which keeps its id."""

    event_type: ClassVar[str] = "setup.updated"

    changed: list[str] = Field(description="The fields that are other than before.")


class SetupWithdrawn(SetupFact):
    """A setup no longer stands: its message was deleted, or an edit left it out."""

    event_type: ClassVar[str] = "setup.withdrawn"


class SetupSuperseded(SetupFact):
    """A newer plan for the same channel, ticker and trading day took the place of this setup's plan."""

    event_type: ClassVar[str] = "setup.superseded"


class SetupReinstated(SetupFact):
    """The plan that had replaced this setup's plan is withdrawn, so this setup stands again."""

    event_type: ClassVar[str] = "setup.reinstated"


class IngestionFact(Fact):
    channel: ClassVar[str] = "ingestion:status"

    channel_id: str


class CatchupStarted(IngestionFact):
    """History that is not covered is about to be fetched for a channel."""

    event_type: ClassVar[str] = "ingestion.catchup.started"

    gaps: int = Field(description="Ranges of message ids that are not covered.")


class CatchupCompleted(IngestionFact):
    """A channel has no open gap left that can be fetched."""

    event_type: ClassVar[str] = "ingestion.catchup.completed"

    messages: int = Field(description="How many were stored that were not known.")


class GapFact(IngestionFact):
    first_id: str
    last_id: str


class GapOpened(GapFact):
    """Message ids of a channel, both ends included, were found not to be covered."""

    event_type: ClassVar[str] = "ingestion.gap.opened"

    reason: GapReason


class GapClosed(GapFact):
    """What was missing is stored, or is not going to be: the channel is gone, the bot was removed from it, or it is no
    longer asked for."""

    event_type: ClassVar[str] = "ingestion.gap.closed"

    outcome: GapOutcome


class BotFact(Fact):
    channel: ClassVar[str] = "bot:lifecycle"


class BotConnected(BotFact):
    """The gateway accepted the bot: a new session, or the old one resumed."""

    event_type: ClassVar[str] = "bot.connected"

    resumed: bool
    guilds: int = Field(description="How many the bot is in.")


class BotDisconnected(BotFact):
    """The gateway connection ended."""

    event_type: ClassVar[str] = "bot.disconnected"


class ChannelFact(Fact):
    channel: ClassVar[str] = "channel:config"

    channel_id: str
    guild_id: str | None
    changed_by: str = Field(description="`command line`, `setting` or `discord:<user id>`.")


class ChannelAdded(ChannelFact):
    """A channel is listened to from now on."""

    event_type: ClassVar[str] = "channel.added"


class ChannelRemoved(ChannelFact):
    """A channel is no longer listened to; its data stays."""

    event_type: ClassVar[str] = "channel.removed"


class ChannelChanged(ChannelFact):
    """A channel's configuration is another one."""

    event_type: ClassVar[str] = "channel.changed"

    changed: dict[str, Any] = Field(description="What is other than before, with its new values.")


class SchemaMigrated(Fact):
    """A revision of the schema was applied or reverted."""

    channel: ClassVar[str] = "system:schema"
    event_type: ClassVar[str] = "schema.migrated"

    revision: str
    direction: MigrationDirection
    duration_milliseconds: int | None = Field(description="null where its SQL was written out and run by others.")
    applied_by: str = Field(description="Application, host and process.")


class Event:
    """A fact with the correlation id that it follows from.

    `data` is the fact as JSON, never over DATA_LIMIT_BYTES: a setup too long for it leaves its levels out and says so.
    Raises ValueError for what is too long all the same."""

    __slots__ = ("_fact", "correlation_id", "data", "fact_class", "source")

    def __init__(self, fact: Fact, correlation_id: UUID, source: Source = "worker") -> None:
        self.fact_class = type(fact)
        self.correlation_id = correlation_id
        self.source = source
        self.data = _data(fact)
        self._fact: Fact | None = fact

    @classmethod
    def written(cls, fact_class: type[Fact], data: str, correlation_id: UUID) -> Self:
        """An event whose `data` is short and written already, exactly as the fact would write it: nothing checks it."""
        event = cls.__new__(cls)
        event.fact_class = fact_class
        event.correlation_id = correlation_id
        event.source = "worker"
        event._fact = None
        event.data = data
        return event

    @property
    def fact(self) -> Fact:
        return self._fact if self._fact is not None else self.fact_class.model_validate_json(self.data)


def _data(fact: Fact) -> str:
    data = fact.model_dump_json()
    if not _is_too_long(data):
        return data
    if isinstance(fact, SetupFact):
        shorter = {"triggers": [], "targets": [], "flags": [], "truncated": True}
        data = fact.model_copy(update=shorter).model_dump_json()
    if _is_too_long(data):
        raise ValueError(f"{fact.event_type} of {len(data)} characters is too long for an event")
    return data


def _is_too_long(data: str) -> bool:
    # Counting bytes costs a copy, which nearly nothing is long enough to need.
    return len(data) * 4 > DATA_LIMIT_BYTES and len(data.encode()) > DATA_LIMIT_BYTES


def _told(base: type[Fact]) -> dict[str, type[Fact]]:
    found = {base.event_type: base} if hasattr(base, "event_type") else {}
    for child in base.__subclasses__():
        found |= _told(child)
    return found


EVENT_TYPES: dict[str, type[Fact]] = _told(Fact)
CHANNELS: tuple[str, ...] = tuple(sorted({fact.channel for fact in EVENT_TYPES.values()}))


def version_of(fact: type[Fact]) -> int:
    """The `schema` that events of this class are told with."""
    version: int = fact.model_fields["schema_version"].default
    return version


def read_fact(event_type: str, data: str) -> Fact | None:
    """An event's data, as JSON, in its class; None for an event type or version that is not known here.

    Raises pydantic.ValidationError if the data is not what its type and version promise."""
    fact_class = EVENT_TYPES.get(event_type)
    if fact_class is None or json.loads(data).get("schema") != version_of(fact_class):
        return None
    return fact_class.model_validate_json(data)


def as_json(value: object) -> str:
    """JSON the way it is stored everywhere: compact and in Unicode."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
