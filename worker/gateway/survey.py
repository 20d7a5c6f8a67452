"""What there is to be covered: every listened channel and thread with its newest message, also those that the library
does not know of."""

import discord
import structlog

from worker.db.shared_session import SharedSession
from worker.gateway.client import GatewayClient
from worker.gateway.described import describe
from worker.gateway.rest import Rest
from worker.ingest.channels import ChannelBook, describe_channels, forbidden_channels
from worker.ingest.gaps import give_up_gaps

UNKNOWN_CHANNEL = 10003

log = structlog.get_logger(__name__)


class Survey:
    def __init__(self, session: SharedSession, rest: Rest, book: ChannelBook, *, epoch: int) -> None:
        self._session = session
        self._rest = rest
        self._book = book
        self._epoch = epoch

    async def newest_messages(self, client: GatewayClient) -> dict[int, int]:
        """The newest message of each; each channel has its row afterwards.

        What the library told of a channel that the bot could not see may be stale, so that one is asked for anew.
        Raises what Rest and the writer raise, and LeaseLostError."""
        newest = client.newest_messages()
        async with self._session.use() as connection:
            await describe_channels(connection, [describe(one) for one in client.listened_channels()], self._epoch)
            forbidden = await forbidden_channels(connection)
        for channel_id in sorted(newest.keys() & forbidden):
            try:
                told = await self._rest.channel(client, channel_id)
            except (discord.Forbidden, discord.NotFound):
                continue
            newest[channel_id] = max(newest[channel_id], int(told.get("last_message_id") or 0))
        await self._look_for_gone(client)
        return newest

    async def _look_for_gone(self, client: GatewayClient) -> None:
        """Channels that were deleted, and guilds that the bot was removed from, while nobody was connected."""
        for channel in list(self._book.listened()):
            if channel.is_unreachable or client.get_channel(channel.channel_id) is not None:
                continue
            guild = client.get_guild(channel.guild_id) if channel.guild_id else None
            if guild is not None and guild.unavailable:
                continue
            if await self._is_gone(client, channel.channel_id):
                log.warning("channel.unreachable", channel_id=channel.channel_id)
                async with self._session.use() as connection:
                    await give_up_gaps(connection, channel.channel_id, self._epoch)

    async def _is_gone(self, client: GatewayClient, channel_id: int) -> bool:
        try:
            await self._rest.channel(client, channel_id)
        except discord.NotFound as error:
            return error.code == UNKNOWN_CHANNEL
        except discord.Forbidden:
            # The gateway tells of every channel of the bot's guilds, so this one is in none of them.
            return True
        return False
