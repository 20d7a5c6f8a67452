"""In which zone a time without one was written: the Discord ids beside it carry their own time, in UTC."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from asyncpg import Connection

from worker.ingest.observation import snowflake_time
from worker.legacy.catalogue import OldTable, quoted
from worker.legacy.cells import Moments, message_snowflake

SAMPLE_ROWS = 1000
CONCLUSIVE_SECONDS = 900.0  # half of the rows are nearer to their ids than that, or the ids say nothing

_EXCHANGE_ZONE = "America/New_York"
_ID_IN_JSON = re.compile(r'"(?:message_?id|id)"\s*:\s*"?(\d{16,19})\b')


@dataclass(frozen=True, slots=True)
class Evidence:
    """The zone that fits a column, and why, for people."""

    zone: str
    sentence: str


def candidate_zones(plan_timezone: str) -> tuple[str, ...]:
    """UTC first: it wins where two fit alike."""
    return tuple(dict.fromkeys(("UTC", plan_timezone, _EXCHANGE_ZONE)))


async def find_evidence(
    connection: Connection, table: OldTable, column: str, ids_in: str, zones: Sequence[str]
) -> Evidence | None:
    """Compares a column of times with the ids in another, alone or inside JSON. None: they do not tell."""
    # Spread over the table, and the same rows each time.
    records = await connection.fetch(f"""
        SELECT {quoted(ids_in)}::text AS holder, {quoted(column)}::text AS moment
          FROM {table.relation} WHERE {quoted(ids_in)} IS NOT NULL AND {quoted(column)} IS NOT NULL
         ORDER BY md5({quoted(column)}::text) LIMIT {SAMPLE_ROWS}
    """)  # noqa: S608  names from the catalogue, quoted
    pairs = [pair for record in records if (pair := _pair(record["holder"], record["moment"]))]
    if not pairs:
        return None
    medians = {zone: statistics.median(_distances(pairs, zone)) for zone in zones}
    best = min(zones, key=lambda zone: medians[zone])
    if medians[best] > CONCLUSIVE_SECONDS:
        return None
    told = [f"as {zone} {_duration(medians[zone])}" for zone in (best, *(zone for zone in zones if zone != best))]
    moments, others = Moments(best), Moments(best, zones)
    strays = sum(moments.read(text) != others.read(text, message_id) for message_id, _, text in pairs)
    straying = f"; {strays} of them fit another zone and are taken in that" if strays else ""
    return Evidence(
        best,
        f"{column} has no zone: {told[0]} from the Discord ids' own time, {', '.join(told[1:])}: "
        f"taken as {best} ({len(pairs)} rows looked at{straying})",
    )


def _pair(holder: str, text: str) -> tuple[int, datetime, str] | None:
    found = _ID_IN_JSON.search(holder)
    message_id = message_snowflake(found[1] if found else holder)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (message_id, moment, text) if message_id and moment.tzinfo is None else None


def _distances(pairs: Sequence[tuple[int, datetime, str]], zone: str) -> list[float]:
    info = ZoneInfo(zone)
    return [
        abs((moment.replace(tzinfo=info).astimezone(UTC) - snowflake_time(message_id)).total_seconds())
        for message_id, moment, _ in pairs
    ]


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
