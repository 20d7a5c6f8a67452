"""`/privacy erase`: a person's words and name are gone from a whole dump, and nothing brings them back."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import worker as run_command
from tests.support.discord_desk import Desk, buttons, said
from tests.support.dump import dump
from tests.support.ledger import settled
from tests.support.waiting import until
from tests.support.worker_process import settings_for, worker_process
from worker.sandbox.interactions.registry import CommandError
from worker.sandbox.world.model import Message, User

WORD, NAME = "mockingbird", "atticus-finch"
PLAN = f"A+ Trade Setups\n\nSPY\n# {WORD} says\nRejection 586.49 -> 584.20 ({WORD})\nBias bullish above 580 {WORD}"


async def speak(desk: Desk, analyst: User) -> list[Message]:
    """The analyst says something in every way there is, and others answer and forward."""
    plan = desk.sandbox.post(desk.plans, PLAN, author=analyst)
    edited = desk.sandbox.post(desk.plans, f"{WORD} before", author=analyst)
    await desk.stored(edited)
    posts = [
        plan,
        desk.sandbox.edit(edited, f"{WORD} after"),
        desk.sandbox.post(
            desk.plans,
            f"{WORD}\x00",
            author=analyst,
            embeds=[{"type": "rich", "title": WORD}],
            attachments=[{"filename": f"{WORD}.txt", "description": WORD}],
        ),
        desk.sandbox.post(desk.plans, f"I agree <@{analyst.id}>", reply_to=plan),
        desk.sandbox.post(desk.plans, forward_of=plan),
        desk.sandbox.post(desk.plans, "what others say stays"),
    ]
    for post in posts:
        await desk.stored(post)
    return posts


async def erase(desk: Desk, person: User) -> str:
    asked = await desk.ask("privacy erase", desk.owner, user=person)
    await desk.press(asked, "Erase", desk.owner)

    async def erased() -> str:
        text = desk.sandbox.find(asked).content
        return text if "is erased" in text else ""

    return await until(erased, "the answer to the button")


async def assert_gone(desk: Desk) -> None:
    lines = (await dump(desk.database)).lower().splitlines()
    assert [line for line in lines if WORD in line or NAME in line] == []


async def test_words_and_name_are_gone_from_a_dump_and_do_not_come_back(desk: Desk, tmp_path: Path) -> None:
    analyst = desk.add_member(NAME)
    async with desk.at_work(look_back_settled_seconds=0):
        posts = await speak(desk, analyst)
        before = await dump(desk.database)
        assert before.count(WORD) > 10
        assert before.count(NAME) > 5
        setups = await desk.fetch("SELECT setup_id, trigger_low FROM current_setups ORDER BY setup_id")
        assert setups
        text = await erase(desk, analyst)
        assert "4 messages" in text
        assert "1 messages of others" in text
        await assert_gone(desk)
        assert await desk.fetch("SELECT setup_id, trigger_low FROM current_setups ORDER BY setup_id") == setups
        kept = await desk.fetch(
            "SELECT content, raw->'author'->>'username' AS name FROM discord_messages WHERE message_id = $1",
            posts[-1].id,
        )
        assert [tuple(one) for one in kept] == [("what others say stays", "member")]

        later = desk.sandbox.post(desk.plans, f"{WORD} again", author=analyst)
        quoted = desk.sandbox.post(desk.plans, "again I agree", reply_to=later)
        forwarded = desk.sandbox.post(desk.plans, forward_of=later)
        for post in (later, quoted, forwarded, desk.sandbox.edit(posts[0], PLAN + f"\n{WORD}")):
            await desk.stored(post)
        await assert_gone(desk)

    desk.sandbox.edit(posts[1], f"{WORD} while nobody looked")
    desk.sandbox.post(desk.plans, f"{WORD} while nobody looked", author=analyst)
    async with desk.at_work(look_back_settled_seconds=0):
        newest = desk.sandbox.post(desk.plans, "the newest")
        await desk.stored(newest)

        async def looked_back() -> bool:
            is_open = await desk.fetch("SELECT FROM ingestion_gaps WHERE closed_at IS NULL")
            read = await desk.fetch("SELECT FROM channel_verifications WHERE last_id >= $1", later.id)
            return bool(read) and not is_open

        await until(looked_back, "the look-back to be done")
        await assert_gone(desk)
    export = tmp_path / "export.jsonl"
    author = {"id": str(analyst.id), "username": NAME, "global_name": NAME}
    message = {"id": str(later.id + 1), "channel_id": str(desk.plans.id), "author": author, "content": WORD, "type": 0}
    message["timestamp"] = "2026-01-01T00:00:00+00:00"
    export.write_text(json.dumps(message) + "\n")
    replayed = await run_command("replay", str(export), database=desk.database)
    assert replayed.code == 0, replayed
    assert await desk.fetch("SELECT FROM discord_messages WHERE message_id = $1", later.id + 1)
    reparsed = await run_command("reparse", "--execute", database=desk.database)
    assert reparsed.code == 0, reparsed
    assert await desk.fetch("SELECT setup_id, trigger_low FROM current_setups ORDER BY setup_id") == setups
    await assert_gone(desk)


async def test_an_erasure_that_was_cut_short_is_finished_by_the_next_worker(desk: Desk) -> None:
    analyst = desk.add_member(NAME)
    env = settings_for(
        desk.sandbox,
        DATABASE_URL=desk.database.dsn,
        DISCORD_CHANNELS=str(desk.plans.id),
        HISTORY_PAGE_SECONDS="0",
        LEASE_SECONDS="1",
    )
    async with worker_process("run", env=env | {"FAILPOINTS": "erasure.asked=0"}) as worker:
        await worker.ready()

        async def synced() -> bool:
            return bool(await desk.fetch("SELECT FROM synced_commands"))

        await until(synced, "the commands to be known")
        await speak(desk, analyst)
        asked = await desk.ask("privacy erase", desk.owner, user=analyst)
        desk.sandbox.press(asked, buttons(asked)[0]["custom_id"], desk.owner)
        assert await worker.ended() < 0
    assert WORD in await dump(desk.database)
    async with worker_process("run", env=env) as worker:
        await worker.ready()

        async def finished() -> bool:
            return bool(await desk.fetch("SELECT FROM erased_users WHERE finished_at IS NOT NULL"))

        await until(finished, "the erasure to be finished", seconds=100)
        await settled(desk.database, desk.sandbox)
    await assert_gone(desk)


async def test_only_the_owner_of_the_application_may_erase(desk: Desk) -> None:
    async with desk.at_work():
        await desk.stored(desk.sandbox.post(desk.plans, WORD, author=desk.trader))
        for user in (desk.admin, desk.trader):
            with pytest.raises(CommandError, match="is not shown"):
                desk.invoke("privacy erase", user, user=desk.trader)
            refused = await desk.invoke("privacy erase", user, user=desk.trader, overridden=True).message()
            assert "Only the owner of the bot's application" in said(refused)
            assert buttons(refused) == []
        asked = await desk.ask("privacy erase", desk.owner, user=desk.trader)
        await desk.press(asked, "Keep", desk.owner)
        assert desk.sandbox.find(asked).content == "Nothing was erased."
        assert await desk.fetch("SELECT FROM erased_users") == []
        assert WORD in await dump(desk.database)
