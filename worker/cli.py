"""The command line. What a command needs is imported when it runs, so that --help answers at once."""
# ruff: noqa: PLC0415

import asyncio
import io
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TextIO
from uuid import UUID

import click

from worker.collector import FOR_MESSAGES, rare_collections
from worker.exits import ExitCode, NotFoundError, WorkerError
from worker.parameters import (
    CORRELATION_ID,
    DAY,
    EVENT_CHANNEL,
    EVENT_ID,
    MESSAGE_LINK,
    PARSER,
    PAST_DAY,
    SNOWFLAKE,
    TIME,
    TRACE_NAME,
    ZONE,
)

if TYPE_CHECKING:
    from worker.settings import Settings

PROGRAM = "python -m worker"
STANDARD_INPUT = "-"
EPILOG = """\b
Settings are environment variables. README.md lists them, with their units and
defaults, and the exit codes; docs/ tells about operations and formats."""

of_trading_day = click.option(
    "--day", type=DAY, metavar="YYYY-MM-DD", help="The trading day.  [default: today in PLAN_TIMEZONE]"
)
of_event_channels = click.option(
    "--channel",
    "channels",
    metavar="NAME",
    multiple=True,
    type=EVENT_CHANNEL,
    help="Only of this channel, such as parsing:setup; may be repeated.",
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character gets its number instead of a traceback.
            stream.reconfigure(errors="backslashreplace")
    with rare_collections(FOR_MESSAGES):
        code = _exit_code(list(sys.argv[1:] if arguments is None else arguments))
    sys.exit(code)


def _exit_code(arguments: list[str]) -> int:
    try:
        with cli.make_context(PROGRAM, arguments) as context:
            code = cli.invoke(context)
        sys.stdout.flush()
        return int(code or ExitCode.OK)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except WorkerError as error:
        click.echo(error, err=True)
        return error.exit_code
    except click.UsageError as error:
        error.show()
        return ExitCode.USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _leave_broken_pipe()
    except Exception:
        logging.getLogger(__name__).exception("worker.internal_error")
        return ExitCode.INTERNAL


def _leave_broken_pipe() -> ExitCode:
    """Whoever read our output has what it wanted; Python's own flush at exit must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.OK


def _settings(*, quiet: bool = True) -> "Settings":
    """The settings, with logging set up by them; quiet where people read the output."""
    from worker.logs import configure
    from worker.settings import load_settings

    settings = load_settings()
    configure(settings, quiet=quiet)
    return settings


def _run(work: Coroutine[Any, Any, ExitCode | None]) -> ExitCode | None:
    """Runs to the end; SIGTERM ends it as Ctrl-C does, with everything closed."""

    async def interruptible() -> ExitCode | None:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    return asyncio.run(interruptible())


def _run_until_interrupted(work: Coroutine[Any, Any, ExitCode | None]) -> ExitCode | None:
    """For what goes on until Ctrl-C, which then is no interruption."""
    try:
        return _run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return ExitCode.OK


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
def cli() -> None:
    """Stores every message of a trading channel on Discord, reads the trade setups in it and tells other programs."""


@cli.command()
def run() -> ExitCode | None:
    """Run the worker until Ctrl-C or SIGTERM.

    Needs DISCORD_TOKEN. Without DATABASE_URL it keeps a PostgreSQL of its own in DATA_DIRECTORY."""
    from worker import app

    return asyncio.run(app.run(_settings(quiet=False)))


@cli.command()
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C.")
def demo(keep: bool) -> ExitCode | None:
    """Show the main job with a local Discord and sample posts.

    It needs neither a token nor a database, and ends by itself."""
    from worker import demo as demonstration

    work = demonstration.run(_settings(), keep=keep)
    return _run_until_interrupted(work) if keep else _run(work)


@cli.command()
@click.option("--plan", "what", flag_value="plan", help="Only show the revisions that would be applied.")
@click.option("--sql", "what", flag_value="sql", help="Only print their SQL.")
def migrate(what: str | None) -> None:
    """Bring the database to the newest revision.

    Every command that needs the database does so by itself; this one does nothing else."""
    from worker import commands

    work = {"plan": commands.show_migration_plan, "sql": commands.print_migration_sql, None: commands.migrate}[what]
    _run(work(_settings(quiet=what is not None)))


@cli.command()
@click.argument("file", default=STANDARD_INPUT)
@click.option("--json", "form", flag_value="json", help="Print the reading as one JSON object.")
@click.option(
    "--jsonl", "form", flag_value="jsonl", help='Read lines of {"id", "posted_at", "content"}; print one for each.'
)
@click.option(
    "--posted-at",
    metavar="TIME",
    type=TIME,
    help="When it was posted: ISO 8601, UTC without a zone.  [default: now]",
)
@click.option(
    "--timezone", metavar="ZONE", type=ZONE, help="Whose date a plan without one is for.  [default: PLAN_TIMEZONE]"
)
def parse(file: str, form: str | None, posted_at: datetime | None, timezone: str | None) -> None:
    """Show what is read from a post.

    FILE is the text of one post; without it, or with -, that is standard input. No database is needed."""
    from worker.views import posts

    settings = _settings()
    zone = timezone or settings.plan_timezone
    with _opened(file) as lines:
        if form == "jsonl":
            for line in posts.json_lines(lines, zone):
                click.echo(line)
            return
        text = lines.read()
    reading = posts.read_post(text, posted_at or datetime.now(UTC), zone)
    if form == "json":
        click.echo(posts.as_json(None, reading))
        return
    from worker.views.post import show_post
    from worker.views.terminal import terminal

    show_post(terminal(), text, reading)


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    """A file or standard input as UTF-8, in which only a line feed ends a line."""
    if file == STANDARD_INPUT:
        if sys.stdin.isatty():
            click.echo("Paste a post and end it with Ctrl-D.", err=True)
        raw: BinaryIO = sys.stdin.buffer
    else:
        try:
            raw = io.BufferedReader(io.FileIO(file))
        except OSError as error:
            raise NotFoundError(f"{file} cannot be read: {error.strerror}.") from None
    with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="\n") as text:
        yield text


@cli.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--channel", metavar="ID", type=SNOWFLAKE, help="The channel of messages that do not say theirs.")
def replay(files: tuple[Path, ...], channel: int | None) -> None:
    """Store the messages of exported files.

    FILE is DiscordChatExporter's JSON, or JSONL with one of Discord's message objects a line.
    What is stored already stays as it is, so that a second run changes nothing."""
    from worker import commands

    _run(commands.replay(_settings(quiet=sys.stderr.isatty()), files, channel))


@cli.command(short_help="Show what today's parsers read otherwise.")
@click.option(
    "--since", metavar="TIME", type=TIME, help="Only posts from this moment on, such as 2025-05-15T00:00:00Z."
)
@click.option("--parser", metavar="NAME", type=PARSER, help="Only what this parser read before.")
@click.option("--execute", is_flag=True, help="Write what is read otherwise, and tell it.  [default: only show it]")
def reparse(since: datetime | None, parser: str | None, execute: bool) -> None:
    """Run today's parsers over what is stored and show what they read otherwise."""
    from worker import commands

    quiet = sys.stderr.isatty()
    _run(commands.reparse(_settings(quiet=quiet), since=since, parser=parser, execute=execute))


@cli.command()
@click.argument("ticker")
@of_trading_day
@click.option(
    "--as-of", metavar="TIME", type=TIME, help="Show what stood at this moment, such as 2025-05-15T14:00:00Z."
)
def setups(ticker: str, day: datetime | None, as_of: datetime | None) -> None:
    """Show the setups of TICKER that stand."""
    from worker import commands

    _run(commands.setups(_settings(), ticker, day.date() if day else None, as_of))


@cli.command()
@click.argument("ticker")
@of_trading_day
def levels(ticker: str, day: datetime | None) -> None:
    """Show the levels of TICKER that stand, as a price ladder."""
    from worker import commands

    _run(commands.levels(_settings(), ticker, day.date() if day else None))


@cli.group()
def events() -> None:
    """The facts that other programs are told."""


@events.command()
@click.option("--after", metavar="N", type=EVENT_ID, help="Begin after this event id.  [default: the newest 20]")
@click.option("--follow", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@of_event_channels
@click.option(
    "--correlation", metavar="ID", type=CORRELATION_ID, help="Only with this correlation id, from the first on."
)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object a line.")
def tail(after: int | None, follow: bool, channels: tuple[str, ...], correlation: UUID | None, is_json: bool) -> None:
    """Show events in the order in which they committed; times are in UTC."""
    from worker import commands

    work = commands.tail_events(
        _settings(), after=after, event_channels=channels, correlation_id=correlation, follow=follow, is_json=is_json
    )
    (_run_until_interrupted if follow else _run)(work)


@events.command("replay")
@click.option("--after", metavar="N", type=EVENT_ID, default=0, help="After this event id; imported ones are negative.")
@click.option("--up-to", metavar="N", type=EVENT_ID, help="Up to this event id.")
@click.option("--correlation", metavar="ID", type=CORRELATION_ID, help="Only with this correlation id.")
@of_event_channels
@click.option("--since", metavar="TIME", type=TIME, help="Told at this time or later: ISO 8601, UTC without a zone.")
@click.option("--until", metavar="TIME", type=TIME, help="Told before this time.")
@click.option("--consumer", metavar="NAME", help="Hand them to this consumer.  [default: to standard output]")
@click.option("--execute", is_flag=True, help="Hand them over; without it they are only counted.")
def replay_events(
    *,
    after: int,
    up_to: int | None,
    correlation: UUID | None,
    channels: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    consumer: str | None,
    execute: bool,
) -> None:
    """Hand events over once more, marked as a replay.

    A consumer is handed only what it reads and has passed already."""
    from worker import commands
    from worker.events.replay import Selection

    selection = Selection(after, up_to, correlation, channels, since, until)
    _run(commands.replay_events(_settings(), selection, consumer=consumer, execute=execute))


@cli.command(short_help="Show the whole way of a message.")
@click.argument("name", metavar="CORRELATION_ID|MESSAGE_ID", type=TRACE_NAME)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def trace(name: UUID | int, is_json: bool) -> None:
    """Show the whole way of a message: posted, received, told, and what each consumer made of it."""
    from worker import commands

    _run(commands.trace(_settings(), name, is_json=is_json))


@cli.group()
def consumers() -> None:
    """The programs that read events by a name."""


@consumers.command("list")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON array.")
def list_consumers(is_json: bool) -> None:
    """Show how far behind each consumer is, and why."""
    from worker import commands

    _run(commands.list_consumers(_settings(), is_json=is_json))


@consumers.command("letters")
@click.argument("consumer", metavar="NAME")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON array.")
def dead_letters(consumer: str, is_json: bool) -> None:
    """Show the events that a consumer failed on after its last try, and why."""
    from worker import commands

    _run(commands.dead_letters(_settings(), consumer, is_json=is_json))


@consumers.command()
@click.argument("consumer", metavar="NAME")
@click.argument("event_ids", metavar="[EVENT_ID]...", nargs=-1, type=EVENT_ID)
def requeue(consumer: str, event_ids: tuple[int, ...]) -> None:
    """Have a consumer's dead letters, all or some, handed to it again."""
    from worker import commands

    _run(commands.requeue(_settings(), consumer, event_ids))


@consumers.command("move")
@click.argument("consumer", metavar="NAME")
@click.option("--after", metavar="N", type=EVENT_ID, required=True, help="The event id to go on after.")
def move_consumer(consumer: str, after: int) -> None:
    """Have a consumer skip events, or read some again, while no reader of it is at work."""
    from worker import commands

    _run(commands.move_consumer(_settings(), consumer, after))


@consumers.command("remove")
@click.argument("consumer", metavar="NAME")
def remove_consumer(consumer: str) -> None:
    """Forget a consumer and its letters. Retention waits for it no longer."""
    from worker import commands

    _run(commands.remove_consumer(_settings(), consumer))


@cli.command()
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def status(is_json: bool) -> None:
    """Show channels, gaps, messages, events and the schema."""
    from worker import commands

    _run(commands.status(_settings(), is_json=is_json))


@cli.command()
@click.argument("channel_id", metavar="CHANNEL", type=SNOWFLAKE)
@click.option("--since", type=PAST_DAY, metavar="YYYY-MM-DD", required=True, help="The first day to fetch, in UTC.")
def backfill(channel_id: int, since: datetime) -> None:
    """Fetch a channel's older messages.

    The worker that runs fetches them, now or when it starts again; this command shows how far it is."""
    from worker import commands

    _run(commands.backfill(_settings(), channel_id, since.replace(tzinfo=UTC)))


@cli.command()
@click.argument("link", metavar="MESSAGE_LINK", type=MESSAGE_LINK)
def explain(link: tuple[int | None, int]) -> None:
    """Say whether a message is stored, how it came, and what became of it, or why it is not.

    A message's id will do where the message is stored; `trace` has its whole way."""
    from worker import commands

    _run(commands.explain(_settings(), *link))


@cli.command()
@click.argument("channel_id", metavar="CHANNEL", type=SNOWFLAKE)
@click.option("--day", type=DAY, metavar="YYYY-MM-DD", help="Only this day of UTC.  [default: all]")
@click.option("--verify", is_flag=True, help="Read Discord again and compare; needs DISCORD_TOKEN.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def certify(channel_id: int, day: datetime | None, verify: bool, is_json: bool) -> ExitCode | None:
    """Show a day at a time what is stored of a channel, and whether it is complete."""
    from worker import commands

    return _run(commands.certify(_settings(), channel_id, day.date() if day else None, verify=verify, is_json=is_json))


@cli.command()
@click.option("--json", "is_json", is_flag=True, help="Print one JSON array.")
def doctor(is_json: bool) -> ExitCode | None:
    """Check token, intents, permissions, schema, clocks, disk and lag, and say what to do."""
    from worker import commands

    return _run(commands.doctor(_settings(), is_json=is_json))


@cli.group()
def channels() -> None:
    """The channels that the worker listens to."""


@channels.command("add")
@click.argument("channel_id", metavar="ID", type=SNOWFLAKE)
@click.option("--parser", metavar="NAME", type=PARSER, help="Read every message in this format.  [default: detect it]")
def add_channel(channel_id: int, parser: str | None) -> None:
    """Listen to a channel. A worker that runs takes it up within seconds."""
    from worker import commands

    _run(commands.add_channel(_settings(), channel_id, parser))


@channels.command("remove")
@click.argument("channel_id", metavar="ID", type=SNOWFLAKE)
def remove_channel(channel_id: int) -> None:
    """Listen to a channel no longer; what is stored of it stays."""
    from worker import commands

    _run(commands.remove_channel(_settings(), channel_id))


@channels.command("list")
def list_channels() -> None:
    """Show every channel that is known."""
    from worker import commands

    _run(commands.list_channels(_settings()))
