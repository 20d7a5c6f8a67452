"""Brings the tables of the former application over into the worker's schema, once.

Without --execute nothing is written: everything is done in temporary tables and reported.
docs/coming-from-the-old-app.md tells the whole way."""

import sys
from pathlib import Path

NOT_SET_UP = 4

try:
    import click

    from worker.legacy.command import Options, main
    from worker.legacy.ending import ImportExit
except ImportError as error:
    sys.stderr.write(
        f"This runs in the project's environment, and {error.name} is not there: run `make setup`, "
        "then .venv/bin/python scripts/legacy_import.py.\n"
    )
    sys.exit(NOT_SET_UP)

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(context_settings={"max_content_width": 100})
@click.option("--execute", is_flag=True, help="Do it. Without this nothing is written.")
@click.option("--source", metavar="URL", help="The database of the old tables, if it is not DATABASE_URL's.")
@click.option("--map", "map_file", type=FILE, help="What is to become of tables and columns, where you know better.")
@click.option("--write-map", type=FILE, help="Write the plan to this file, to be edited and given to --map.")
@click.option("--report", "report_file", type=FILE, help="Write the report to this file as JSON.")
@click.option("--retry", is_flag=True, help="Try rows in import_quarantine again.")
@click.option("--restart", is_flag=True, help="Begin anew instead of resuming an import that was interrupted.")
def command(**arguments: object) -> ImportExit:
    """Bring the tables of the former application over, once. This is a dry run unless --execute is given.

    Exit codes: 0 clean, 2 done with rows in quarantine, 3 not verified, 4 refused before it began, 5 interrupted (the
    same command goes on), 64 wrong usage."""
    return main(Options(**arguments))  # type: ignore[arg-type]


if __name__ == "__main__":
    try:
        sys.exit(command(standalone_mode=False))
    except click.UsageError as error:
        error.show()
        sys.exit(ImportExit.USAGE)
