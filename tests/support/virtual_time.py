"""An event loop on which waiting takes no time: its clock goes on by what would have been waited."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Value = TypeVar("Value")


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual_now = 0.0
        super().__init__()
        selector = vars(self)["_selector"]  # asyncio has no public way to it
        select = selector.select

        def pass_time(timeout: float | None) -> object:
            self._virtual_now += timeout or 0.0
            return select(0)

        selector.select = pass_time

    def time(self) -> float:
        return self._virtual_now


def run_in_virtual_time(work: Coroutine[Any, Any, Value]) -> Value:
    with asyncio.Runner(loop_factory=_VirtualTimeLoop) as runner:
        return runner.run(work)
