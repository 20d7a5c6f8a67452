"""Whole posts of our own invention, each with the reading a trader gives it."""

import json
from datetime import datetime
from typing import Any

import pytest

import parsers
from tests.unit.parsers.support import DATA, audit


def _posts() -> list[dict[str, Any]]:
    with (DATA / "plans.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("post", _posts(), ids=lambda post: str(post["content"])[:60])
def test_a_whole_post(post: dict[str, Any]) -> None:
    reading = parsers.parse(post["content"], datetime.fromisoformat(post["posted_at"]))
    assert parsers.to_json(reading) == post["expect"]
    audit(post["content"], reading)


@pytest.mark.parametrize("post", _posts(), ids=lambda post: str(post["content"])[:60])
def test_reading_is_pure(post: dict[str, Any]) -> None:
    """A second reading, with every line remembered from the first, says the same."""
    posted = datetime.fromisoformat(post["posted_at"])
    assert parsers.parse(post["content"], posted) == parsers.parse(post["content"], posted)
