"""What a whole reading costs beside one bare regex pass over the lines of the same posts.

The bare pass is the least that finds a setup at all: one expression with named groups for the strategy, the kind, the
trigger or zone and the list of targets, run by `finditer` on every line, its groups taken, nothing checked and nothing
carried from line to line. A whole reading is text in, plans out: notes, levels with their spans and the account of
every number included. Both read the same posts in turns in the same process, so that what else the machine does weighs
on both alike; the least of many rounds counts.

Chat is told as a share of a reading: nearly every stored message is chat.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import parsers

ROUNDS = 60
REPEATS = 5
DATA = Path(__file__).parents[1] / "data" / "parsers"
REAL_POSTS = Path(__file__).parents[3] / "shared" / "corpus" / "aplus_real.jsonl"

_PRICE = r"\d[\d,]*(?:\.\d+)?"
_BARE = re.compile(
    rf"(?:(?P<strategy>aggressive|conservative)\s+)?(?P<kind>rejection|breakdown|breakout|bounce|long|short)\b[^\d\n]*?"
    rf"(?P<trigger>{_PRICE}(?:\s?[-–—]\s?{_PRICE})?)\D*(?P<targets>{_PRICE}(?:,\s*{_PRICE})*)?",
    re.IGNORECASE,
)

Post = tuple[str, datetime]


def _posts() -> list[Post]:
    """The real posts where they are on this machine, else our own."""
    if not REAL_POSTS.exists():
        return [((DATA / "post.txt").read_text("utf-8"), datetime.fromisoformat("2025-06-12T13:05:00Z"))]
    with REAL_POSTS.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(row["content"], datetime.fromisoformat(row["posted_at"])) for row in rows]


def _bare(post: Post) -> int:
    return sum(match.groups() is not None for line in post[0].splitlines() for match in _BARE.finditer(line))


def _whole(post: Post) -> int:
    return len(parsers.parse(*post).numbers)


def _cost(work: Callable[[Post], int], posts: list[Post]) -> float:
    """CPU seconds for each post."""
    begin = time.process_time()
    for _ in range(REPEATS):
        for post in posts:
            work(post)
    return (time.process_time() - begin) / REPEATS / len(posts)


async def main() -> None:
    """Prints the ratios."""
    posts = _posts()
    chat = [(line, posts[0][1]) for line in (DATA / "chat.txt").read_text("utf-8").splitlines()]
    bare = whole = talk = float("inf")
    for _ in range(ROUNDS):
        bare, whole = min(bare, _cost(_bare, posts)), min(whole, _cost(_whole, posts))
        talk = min(talk, _cost(_whole, chat))
    setups = sum(len(plan.setups) for post in posts for plan in parsers.parse(*post).plans)
    print(f"{len(posts)} posts, {setups} setups")
    print(f"whole reading / bare regex pass   {whole / bare:5.2f}   ({whole * 1e6:.0f} and {bare * 1e6:.0f} µs a post)")
    print(f"chat / whole reading              {talk / whole:5.3f}   ({talk * 1e6:.1f} µs a message)")


if __name__ == "__main__":
    asyncio.run(main())
