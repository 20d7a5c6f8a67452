"""The README shows what the campaign's counts say, no more and no less."""

import re

from tests.faults import counts
from tests.faults.faults import FAULTS
from tests.faults.report import ROWS, fault_table
from tests.unit.test_readme import README


def test_the_readme_shows_the_counts() -> None:
    table = fault_table(counts.load())
    assert table in README.read_text(encoding="utf-8"), f"put this into README.md:\n{table}"


def test_every_fault_is_in_one_row() -> None:
    for name in FAULTS:
        assert sum(bool(re.fullmatch(pattern, name)) for pattern in ROWS.values()) == 1, name
