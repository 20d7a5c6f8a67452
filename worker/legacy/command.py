"""scripts/legacy_import.py behind its arguments: from the preflight to the exit code."""

import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from worker import logs
from worker.db.connection import Database, open_database
from worker.exits import WorkerError
from worker.faults import named
from worker.ingest.writer import PASSING
from worker.legacy.ending import ImportExit, InterruptedImportError, PreflightError, UsageError
from worker.legacy.fields import Role
from worker.legacy.importing import BATCH_ROWS, Importing, Work
from worker.legacy.map_file import read_map, write_map
from worker.legacy.preflight import ask, look_around, require_schema
from worker.legacy.report import Report
from worker.legacy.runs import begin_run, finish_run
from worker.legacy.sessions import reading_session, writing_session
from worker.legacy.shadows import stand_in
from worker.legacy.show import show_plan, show_report
from worker.settings import Settings, load_settings
from worker.views.terminal import styled, terminal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. `source` is the URL of another database that the old tables lie in."""

    execute: bool = False
    source: str | None = None
    map_file: Path | None = None
    write_map: Path | None = None
    report_file: Path | None = None
    retry: bool = False
    restart: bool = False


def main(options: Options, *, batch_rows: Mapping[Role, int] = BATCH_ROWS) -> ImportExit:
    """Runs an import, tells what it does, and returns the exit code."""
    console = terminal(stderr=True)
    try:
        settings = load_settings()
        logs.configure(settings, quiet=True)
        return asyncio.run(_interruptible(settings, options, batch_rows))
    except UsageError as error:
        console.print(styled(str(error)))
        return ImportExit.USAGE
    except (PreflightError, WorkerError) as error:
        console.print(styled(str(error)))
        return ImportExit.REFUSED
    except asyncpg.InsufficientPrivilegeError as error:
        console.print(styled(f"The database's user lacks a right that the import needs: {error}."))
        return ImportExit.REFUSED
    except InterruptedImportError as error:
        console.print(styled(str(error)))
        return ImportExit.INTERRUPTED
    except Exception:
        log.exception("legacy.internal_error")
        return ImportExit.INTERNAL


async def _interruptible(settings: Settings, options: Options, batch_rows: Mapping[Role, int]) -> ImportExit:
    """Ctrl-C and SIGTERM let the batch that is being written be committed."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_database(settings) as database:
        report = await import_tables(settings, options, database, batch_rows=batch_rows, stop=stop)
    return report.exit_code


async def import_tables(
    settings: Settings,
    options: Options,
    database: Database,
    *,
    batch_rows: Mapping[Role, int] = BATCH_ROWS,
    stop: asyncio.Event | None = None,
) -> Report:
    """The whole import, told on standard output; `stop` ends it after the batch that is being written.

    Raises UsageError, PreflightError, InterruptedImportError, and what opening a schema raises."""
    mapped = read_map(options.map_file) if options.map_file else {}
    _check_writable(options.report_file)
    await require_schema(database, settings, ask if options.execute else lambda _: False)
    async with writing_session(database) as writer, reading_session(database, options.source, writer) as reader:
        preflight = await look_around(
            reader, mapped, settings, is_elsewhere=options.source is not None, execute=options.execute
        )
        show_plan(terminal(), preflight.plan)
        if options.write_map is not None:
            write_map(options.write_map, preflight.plan.as_map())
        if not options.execute:
            await stand_in(writer)
        run = await begin_run(writer, preflight.source, preflight.plan, preflight.states, restart=options.restart)
        work = Work(preflight.plan, run, options.retry, batch_rows)
        importing = Importing(reader, writer, work, stop or asyncio.Event())
        try:
            await importing.bring()
            verifications = await importing.prove()
            await finish_run(writer, run)
        except PASSING as error:
            raise InterruptedImportError(
                f"The database went away ({named(error)}): the same command goes on from there."
            ) from error
        report = Report(not options.execute, preflight.source, preflight.plan, run, verifications)
    show_report(terminal(), report)
    if options.report_file is not None:
        options.report_file.write_text(json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n")
    return report


def _check_writable(file: Path | None) -> None:
    """Before the work, not after it."""
    try:
        if file is not None:
            file.touch()
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from None
