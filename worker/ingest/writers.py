"""Writers side by side, for what many channels bring at once."""

import asyncio
from collections.abc import Callable, Sequence

from worker.ingest.message_writer import Written
from worker.ingest.observation import Covered, Observation
from worker.ingest.writer import Writer

NUMBER = 2  # while one waits for the server, another one works; a third finds nothing left to do


class Writers:
    """Each write goes to the writer with the least to do. What goes to different ones must be of different channels, or
    they wait for each other."""

    def __init__(self, make: Callable[[], Writer]) -> None:
        self._under_way = {make(): 0 for _ in range(NUMBER)}

    async def close(self) -> None:
        await asyncio.gather(*(writer.close() for writer in self._under_way))

    async def write(self, observations: Sequence[Observation], covered: Sequence[Covered] = ()) -> Written:
        """As Writer.write."""
        writer = min(self._under_way, key=self._under_way.__getitem__)
        self._under_way[writer] += 1
        try:
            return await writer.write(observations, covered)
        finally:
            self._under_way[writer] -= 1
