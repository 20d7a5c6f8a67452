"""Posts in, JSON out: what other programs ask `parse` for. One line or object for each post, in order."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import structlog

import parsers
from parsers.reading import Reading
from worker.faults import named

log = structlog.get_logger(__name__)


def parse_time(value: str) -> datetime:
    """An ISO time; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_post(text: str, posted_at: datetime, timezone: str) -> Reading:
    """The reading of a text, or a failed one: a parser that breaks costs no other post."""
    try:
        return parsers.parse(text, posted_at, timezone=timezone)
    except Exception as error:
        log.exception("parsing.failed")
        return Reading("failed", reason=named(error)[:500])


def as_json(post_id: str | None, reading: Reading) -> str:
    """In ASCII: escaped, so that neither a terminal nor an encoding can be upset."""
    return json.dumps({"id": post_id, **parsers.to_json(reading)}, separators=(",", ":"))


def json_lines(lines: Iterable[str], timezone: str) -> Iterator[str]:
    """Reads lines of `{"id", "posted_at", "content"}`; one that is none is `failed` and logged with the reason."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        post: Any = None
        try:
            post = json.loads(line)
            content, posted_at = post["content"], parse_time(post["posted_at"])
            if not isinstance(content, str):
                raise TypeError("content is no string")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("parse.bad_line", line=number, reason=named(error))
            reading = Reading("failed", reason="no post")
        else:
            reading = read_post(content, posted_at, timezone)
        yield as_json(_id(post), reading)


def _id(post: object) -> str | None:
    found = post.get("id") if isinstance(post, dict) else None
    return str(found) if isinstance(found, str | int) else None
