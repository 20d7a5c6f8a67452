"""How often each fault was survived, over all runs of the campaign, in a file."""

import json
from collections import Counter
from pathlib import Path

FILE = Path(__file__).with_name("counts.json")


def load() -> Counter[str]:
    return Counter(json.loads(FILE.read_text())) if FILE.exists() else Counter()


def add(name: str) -> Counter[str]:
    """Counts one run; written at once, so that a campaign can stop anywhere and go on."""
    counts = load()
    counts[name] += 1
    FILE.write_text(json.dumps(dict(sorted(counts.items())), indent=1) + "\n")
    return counts
