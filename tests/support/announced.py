"""The channel that plans are announced in and the one that alarms go to, as their readers see them."""

from tests.support.discord_desk import Desk
from tests.support.waiting import until
from worker.db.connection import connected
from worker.ingest.channel_changes import COMMAND_LINE, Options, add_channel, set_alarm_channel
from worker.sandbox import Channel
from worker.sandbox.world.model import Message

_UNDONE = """
SELECT (SELECT count(*) FROM announcements WHERE answered < asked AND tries = 0)
     + (SELECT count(*) FROM alarms WHERE answered < asked)
"""

_UNREAD = """
SELECT count(*) FROM events
 WHERE id > 0 AND channel = 'parsing:setup'
   AND id > coalesce((SELECT position FROM event_consumers WHERE name = 'announcer'), 0)
"""


class Announced:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.channel: Channel = desk.guild.add_channel("announced")
        self.alarm_channel: Channel = desk.guild.add_channel("alarms")

    async def announce(self, source: Channel, target: Channel | None) -> None:
        """As `/channels add ... announce_to` does."""
        async with connected(self._desk.database, purpose="test") as connection:
            options = Options(announce_to=target.id if target else 0)
            await add_channel(connection, source.id, by=COMMAND_LINE, options=options, guild_id=source.guild.id)

    async def alarms_go_somewhere(self) -> None:
        async with connected(self._desk.database, purpose="test") as connection:
            await set_alarm_channel(connection, self._desk.guild.id, self.alarm_channel.id, by=COMMAND_LINE)

    @property
    def posts(self) -> list[Message]:
        """What stands in the channel, oldest first."""
        return [self._desk.sandbox.find(message_id) for message_id in self.channel.message_ids]

    @property
    def ever(self) -> list[int]:
        """What was ever posted there."""
        return [int(final["id"]) for final in self._desk.sandbox.ledger.final(self.channel.id)]

    @property
    def alarms(self) -> list[Message]:
        return [self._desk.sandbox.find(message_id) for message_id in self.alarm_channel.message_ids]

    def of(self, ticker: str) -> Message:
        """The newest post whose title begins so."""
        return next(post for post in reversed(self.posts) if post.embeds[0]["title"].startswith(f"{ticker} "))

    async def titled(self, *tickers: str) -> list[Message]:
        """Waits until the posts' titles begin with these and no others; gives the posts in this order."""

        async def all_there() -> bool:
            return sorted(post.embeds[0]["title"].split()[0] for post in self.posts) == sorted(tickers)

        await until(all_there, f"announcements of {tickers}")
        return [self.of(ticker) for ticker in tickers]

    async def entitled(self, post: Message, title: str) -> Message:
        """Waits until that post's title begins so; gives the post as it is then."""

        async def is_entitled() -> bool:
            return bool(self._desk.sandbox.find(post).embeds[0]["title"].startswith(title))

        await until(is_entitled, f"an announcement to be entitled {title}")
        return self._desk.sandbox.find(post)

    async def saying(self, text: str, ticker: str) -> None:
        async def says_so() -> bool:
            return bool(self.posts) and text in self.of(ticker).embeds[0]["description"]

        await until(says_so, f"{ticker}'s announcement to say {text}")

    async def not_saying(self, text: str, ticker: str) -> None:
        async def says_otherwise() -> bool:
            return text not in self.of(ticker).embeds[0]["description"]

        await until(says_otherwise, f"{ticker}'s announcement to say {text} no longer")

    async def alarmed(self, number: int) -> list[Message]:
        async def all_there() -> bool:
            return len(self.alarms) >= number

        await until(all_there, f"{number} alarms")
        await self.settled()
        return self.alarms

    async def settled(self) -> None:
        """Waits until every event has been read and nothing is left to be posted but what is refused."""

        async def is_read() -> bool:
            return not (await self._desk.fetch(_UNREAD))[0][0]

        await until(is_read, "the announcer to have read every event")

        async def is_done() -> bool:
            return not (await self._desk.fetch(_UNDONE))[0][0]

        await until(is_done, "everything to be posted")

    async def requests(self, method: str) -> int:
        path = f"/channels/{self.channel.id}/messages"
        return sum(one.method == method and one.path.startswith(path) for one in self._desk.sandbox.requests)
