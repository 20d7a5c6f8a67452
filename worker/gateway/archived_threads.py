"""Archived threads and forum posts, which the gateway tells nothing of: also those that came and went while nobody was
connected."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from worker.gateway.client import GatewayClient
from worker.gateway.described import ThreadedChannel, describe_payload
from worker.gateway.rest import Payload, Rest
from worker.ingest.channels import Described


@dataclass(frozen=True, slots=True)
class ArchivedThread:
    described: Described
    newest: int  # the id of its newest message, or 0


async def archived_threads(
    client: GatewayClient, rest: Rest, channel: ThreadedChannel, since: datetime
) -> AsyncIterator[ArchivedThread]:
    """The public threads of a channel that were archived since then, the last archived first.

    Raises what Rest raises."""
    before: str | None = None
    has_more = True
    while has_more:
        threads, has_more = await rest.archived_threads(client, channel.id, private=False, before=before)
        for thread in threads:
            before = str(thread["thread_metadata"]["archive_timestamp"])
            if datetime.fromisoformat(before) < since:
                return
            yield _archived(thread, channel)


async def private_archived_threads(
    client: GatewayClient, rest: Rest, channel: ThreadedChannel
) -> AsyncIterator[ArchivedThread]:
    """Those that the bot is a member of. They come in order of their ids, so that all have to be looked at."""
    before: str | None = None
    has_more = True
    while has_more:
        threads, has_more = await rest.archived_threads(client, channel.id, private=True, before=before)
        for thread in threads:
            before = str(thread["id"])
            yield _archived(thread, channel)


def _archived(thread: Payload, channel: ThreadedChannel) -> ArchivedThread:
    return ArchivedThread(describe_payload(thread, channel.guild.id), int(thread.get("last_message_id") or 0))
