"""Commands about what was stored and why: explain, certify, doctor."""

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.acceptance.test_catch_up import settings
from tests.acceptance.test_look_back import ask_for_everything, forget_verifications
from tests.support.command_line import Ended
from tests.support.command_line import worker as run_command
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import worker_process
from worker.db.connection import Database, connected
from worker.db.schema import HEAD
from worker.ingest.observation import snowflake_time
from worker.sandbox import Channel, Intent, Permission, Sandbox

YESTERDAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)

TODAY = f"{YESTERDAY + timedelta(days=1):%Y-%m-%d}"


class Desk:
    """A channel with a day of messages that a worker has stored, and the commands about it."""

    def __init__(self, sandbox: Sandbox, database: Database, channel: Channel) -> None:
        self.sandbox = sandbox
        self.database = database
        self.channel = channel
        self.more = {
            "DISCORD_TOKEN": "sandbox-token",
            "DISCORD_API_URL": sandbox.api_url,
            "DISCORD_GATEWAY_URL": sandbox.gateway_url,
        }

    async def stored(self) -> list[int]:
        ids = self.sandbox.seed(self.channel, 130, start=YESTERDAY, end=YESTERDAY + timedelta(hours=23))
        async with worker_process("run", env=settings(self.sandbox, self.database, self.channel)) as worker:
            await worker.ready()
            await ask_for_everything(self.database, self.channel)
            self.sandbox.post(self.channel, "today")
            await settled(self.database, self.sandbox, self.channel)
            await worker.stop(signal.SIGKILL)
        await forget_verifications(self.database)
        return ids

    async def say(self, *arguments: str) -> Ended:
        return await run_command(*arguments, database=self.database, more=self.more)

    async def explained(self, message_id: int, channel_id: int | None = None) -> str:
        guild_id = self.channel.guild.id
        link = f"https://discord.com/channels/{guild_id}/{channel_id or self.channel.id}/{message_id}"
        ended = await self.say("explain", link)
        assert ended.code == 0, ended
        return ended.out

    async def certified(self, *arguments: str) -> list[dict[str, Any]]:
        days: list[dict[str, Any]] = json.loads(
            (await self.say("certify", str(self.channel.id), *arguments, "--json")).out
        )["days"]
        return days

    async def has_open_gap(self) -> bool:
        async with connected(self.database, purpose="test") as connection:
            return bool(await connection.fetchval("SELECT count(*) FROM ingestion_gaps WHERE closed_at IS NULL"))

    async def findings(self) -> dict[str, dict[str, Any]]:
        return {finding["subject"]: finding for finding in json.loads((await self.say("doctor", "--json")).out)}


async def test_a_certificate_is_only_as_good_as_discord_says(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    desk = Desk(sandbox, empty_database, channel)
    ids = await desk.stored()
    day = f"{YESTERDAY:%Y-%m-%d}"
    certificate = json.loads((await desk.say("certify", str(channel.id), "--day", day, "--json")).out)
    (certified,) = certificate["days"]
    assert (certified["first_id"], certified["last_id"]) == (str(ids[0]), str(ids[-1]))
    assert (certified["messages"], certified["edited"], certified["deleted"]) == (130, 0, 0)
    assert (certified["is_complete"], certified["known_until"], certified["verified_at"]) == (True, None, None)
    (certified,) = await desk.certified("--day", TODAY)
    assert certified["is_complete"]
    assert certified["known_until"] is not None

    verified = await desk.say("certify", str(channel.id), "--day", day, "--verify", "--json")
    assert verified.code == 0, verified
    assert json.loads(verified.out)["compared"] == {"messages": 130, "differences": []}
    assert json.loads(verified.out)["days"][0]["verified_at"] is not None

    sandbox.edit(ids[3], "edited while nobody looked")
    sandbox.delete(ids[4])
    async with connected(empty_database, purpose="test") as connection:
        await connection.execute("DELETE FROM discord_messages WHERE message_id = $1", ids[5])
        await connection.execute(
            "UPDATE discord_channels SET covered = covered - int8multirange(int8range($2::bigint, $2::bigint, '[]'))"
            " WHERE channel_id = $1",
            channel.id,
            ids[5],
        )
    differing = await desk.say("certify", str(channel.id), "--day", day, "--verify", "--json")
    assert differing.code == 65
    found = json.loads(differing.out)
    assert [(one["message_id"], one["what"]) for one in found["compared"]["differences"]] == [
        (str(ids[3]), "has another edit time at Discord"),
        (str(ids[4]), "is stored as standing and gone from Discord"),
        (str(ids[5]), "is not stored"),
    ]
    assert found["days"][0]["is_complete"] is False
    assert "differences" in (await desk.say("certify", str(channel.id), "--verify")).out
    assert (await desk.certified("--day", day))[0]["verified_at"] is None, "nothing counts as compared that differs"
    assert (await desk.say("certify", "5")).code == 66

    channel.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    assert (await desk.say("certify", str(channel.id), "--verify")).code == 77
    channel.delete()
    gone = await desk.say("certify", str(channel.id), "--verify")
    assert (gone.code, gone.err.count("\n")) == (66, 1)
    sandbox.faults.rest.answer("GET /channels/*/messages", 400)
    refused = await desk.say("certify", str(channel.id), "--verify")
    assert (refused.code, "Discord refused a request" in refused.err) == (77, True), refused
    sandbox.faults.rest.limit("GET /channels/*/messages", times=None, via=False)
    away = await desk.say("certify", str(channel.id), "--verify")
    assert (away.code, "Traceback" in away.err) == (69, False)
    assert "Discord cannot be reached" in away.err.splitlines()[-1]


async def test_what_is_missing_is_never_certified(sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
    desk = Desk(sandbox, empty_database, channel)
    await desk.stored()
    channel.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    missed = [sandbox.post(channel, text) for text in ("nobody was there", "nor then")]
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await until(desk.has_open_gap, "the gap to be found")
        await worker.stop(signal.SIGKILL)
    (certified,) = await desk.certified("--day", TODAY)
    assert (certified["messages"], certified["is_complete"], certified["known_until"]) == (1, False, None)
    (gap,) = certified["missing"]
    assert datetime.fromisoformat(gap["from"]) <= snowflake_time(missed[0].id) <= datetime.fromisoformat(gap["to"])
    assert [one["is_complete"] for one in await desk.certified()] == [True, False]

    channel.set_permissions(allow=Permission.READ_MESSAGE_HISTORY)
    for which in (["--day", TODAY], []):
        compared = await desk.say("certify", str(channel.id), *which, "--verify", "--json")
        assert compared.code == 65
        differences = json.loads(compared.out)["compared"]["differences"]
        assert differences == [{"message_id": str(one.id), "what": "is not stored"} for one in missed]


async def test_a_channel_of_which_nothing_is_stored(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    desk = Desk(sandbox, empty_database, channel)
    channel.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    missed = [sandbox.post(channel, text) for text in ("nobody may read this", "nor this")]
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        await ask_for_everything(empty_database, channel)
        await until(desk.has_open_gap, "the gap to be found")
        await worker.stop(signal.SIGKILL)
    (certified,) = await desk.certified()
    assert (certified["messages"], certified["first_id"], certified["is_complete"]) == (0, None, False)
    channel.set_permissions(allow=Permission.READ_MESSAGE_HISTORY)
    compared = await desk.say("certify", str(channel.id), "--verify", "--json")
    assert (compared.code, len(json.loads(compared.out)["compared"]["differences"])) == (65, len(missed))


async def test_what_was_never_asked_for_is_not_compared(
    sandbox: Sandbox, channel: Channel, empty_database: Database
) -> None:
    sandbox.seed(channel, 5, start=YESTERDAY, end=datetime.now(UTC) - timedelta(minutes=1))
    async with worker_process("run", env=settings(sandbox, empty_database, channel)) as worker:
        await worker.ready()
        sandbox.post(channel, "since it was added")
        desk = Desk(sandbox, empty_database, channel)
        await until(desk.certified, "a message to be stored")

        async def is_compared() -> bool:
            ended = await desk.say("certify", str(channel.id), "--verify", "--json")
            compared = json.loads(ended.out)["compared"]
            assert (ended.code, compared["differences"]) == (0, [])
            return bool(compared["messages"] == 1)

        await until(is_compared, "the message to be compared, which is not done at once")
        await worker.stop(signal.SIGKILL)


async def test_days_and_ids_that_cannot_be(sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
    desk = Desk(sandbox, empty_database, channel)
    await desk.stored()
    (tomorrow,) = await desk.certified("--day", "9999-12-31")
    assert (tomorrow["messages"], tomorrow["is_complete"]) == (0, False)
    assert (await desk.say("certify", str(channel.id), "--day", "0001-01-01", "--verify")).code == 0
    quiet = await desk.say("backfill", str(channel.id), "--since", TODAY)
    assert quiet.code == 0, quiet
    too_late = await desk.say("backfill", str(channel.id), "--since", "9999-12-31")
    assert too_late.code == 64
    assert "today at the latest" in too_late.err
    assert (await desk.say("explain", "9999999999999999999")).code == 64


async def test_a_message_is_explained(sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
    desk = Desk(sandbox, empty_database, channel)
    ids = await desk.stored()
    stored = await desk.explained(ids[0])
    assert "over REST, when history was fetched" in stored
    assert "discord.message.stored" in stored
    assert "not a plan" in stored
    assert "deleted before anybody looked" in await desk.explained(ids[0] + 1)
    assert "newer than what is known" in await desk.explained(sandbox.reserve_id())
    assert "channels add 77" in await desk.explained(ids[0] + 1, 77)
    async with connected(empty_database, purpose="test") as connection:
        await connection.execute("UPDATE discord_channels SET history_from = now(), covered = '{}'")
    assert f"backfill {channel.id} --since {YESTERDAY:%Y-%m-%d}" in await desk.explained(ids[0] + 1)
    assert (await desk.say("explain", "not a link")).code == 64
    assert (await desk.say("explain", str(ids[0]))).out == stored


async def test_the_doctor_names_what_is_wrong(sandbox: Sandbox, channel: Channel, empty_database: Database) -> None:
    desk = Desk(sandbox, empty_database, channel)
    hidden = channel.guild.add_channel("hidden")
    forum = channel.guild.add_channel("forum", "forum")
    async with worker_process("run", env=settings(sandbox, empty_database, channel, hidden, forum)) as worker:
        await worker.ready()
        sandbox.post(channel, "live")
        await settled(empty_database, sandbox, channel)
        well = await desk.say("doctor")
        assert well.code == 0, well
        assert "ingests" in well.out
        async with connected(empty_database, purpose="test") as connection:
            await connection.execute("UPDATE alembic_version SET version_num = '9999'")
            newer = await desk.say("doctor")
            assert (newer.code, "revision 9999, newer than this code's" in " ".join(newer.out.split())) == (0, True)
            await connection.execute("UPDATE alembic_version SET version_num = $1", HEAD)
            await connection.execute(
                "UPDATE discord_messages SET received_at = received_at - interval '3 days',"
                " posted_at = posted_at - interval '3 days'"
            )
        quiet = (await desk.findings())["lag"]
        assert quiet["state"] == "fine"
        assert "3 days, 0:0" in quiet["said"]
    hidden.set_permissions(deny=Permission.VIEW_CHANNEL)
    for unread in (channel, forum):
        unread.set_permissions(deny=Permission.READ_MESSAGE_HISTORY)
    sandbox.set_privileged(Intent(0))
    found = await desk.findings()
    wrong = {subject for subject, finding in found.items() if finding["state"] == "wrong"}
    assert wrong == {"worker", "lag", "intents", "channel plans", "channel hidden", "channel forum"}
    assert "3 days, 0:0" in found["lag"]["said"]
    assert "run" in found["lag"]["advice"]
    assert "Read Message History" in found["channel plans"]["advice"]
    assert "Read Message History" in found["channel forum"]["advice"]
    assert "View Channel" in found["channel hidden"]["advice"]
    desk.more["DISCORD_TOKEN"] = "another"
    assert "DISCORD_TOKEN" in (await desk.findings())["token"]["advice"]
    assert (await desk.say("doctor")).code == 69


async def test_the_doctor_looks_at_the_rest_where_the_database_is_away(
    sandbox: Sandbox, channel: Channel, empty_database: Database, tmp_path: Path
) -> None:
    desk = Desk(sandbox, empty_database, channel)
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    (tmp_path / "postgresql").write_text("a file where the embedded server keeps its folder")
    embedded = {"DATABASE_URL": "", "DATA_DIRECTORY": str(tmp_path)}
    # The system refuses to look at it, as at one in a folder that may not be entered.
    unseen = embedded | {"DATA_DIRECTORY": str(tmp_path / ("long" * 100))}
    for setting, code, more in (
        ("DATABASE_URL", 69, away),
        ("DATA_DIRECTORY", 78, embedded),
        ("DATA_DIRECTORY", 78, unseen),
    ):
        desk.more |= more
        ended = await desk.say("doctor", "--json")
        assert ended.code == code, ended
        found = {finding["subject"]: finding for finding in json.loads(ended.out)}
        assert {subject for subject, finding in found.items() if finding["state"] == "wrong"} == {"database"}
        assert setting in found["database"]["advice"]
        assert found.keys() >= {"token", "intents", "clock"}
    assert "free" in found["disk"]["said"]
