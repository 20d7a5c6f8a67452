"""The plan and the report of an import, for people."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from worker.legacy.ending import ImportExit
from worker.legacy.fields import FIELDS, NEW_TABLES
from worker.legacy.plan import Plan, TablePlan
from worker.legacy.report import Report
from worker.legacy.runs import TableProgress
from worker.legacy.target import Pair
from worker.legacy.verification import Verification
from worker.views.terminal import FAINT, FLAG_STYLE, styled

KEPT = "kept as it is, in legacy_map"
SHOWN_CHARACTERS = 150  # of a row in the sample

_ENDS = {
    ImportExit.CLEAN: "Everything is imported and verified.",
    ImportExit.QUARANTINED: "Done and verified; rows that could not be taken wait, whole, in import_quarantine.",
    ImportExit.NOT_VERIFIED: "NOT VERIFIED: what is there is not what should be, see above.",
}
_DRY_ENDS = {
    ImportExit.CLEAN: "This was a dry run: nothing was written. With --execute all of it will be imported.",
    ImportExit.QUARANTINED: "This was a dry run: nothing was written. With --execute the rows under `quarantined` "
    "will go to import_quarantine, whole.",
    ImportExit.NOT_VERIFIED: "This was a dry run: nothing was written. It would not verify, see above.",
}


def show_plan(console: Console, plan: Plan) -> None:
    for one in plan.tables:
        _show_table_plan(console, one)
    for left in plan.unmapped:
        console.print(
            styled(f"{left.label}: {left.rows} rows, not imported: nothing of ours is made of it", FLAG_STYLE)
        )


def _show_table_plan(console: Console, plan: TablePlan) -> None:
    old = plan.table
    console.print()
    console.print(styled(f"{old.label}: {old.rows} rows, to {NEW_TABLES[plan.role]}", "bold"))
    fields = {plan.columns[field.name]: field for field in FIELDS[plan.role] if field.name in plan.columns}
    drawn = _table("old column", "type", ">nulls", "first and last", "becomes")
    for column in old.columns:
        field = fields.get(column.name)
        times = f"{column.first} to {column.last}" if column.first else ""
        becomes = field.becomes if field else KEPT
        drawn.add_row(
            styled(column.name),
            styled(column.type),
            str(old.rows - column.filled),
            styled(times),
            styled(becomes, "" if field else FAINT),
        )
    console.print(drawn)
    for sentence in plan.assumptions:
        console.print(styled(f"assumed: {sentence}", FLAG_STYLE))


def show_report(console: Console, report: Report) -> None:
    drawn = _table("table", ">read", ">inserted", ">already there", ">merged", ">quarantined", "verified")
    labels = [one.table.label for one in report.plan.tables]
    for label in labels:
        progress, found = report.run.tables[label], report.verifications[label]
        drawn.add_row(
            styled(label),
            *(str(number) for number in _numbers(progress)),
            styled("yes" if found.holds else "NO", "" if found.holds else FLAG_STYLE),
        )
    console.print(drawn)
    for label in labels:
        _show_made(console, label, report.run.tables[label])
        _show_verification(console, label, report.verifications[label])
    written = "would be written with --execute" if report.is_dry else "were written by this run"
    console.print(f"{report.run.written} rows {written}.")
    console.print((_DRY_ENDS if report.is_dry else _ENDS)[report.exit_code], style="bold")


def _table(*names: str) -> Table:
    """Columns whose name begins with > hold numbers."""
    drawn = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in names:
        drawn.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    return drawn


def _numbers(progress: TableProgress) -> tuple[int, ...]:
    return progress.position, progress.inserted, progress.already_there, progress.merged, progress.quarantined


def _show_made(console: Console, label: str, progress: TableProgress) -> None:
    if progress.made:
        made = ", ".join(f"{number} {what}" for what, number in sorted(progress.made.items()))
        console.print(styled(f"{label} was read as: {made}"))
    for reason, number in sorted(progress.reasons.items()):
        console.print(styled(f"{label}: {number} rows quarantined as {reason}", FLAG_STYLE))


def _show_verification(console: Console, label: str, found: Verification) -> None:
    console.print(
        styled(
            f"{label}: checksum {found.expected_checksum:016x} expected, {found.actual_checksum:016x} found"
            f"{'' if found.is_unchanged else '; THE OLD TABLE HAS CHANGED MEANWHILE'}"
            f"{'' if found.is_conserved and not found.missing else '; ROWS ARE NOT ACCOUNTED FOR'}",
            "" if found.holds else FLAG_STYLE,
        )
    )
    for pair in found.sample:
        _show_pair(console, pair, FAINT)
    for pair in found.differences:
        _show_pair(console, pair, FLAG_STYLE)


def _show_pair(console: Console, pair: Pair, style: str) -> None:
    for what, text in (("old", pair.expected), ("new", pair.actual or "nothing")):
        console.print(styled(f"  {what}  {text[:SHOWN_CHARACTERS]}", style))
