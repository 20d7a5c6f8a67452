"""What the planted bugs change stands in the code, once, and is Python afterwards."""

import ast
from pathlib import Path

import pytest

from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted(mutant: Mutant) -> None:
    sound = (ROOT / mutant.file).read_text()
    assert sound.count(mutant.old) == 1
    ast.parse(sound.replace(mutant.old, mutant.new))
    assert (ROOT / mutant.caught_by.partition("::")[0]).exists()
