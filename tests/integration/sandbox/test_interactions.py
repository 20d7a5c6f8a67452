"""Commands, buttons and their answers, as a stock client handles them."""

import asyncio
import io
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from tests.integration.sandbox.clients import Connect, RecordingClient
from worker.sandbox import Permission, Sandbox
from worker.sandbox.interactions.registry import CommandError
from worker.sandbox.world.model import Channel, Guild, MessageFlag, User

Reply = discord.Interaction[RecordingClient]


@pytest.fixture
def trader(sandbox: Sandbox) -> User:
    return sandbox.add_user("trader")


@pytest.fixture
async def tree(connect: Connect) -> app_commands.CommandTree[RecordingClient]:
    trees: list[app_commands.CommandTree[RecordingClient]] = []
    await connect(setup=lambda client: trees.append(app_commands.CommandTree(client)))
    return trees[0]


Tree = app_commands.CommandTree[RecordingClient]


async def test_a_deferred_answer_is_filled_by_the_first_follow_up(
    sandbox: Sandbox, channel: Channel, tree: Tree, trader: User
) -> None:
    @tree.command(name="slow", description="Thinks first")
    async def _slow(reply: Reply) -> None:
        await reply.response.defer(thinking=True)
        await reply.followup.send("here it is")
        await reply.followup.send("and more")

    await tree.sync()
    interaction = sandbox.invoke("slow", channel, trader)
    message = await interaction.message()
    assert (message.content, message.edited_at, message.flags) == ("here it is", None, 0)
    await sandbox.until(lambda: len(interaction.followups) == 1)
    assert interaction.followups[0].content == "and more"
    assert [entry.action for entry in sandbox.ledger.entries] == ["posted", "updated", "posted"]


async def test_an_ephemeral_answer_is_seen_by_nobody_else(
    sandbox: Sandbox, channel: Channel, tree: Tree, trader: User
) -> None:
    @tree.command(name="secret", description="For you alone")
    async def _secret(reply: Reply) -> None:
        await reply.response.send_message("for you", ephemeral=True)
        await reply.edit_original_response(content="for you, edited")

    await tree.sync()
    interaction = sandbox.invoke("secret", channel, trader)
    await sandbox.until(lambda: interaction.original is not None and interaction.original.edited_at is not None)
    message = await interaction.message()
    assert (message.content, message.flags) == ("for you, edited", MessageFlag.EPHEMERAL)
    assert not tree.client.named("message")
    assert sandbox.ledger.final(channel.id) == []


async def test_a_second_answer_is_refused(sandbox: Sandbox, channel: Channel, tree: Tree, trader: User) -> None:
    codes: asyncio.Queue[int] = asyncio.Queue()

    @tree.command(name="twice", description="Answers twice")
    async def _twice(reply: Reply) -> None:
        await reply.response.send_message("first")
        second = discord.InteractionResponse(reply)
        try:
            await second.send_message("second")
        except discord.HTTPException as error:
            codes.put_nowait(error.code)

    await tree.sync()
    sandbox.invoke("twice", channel, trader)
    async with asyncio.timeout(10):
        assert await codes.get() == 40060
    assert [record.status for record in sandbox.callbacks] == [200, 400]


async def test_options_reach_the_command_as_what_they_are(
    sandbox: Sandbox, guild: Guild, channel: Channel, tree: Tree, trader: User
) -> None:
    received: list[Any] = []
    group = app_commands.Group(name="channels", description="What is listened to")

    @group.command(name="add", description="Listen to a channel")
    async def _add(
        reply: Reply, channel: discord.TextChannel, who: discord.Member, role: discord.Role, days: int = 7
    ) -> None:
        received.extend([channel.id, who.id, role.id, days])
        await reply.response.send_message("done")

    tree.add_command(group)
    await tree.sync()
    role = guild.add_role("admins")
    options = {"channel": channel, "who": trader, "role": role, "days": 30}
    await sandbox.invoke("channels add", channel, trader, options).answered()
    assert received == [channel.id, trader.id, role.id, 30]


async def test_what_the_client_would_not_send_cannot_be_invoked(
    sandbox: Sandbox, guild: Guild, channel: Channel, tree: Tree, trader: User
) -> None:
    @tree.command(name="levels", description="Levels of a ticker")
    @app_commands.choices(side=[app_commands.Choice(name="long", value="long")])
    async def _levels(
        reply: Reply, channel: discord.TextChannel, side: str, days: app_commands.Range[int, 1, 30]
    ) -> None:
        await reply.response.send_message("done")

    await tree.sync()
    right = {"channel": channel, "side": "long", "days": 3}
    for wrong in (
        {"side": "short"},
        {"days": 31},
        {"days": "3"},
        {"channel": guild.add_channel("a forum", "forum")},
        {"channel": "plans"},
        {"unknown": 1},
    ):
        with pytest.raises(CommandError):
            sandbox.invoke("levels", channel, trader, right | wrong)
    with pytest.raises(CommandError, match="needs"):
        sandbox.invoke("levels", channel, trader, {"side": "long"})
    with pytest.raises(CommandError, match="registered"):
        sandbox.invoke("unheard-of", channel, trader)
    await sandbox.invoke("levels", channel, trader, right).answered()


async def test_autocomplete_offers_choices(sandbox: Sandbox, channel: Channel, tree: Tree, trader: User) -> None:
    @tree.command(name="levels", description="Levels of a ticker")
    async def _levels(reply: Reply, ticker: str) -> None:
        await reply.response.send_message(ticker)

    @_levels.autocomplete("ticker")
    async def _tickers(reply: Reply, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current + end, value=current + end) for end in ("Y", "X")]

    await tree.sync()
    interaction = sandbox.autocomplete("levels", channel, trader, {"ticker": "SP"}, focused="ticker")
    await interaction.answered()
    assert [choice["value"] for choice in interaction.choices] == ["SPY", "SPX"]


async def test_a_context_menu_gets_its_message(sandbox: Sandbox, channel: Channel, tree: Tree, trader: User) -> None:
    @tree.context_menu(name="Read this plan")
    async def _read(reply: Reply, message: discord.Message) -> None:
        await reply.response.send_message(f"read: {message.content}")

    await tree.sync()
    target = sandbox.post(channel, "A+ setups")
    interaction = sandbox.invoke("Read this plan", channel, trader, target=target)
    assert (await interaction.message()).content == "read: A+ setups"


async def test_a_button_updates_its_message_until_it_is_disabled(
    sandbox: Sandbox, channel: Channel, tree: Tree, trader: User
) -> None:
    class Pages(discord.ui.View):
        @discord.ui.button(label="next", custom_id="next")
        async def turn(self, reply: discord.Interaction, button: discord.ui.Button["Pages"]) -> None:
            button.disabled = True
            await reply.response.edit_message(content="page 2", view=self)

    @tree.command(name="pages", description="Pages to turn")
    async def _pages(reply: Reply) -> None:
        await reply.response.send_message("page 1", view=Pages())

    await tree.sync()
    message = await sandbox.invoke("pages", channel, trader).message()
    turned = await sandbox.press(message, "next", trader).message()
    assert (turned.id, turned.content) == (message.id, "page 2")
    with pytest.raises(CommandError):
        sandbox.press(message, "next", trader)


async def test_an_ephemeral_message_is_paged_from_page_to_page(
    sandbox: Sandbox, channel: Channel, tree: Tree, trader: User
) -> None:
    class Pages(discord.ui.View):
        number = 1

        @discord.ui.button(label="next", custom_id="next")
        async def turn(self, reply: discord.Interaction, button: discord.ui.Button["Pages"]) -> None:
            self.number += 1
            button.disabled = self.number == 3
            await reply.response.edit_message(content=f"page {self.number}", view=self)

    @tree.command(name="pages", description="Pages to turn")
    async def _pages(reply: Reply) -> None:
        await reply.response.send_message("page 1", view=Pages(), ephemeral=True)

    await tree.sync()
    first = sandbox.invoke("pages", channel, trader)
    message = await first.message()
    contents = [(await sandbox.press(message.id, "next", trader).message()).content for _ in range(2)]
    assert contents == ["page 2", "page 3"]
    assert first.original is not None
    assert first.original.content == "page 3"
    with pytest.raises(CommandError):
        sandbox.press(message.id, "next", trader)
    assert not tree.client.named("message")


async def test_a_picture_comes_with_its_description(
    sandbox: Sandbox, channel: Channel, tree: Tree, trader: User
) -> None:
    @tree.command(name="ladder", description="Levels as a picture")
    async def _ladder(reply: Reply) -> None:
        await reply.response.defer(thinking=True)
        picture = discord.File(io.BytesIO(b"picture"), "ladder.png", description="a ladder")
        await reply.edit_original_response(content="here", attachments=[picture])

    await tree.sync()
    message = await sandbox.invoke("ladder", channel, trader).message()
    (attachment,) = message.attachments
    assert (attachment["filename"], attachment["description"]) == ("ladder.png", "a ladder")


async def test_default_permissions_hide_a_command_unless_admins_lift_them(
    sandbox: Sandbox, guild: Guild, channel: Channel, tree: Tree, trader: User
) -> None:
    @tree.command(name="admin", description="For those who manage the guild")
    @app_commands.default_permissions(manage_guild=True)
    async def _admin(reply: Reply) -> None:
        await reply.response.send_message(str(reply.permissions.manage_guild))

    await tree.sync()
    with pytest.raises(CommandError, match="not shown"):
        sandbox.invoke("admin", channel, trader)
    lifted = sandbox.invoke("admin", channel, trader, overridden=True)
    assert (await lifted.message()).content == "False"
    guild.add_member(trader, [guild.add_role("managers", Permission.MANAGE_GUILD)])
    assert (await sandbox.invoke("admin", channel, trader).message()).content == "True"


async def test_a_synced_command_keeps_its_id_and_changes_its_version(tree: Tree) -> None:
    async def _first(reply: Reply) -> None: ...

    tree.add_command(app_commands.Command(name="status", description="How it is", callback=_first))
    (before,) = await tree.sync()
    tree.remove_command("status")
    tree.add_command(app_commands.Command(name="status", description="How it is doing", callback=_first))
    (after,) = await tree.sync()
    assert (after.id, after.description) == (before.id, "How it is doing")
    assert [command.id for command in await tree.fetch_commands()] == [after.id]


@pytest.mark.parametrize(
    "definition",
    [
        {"name": "UPPER", "description": "x"},
        {"name": "status", "description": ""},
        {"name": "status", "description": "x" * 101},
        {"name": "status", "description": "x", "options": [{"type": 3, "name": "a", "description": ""}]},
        {"name": "two words", "description": "x"},
    ],
)
async def test_a_definition_outside_the_limits_is_refused(sandbox: Sandbox, definition: dict[str, Any]) -> None:
    path = f"{sandbox.api_url}/applications/{sandbox.bot.id}/commands"
    headers = {"Authorization": "Bot sandbox-token"}
    async with aiohttp.request("PUT", path, json=[definition], headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50035)


async def test_a_token_serves_only_after_an_answer_and_for_its_time(
    sandbox: Sandbox, channel: Channel, tree: Tree, trader: User
) -> None:
    @tree.command(name="status", description="How it is")
    async def _status(reply: Reply) -> None:
        await reply.response.send_message("fine")

    await tree.sync()
    interaction = sandbox.invoke("status", channel, trader)
    path = f"{sandbox.api_url}/webhooks/{sandbox.bot.id}/{interaction.token}/messages/@original"
    async with aiohttp.request("GET", path) as response:
        assert (response.status, (await response.json())["code"]) == (404, 10015)
    await interaction.answered()
    async with aiohttp.request("GET", path) as response:
        assert (response.status, (await response.json())["content"]) == (200, "fine")
    sandbox.rules.token_seconds = 0.0
    async with aiohttp.request("GET", path) as response:
        assert (response.status, (await response.json())["code"]) == (401, 50027)
