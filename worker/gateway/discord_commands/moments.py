"""How far back somebody asks, as it is typed. Pure."""

import re
from datetime import datetime, timedelta

from worker.exits import InputError
from worker.ingest.observation import DISCORD_EPOCH
from worker.views.posts import parse_time

_AGO = re.compile(r"(\d{1,5})\s*d(?:ays?)?", re.IGNORECASE)


def since_of(text: str, now: datetime) -> datetime:
    """A day, a time, or a number of days before now, or Discord's beginning if that is later.

    Raises InputError for anything else, and for the future."""
    text = text.strip()
    if match := _AGO.fullmatch(text):
        return max(now - timedelta(days=int(match[1])), DISCORD_EPOCH)
    try:
        since = parse_time(text)
    except ValueError:
        raise InputError(f"`{text[:50]}` is no day such as 2025-05-15, and no age such as 30d.") from None
    if since > now:
        raise InputError("That is in the future: give the day from which on messages are wanted.")
    return max(since, DISCORD_EPOCH)
