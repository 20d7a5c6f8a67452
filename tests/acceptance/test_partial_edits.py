"""An edit that the gateway tells of in part is asked for whole, and is not lost where that is refused."""

import pytest

from tests.acceptance.test_catch_up import settings
from tests.support.ledger import settled
from tests.support.worker_process import worker_process
from worker.db.connection import Database
from worker.sandbox import Channel, Sandbox


@pytest.mark.parametrize("is_refused", [False, True])
async def test_an_edit_that_is_told_in_part(
    sandbox: Sandbox, channel: Channel, empty_database: Database, is_refused: bool
) -> None:
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        message = sandbox.post(channel, "says this")
        await settled(empty_database, sandbox, channel)
        told = sandbox.faults.gateway.distort("drop_key", event="MESSAGE_UPDATE", key="author")
        refused = sandbox.faults.rest.answer("GET /channels/*/messages/*", 403, times=int(is_refused))
        sandbox.edit(message, "says that")
        await settled(empty_database, sandbox, channel)
        assert (told.hits, refused.hits) == (1, int(is_refused))
        assert len(worker.logged("gateway.handler_failed")) == int(is_refused)
