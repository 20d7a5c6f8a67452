"""An event as readers get it."""

import json
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from worker.events.catalogue import Fact, read_fact

COLUMNS = "id, channel, event_type, source, correlation_id, data::text, created_at"
"""What of `events` a StoredEvent is made of, in its order."""


class StoredEvent(NamedTuple):
    """A row of `events`; `data` is decoded only when asked for.

    `is_replay` marks one that is handed over once more because somebody asked for a replay."""

    id: int
    channel: str
    event_type: str
    source: str
    correlation_id: UUID
    data_json: str
    created_at: datetime
    is_replay: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """The decoded `data`, a new object each time."""
        decoded: dict[str, Any] = json.loads(self.data_json)
        return decoded

    def fact(self) -> Fact | None:
        """The data as its class of the catalogue; None for an event type or version that this code does not know.

        Raises pydantic.ValidationError if the data is not what its type and version promise."""
        return read_fact(self.event_type, self.data_json)
