"""What an import did, as values: for the report to people and for --report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.legacy.catalogue import OldTable
from worker.legacy.ending import ImportExit
from worker.legacy.fields import NEW_TABLES
from worker.legacy.plan import Plan, TablePlan
from worker.legacy.runs import Run, TableProgress
from worker.legacy.verification import Verification


@dataclass(frozen=True, slots=True)
class Report:
    """`is_dry`: everything was done in temporary tables, so the numbers are what executing would give."""

    is_dry: bool
    source: str
    plan: Plan
    run: Run
    verifications: Mapping[str, Verification]

    @property
    def exit_code(self) -> ImportExit:
        if not all(found.holds for found in self.verifications.values()):
            return ImportExit.NOT_VERIFIED
        quarantined = any(progress.quarantined for progress in self.run.tables.values())
        return ImportExit.QUARANTINED if quarantined else ImportExit.CLEAN

    def as_json(self) -> dict[str, Any]:
        return {
            "dry_run": self.is_dry,
            "source": self.source,
            "run_id": None if self.is_dry else self.run.run_id,
            "resumed": self.run.is_resumed,
            "exit_code": int(self.exit_code),
            "rows_written": self.run.written,
            "tables": [self._table(one) for one in self.plan.tables],
            "not_imported": [{"table": table.label, "rows": table.rows} for table in self.plan.unmapped],
        }

    def _table(self, plan: TablePlan) -> dict[str, Any]:
        label = plan.table.label
        return {
            "table": label,
            "becomes": NEW_TABLES[plan.role],
            "plan": plan.as_json(),
            "assumptions": list(plan.assumptions),
            "columns": [_column(plan.table, number) for number in range(len(plan.table.columns))],
            **counts(self.run.tables[label]),
            "verification": _verification(self.verifications[label]),
        }


def counts(progress: TableProgress) -> dict[str, Any]:
    return {
        "read": progress.position,
        "inserted": progress.inserted,
        "already_there": progress.already_there,
        "merged": progress.merged,
        "quarantined": progress.quarantined,
        "reasons": dict(progress.reasons),
        "made": dict(progress.made),
    }


def _column(table: OldTable, number: int) -> dict[str, Any]:
    column = table.columns[number]
    return {
        "name": column.name,
        "type": column.type,
        "nulls": table.rows - column.filled,
        "first": column.first,
        "last": column.last,
    }


def _verification(found: Verification) -> dict[str, Any]:
    return {
        "holds": found.holds,
        "every_row_accounted_for": found.is_conserved and not found.missing,
        "old_table_unchanged": found.is_unchanged,
        "expected_checksum": f"{found.expected_checksum:016x}",
        "actual_checksum": f"{found.actual_checksum:016x}",
        "sample": [pair._asdict() for pair in found.sample],
        "differences": [pair._asdict() for pair in found.differences],
    }
