"""Plants one bug after the other and shows that it is caught: `python -m tests.mutants [WORD...]`, or `make mutants`.

Each bug is planted in a copy of the tree, where only the test named beside it is run. That the test holds without the
bug is seen first."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 600  # one test, on a busy machine


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only mutants whose name holds one of these")
    words = parser.parse_args().words
    mutants = [one for one in MUTANTS if not words or any(word in one.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        _copy_tree(copy)
        holding = {test: _passes(copy, test) for test in dict.fromkeys(one.caught_by for one in mutants)}
        results = [_verdict(copy, one, holds=holding[one.caught_by]) for one in mutants]
    missed = results.count(False)
    sys.exit(f"{missed} of {len(results)} bugs were not caught" if missed else None)


def _verdict(copy: Path, mutant: Mutant, *, holds: bool) -> bool:
    file = copy / mutant.file
    sound = file.read_text()
    if sound.count(mutant.old) != 1:
        sys.exit(f"{mutant.file} does not hold once what {mutant.name!r} changes")
    began = time.monotonic()
    file.write_text(sound.replace(mutant.old, mutant.new))
    caught = not _passes(copy, mutant.caught_by)
    file.write_text(sound)
    said = "caught" if caught else "NOT CAUGHT"
    if not holds:
        said = "THE TEST FAILS WITHOUT IT"
    print(f"{said:10} {time.monotonic() - began:4.0f} s  {mutant.name}  ({mutant.caught_by})", flush=True)
    return caught and holds


def _copy_tree(copy: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)


def _passes(copy: Path, test: str) -> bool:
    """Raises SystemExit where the test cannot be run at all."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        f"--timeout={LONGEST_SECONDS}",
        test,
    ]
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        sys.exit(f"{test} cannot be run:\n{ended.stdout}{ended.stderr}")
    return ended.returncode == 0


main()
