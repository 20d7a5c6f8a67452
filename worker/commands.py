"""What the commands do once their arguments are known: each opens the database, sees to the schema and shows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from asyncpg import Connection

from parsers import Reading, parse
from worker.db import migrate as schema
from worker.db.connection import Database, connected, open_database
from worker.events import consumers as event_consumers
from worker.events.replay import Selection, count_selected, read_selected, send_selected
from worker.exits import ExitCode, InputError, WorkerError
from worker.findings import Finding
from worker.ingest import channel_changes, channels
from worker.ingest.channel_changes import COMMAND_LINE, Options
from worker.ingest.reparse import count_stored
from worker.ingest.reparse import reparse as reparse_stored
from worker.ingest.replay import ReplayOptions, check_files
from worker.ingest.replay import replay as replay_files
from worker.settings import Settings
from worker.views.backfill import follow_backfill
from worker.views.certificate import certificate_json, show_certificate
from worker.views.channels import show_channels
from worker.views.consumers import consumers_json, letters_json, show_consumers, show_letters, show_selected
from worker.views.differences import ReparseCounts, show_difference, show_reparsed
from worker.views.events import event_json, show_events
from worker.views.explanation import ON_THE_COMMAND_LINE, clock_of
from worker.views.explanation import explain as explain_message
from worker.views.findings import findings_json, show_findings
from worker.views.former_plans import plans_as_of
from worker.views.levels import show_levels
from worker.views.migration import show_plan
from worker.views.progress import shown_progress
from worker.views.replay import show_replayed
from worker.views.setups import show_setups
from worker.views.status import show_status, status_json
from worker.views.stored_certificate import read_certificate, stretch_to_compare
from worker.views.stored_check_up import check_database, check_disk
from worker.views.stored_explanation import read_explanation
from worker.views.stored_plans import current_plans
from worker.views.stored_status import read_status
from worker.views.stored_trace import read_trace
from worker.views.tail import EventFilter, tail
from worker.views.terminal import terminal
from worker.views.trace import show_trace, trace_json

if TYPE_CHECKING:
    from worker.gateway.comparison import Compared

FIRST_EVENT = -(1 << 63)  # imported events have negative ids


@asynccontextmanager
async def _ready_database(settings: Settings) -> AsyncIterator[Database]:
    """The database with its schema at the newest revision."""
    async with open_database(settings) as database:
        await _migrate(database, settings)
        yield database


@asynccontextmanager
async def _session(settings: Settings, purpose: str) -> AsyncIterator[Connection]:
    async with _ready_database(settings) as database, connected(database, purpose=purpose) as connection:
        yield connection


async def _migrate(database: Database, settings: Settings) -> tuple[str, ...]:
    return await schema.migrate(
        database,
        budget_seconds=settings.migration_budget_seconds,
        lock_timeout_milliseconds=settings.migration_lock_timeout_milliseconds,
    )


async def migrate(settings: Settings) -> None:
    async with open_database(settings) as database:
        applied = await _migrate(database, settings)
    click.echo(f"Applied {', '.join(applied)}." if applied else "The schema is at the newest revision already.")


async def show_migration_plan(settings: Settings) -> None:
    async with open_database(settings) as database:
        show_plan(terminal(), await schema.plan(database))


async def print_migration_sql(settings: Settings) -> None:
    async with open_database(settings) as database:
        click.echo(await schema.sql(database), nl=False)


async def replay(settings: Settings, files: Sequence[Path], channel_id: int | None) -> None:
    """Raises InputError, once everything else is stored, if a file could not be read whole."""
    check_files(files, channel_id=channel_id)
    options = ReplayOptions(channel_id, settings.plan_timezone, settings.database_wait_seconds)
    async with _ready_database(settings) as database:
        with shown_progress("replay.progress", sum(file.stat().st_size for file in files)) as advance:
            replayed = await replay_files(
                database, files, options, lambda done: advance(done.path.name, done.messages, done.bytes_read)
            )
    show_replayed(terminal(), replayed)
    if replayed.problems:
        raise InputError("\n".join(replayed.problems))


async def reparse(settings: Settings, *, since: datetime | None, parser: str | None, execute: bool) -> None:
    """Each difference as it is found, then how many there were."""
    zone, console, counts = settings.plan_timezone, terminal(), ReparseCounts()

    def read(text: str, posted_at: datetime, bound: str | None) -> Reading:
        return parse(text, posted_at, timezone=zone, format=bound)

    async with _session(settings, "reparse") as connection:
        book = channels.ChannelBook()
        book.replace(await channels.load_channels(connection))
        total = await count_stored(connection, since=since, parser=parser)
        with shown_progress("reparse.progress", total) as advance:
            async for batch in reparse_stored(
                connection, read, book.parser_of, since=since, parser=parser, execute=execute
            ):
                for difference in batch.differences:
                    show_difference(console, difference)
                counts.add(batch)
                advance("reparse", counts.messages, counts.messages)
    show_reparsed(console, counts, written=execute)


async def setups(settings: Settings, ticker: str, day: date | None, as_of: datetime | None) -> None:
    zone = ZoneInfo(settings.plan_timezone)
    today = datetime.now(zone).date()
    async with _session(settings, "setups") as connection:
        if as_of is None:
            plans = await current_plans(connection, ticker, day=day, today=today)
        else:
            plans = await plans_as_of(connection, ticker, day=day or as_of.astimezone(zone).date(), moment=as_of)
    show_setups(terminal(), plans, zone)


async def levels(settings: Settings, ticker: str, day: date | None) -> None:
    today = datetime.now(ZoneInfo(settings.plan_timezone)).date()
    async with _session(settings, "levels") as connection:
        plans = await current_plans(connection, ticker, day=day, today=today)
    show_levels(terminal(), plans)


async def tail_events(
    settings: Settings,
    *,
    after: int | None,
    event_channels: Sequence[str],
    correlation_id: UUID | None,
    follow: bool,
    is_json: bool,
) -> None:
    """All events of a correlation id, else those after an id, else the newest."""
    if after is None and correlation_id is not None:
        after = FIRST_EVENT
    wanted = EventFilter(event_channels, correlation_id)
    console = terminal()
    async with _ready_database(settings) as database:
        async for event in tail(
            database, wanted, after=after, follow=follow, wait_seconds=settings.database_wait_seconds
        ):
            if is_json:
                click.echo(event_json(event))
            else:
                show_events(console, [event])


async def replay_events(settings: Settings, selection: Selection, *, consumer: str | None, execute: bool) -> None:
    """Counts what is selected; executed, sends it to the consumer, or without one writes it to standard output."""
    async with _session(settings, "replay-events") as connection:
        if not execute:
            show_selected(terminal(), await count_selected(connection, selection, consumer))
            click.echo("Nothing was handed over: add --execute for that.")
        elif consumer is not None:
            sent = await send_selected(connection, selection, consumer)
            click.echo(f"{sent} events wait for {consumer}.")
        else:
            async for event in read_selected(connection, selection):
                click.echo(event_json(event))


async def trace(settings: Settings, name: UUID | int, *, is_json: bool) -> None:
    async with _session(settings, "trace") as connection:
        found = await read_trace(connection, name)
    if is_json:
        click.echo(trace_json(found))
    else:
        show_trace(terminal(), found, ZoneInfo(settings.plan_timezone))


async def list_consumers(settings: Settings, *, is_json: bool) -> None:
    async with _session(settings, "consumers") as connection:
        found = await event_consumers.list_consumers(connection)
    if is_json:
        click.echo(consumers_json(found))
    else:
        show_consumers(terminal(), found)


async def dead_letters(settings: Settings, consumer: str, *, is_json: bool) -> None:
    async with _session(settings, "consumers") as connection:
        found = await event_consumers.dead_letters(connection, consumer)
    if is_json:
        click.echo(letters_json(found))
    else:
        show_letters(terminal(), found)


async def requeue(settings: Settings, consumer: str, event_ids: Sequence[int]) -> None:
    async with _session(settings, "consumers") as connection:
        requeued = await event_consumers.requeue(connection, consumer, event_ids)
    click.echo(f"{requeued} dead letters wait for {consumer} again.")


async def move_consumer(settings: Settings, consumer: str, after: int) -> None:
    async with _session(settings, "consumers") as connection:
        await event_consumers.move_consumer(connection, consumer, after)
    click.echo(f"{consumer} goes on after event {after}.")


async def remove_consumer(settings: Settings, consumer: str) -> None:
    async with _session(settings, "consumers") as connection:
        await event_consumers.remove_consumer(connection, consumer)
    click.echo(f"{consumer} is forgotten; a reader of that name begins anew.")


async def status(settings: Settings, *, is_json: bool) -> None:
    async with _session(settings, "status") as connection:
        found = await read_status(connection, event_retention_days=settings.event_retention_days)
    if is_json:
        click.echo(status_json(found))
    else:
        show_status(terminal(), found, ZoneInfo(settings.plan_timezone))


async def add_channel(settings: Settings, channel_id: int, parser: str | None) -> None:
    async with _session(settings, "channels") as connection:
        changed = await channel_changes.add_channel(
            connection, channel_id, by=COMMAND_LINE, options=Options(parser=parser)
        )
    click.echo(f"Channel {channel_id} is listened to." if changed else f"Channel {channel_id} was listened to already.")


async def remove_channel(settings: Settings, channel_id: int) -> None:
    async with _session(settings, "channels") as connection:
        changed = await channel_changes.remove_channel(connection, channel_id, by=COMMAND_LINE)
        still = await channel_changes.listened_with(connection, channel_id)
    if still is not None:
        told = f"is no longer listened to by itself; its channel {still} is, and its threads with it."
    else:
        told = "is no longer listened to; its messages stay." if changed else "was not listened to."
    click.echo(f"Channel {channel_id} {told}")


async def list_channels(settings: Settings) -> None:
    async with _session(settings, "channels") as connection:
        found = await channels.load_channels(connection)
    show_channels(terminal(), found)


async def backfill(settings: Settings, channel_id: int, since: datetime) -> None:
    async with _session(settings, "backfill") as connection:
        asked_at = await connection.fetchval("SELECT now()")
        await channel_changes.ask_for_history(connection, channel_id, since, by=COMMAND_LINE)
        await follow_backfill(connection, channel_id, since, asked_at)


async def explain(settings: Settings, channel_id: int | None, message_id: int) -> None:
    async with _session(settings, "explain") as connection:
        found = await read_explanation(connection, channel_id, message_id)
    for line in explain_message(found, clock_of(ZoneInfo(settings.plan_timezone)), ON_THE_COMMAND_LINE):
        click.echo(line)


async def certify(settings: Settings, channel_id: int, day: date | None, *, verify: bool, is_json: bool) -> ExitCode:
    """DATA when Discord has something else than what is stored."""
    compared = None
    async with _session(settings, "certify") as connection:
        days = await read_certificate(connection, channel_id, day)
        if verify:
            compared = await _compared(connection, settings, channel_id, day)
            days = await read_certificate(connection, channel_id, day)
    if is_json:
        click.echo(certificate_json(days, compared))
    else:
        show_certificate(terminal(), days, compared)
    return ExitCode.DATA if compared and compared.differences else ExitCode.OK


async def _compared(connection: Connection, settings: Settings, channel_id: int, day: date | None) -> "Compared":
    from worker.gateway.comparison import compare  # noqa: PLC0415  discord.py costs 0.3 s
    from worker.gateway.rest_session import rest_session  # noqa: PLC0415

    first_id, last_id = await stretch_to_compare(connection, channel_id, day)
    async with rest_session(settings) as session:
        return await compare(
            connection, session.client, session.rest, channel_id=channel_id, first_id=first_id, last_id=last_id
        )


async def doctor(settings: Settings, *, is_json: bool) -> ExitCode:
    """UNAVAILABLE when something is wrong; where the database cannot be used, the code of that."""
    from worker.gateway.check_up import check_discord  # noqa: PLC0415  discord.py costs 0.3 s

    listened, code = list[channels.Channel](), ExitCode.UNAVAILABLE
    try:
        async with _session(settings, "doctor") as connection:
            findings = await check_database(connection)
            listened = [channel for channel in await channels.load_channels(connection) if channel.listens]
    except WorkerError as error:
        findings, code = [Finding("database", "wrong", "it cannot be used", str(error))], error.exit_code
    if not settings.database_url:
        findings.append(check_disk(settings.data_directory))
    findings += await check_discord(settings, listened)
    if is_json:
        click.echo(findings_json(findings))
    else:
        show_findings(terminal(), findings)
    return code if any(finding.state == "wrong" for finding in findings) else ExitCode.OK
