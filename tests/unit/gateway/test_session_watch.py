"""An errand of the session that cannot be done while the database is away is dropped, and is no fault of ours."""

import asyncio

from structlog.testing import capture_logs

from worker import metrics
from worker.db.connection import Database
from worker.db.shared_session import SharedSession
from worker.gateway.watch import SessionWatch
from worker.health import Health

NOBODY_THERE = "postgresql://postgres@127.0.0.1:9/nowhere?sslmode=disable"


async def test_what_cannot_be_told_without_the_database_is_dropped() -> None:
    session = SharedSession(Database(NOBODY_THERE, NOBODY_THERE), purpose="test")
    watch = SessionWatch(
        session,
        Health(),
        epoch=1,
        on_wanted=lambda _: None,
        on_edit_missed=lambda: None,
        on_commit=lambda: None,
        on_ready=lambda: None,
    )
    faults = metrics.GATEWAY_FAULTS._value.get()
    unhandled: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    try:
        with capture_logs() as log:
            watch.gone([1])
            await watch.close()
            await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert [line["event"] for line in log] == ["gateway.errand_dropped"]
    assert unhandled == []
    assert metrics.GATEWAY_FAULTS._value.get() == faults
