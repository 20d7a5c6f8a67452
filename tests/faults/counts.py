"""How often each fault was survived, over all runs of the campaign, in a file: by fault, then by kind."""

import json
from collections import Counter
from pathlib import Path

FILE = Path(__file__).with_name("counts.json")


def load() -> dict[str, Counter[str]]:
    return {name: Counter(kinds) for name, kinds in json.loads(FILE.read_text()).items()} if FILE.exists() else {}


def total(name: str) -> int:
    return load().get(name, Counter()).total()


def add(name: str, struck: Counter[str]) -> None:
    """Counts one run; written at once, so that a campaign can stop anywhere and go on."""
    counts = load()
    counts.setdefault(name, Counter()).update(struck)
    ordered = {name: dict(sorted(counts[name].items())) for name in sorted(counts)}
    FILE.write_text(json.dumps(ordered, indent=1) + "\n")
