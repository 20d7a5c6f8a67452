"""`/privacy`: what the application's owner owes people whose words are stored."""

import discord
from discord import app_commands

from worker.gateway.discord_commands import outcomes
from worker.gateway.discord_commands.asking import Interaction, check_owns_application
from worker.gateway.discord_commands.context import CommandContext
from worker.gateway.discord_commands.owned_view import OwnedView
from worker.gateway.discord_commands.replies import answer, think
from worker.ingest.erasure import Erased, ask_for_erasure

_QUESTION = (
    "Erase everything that {user} wrote, and their name, from what is stored here?\n"
    "Prices that were read stay, without the lines that they were read from. Nothing of theirs is stored from now on, "
    "wherever it comes from. This cannot be undone.\n"
    "-# Not reached: Discord itself, backups, other programs' copies, and tables of a former application."
)


def add_privacy_commands(tree: app_commands.CommandTree[discord.Client], context: CommandContext) -> None:
    tree.add_command(PrivacyGroup(context))


class PrivacyGroup(app_commands.Group):
    """Declared for admins only, which is the least that Discord can be told; the owner is checked here."""

    def __init__(self, context: CommandContext) -> None:
        super().__init__(
            name="privacy",
            description="For the owner of the bot: what is stored of people.",
            default_permissions=discord.Permissions(),
            guild_only=True,
        )
        self.context = context

    @app_commands.command(name="erase", description="Erase somebody's words and name from all that is stored.")
    @app_commands.describe(user="Whose words and name; an id will do for somebody who has left")
    async def erase(self, interaction: Interaction, user: discord.User) -> None:
        await think(interaction, ephemeral=True)
        check_owns_application(interaction)
        view = ErasureView(self.context, interaction, user)
        await answer(interaction, _QUESTION.format(user=user.mention), view=view)


class ErasureView(OwnedView):
    def __init__(self, context: CommandContext, interaction: Interaction, user: discord.User | discord.Member) -> None:
        super().__init__(interaction)
        self._context = context
        self._user = user

    @discord.ui.button(label="Erase", style=discord.ButtonStyle.danger)
    async def erase(self, interaction: Interaction, _: "discord.ui.Button[ErasureView]") -> None:
        check_owns_application(interaction)
        self.stop()
        await interaction.response.edit_message(content=f"Erasing {self._user.mention} …", view=None)
        names = {self._user.name, self._user.global_name or "", self._user.display_name}
        async with self._context.session.use() as connection:
            await ask_for_erasure(
                connection, self._user.id, names, asked_by=interaction.user.id, epoch=self._context.epoch
            )
        erased = (await self._context.erase()).get(self._user.id)
        await answer(interaction, f"{self._user.mention} is erased. {_counted(erased) if erased else ''}")
        outcomes.ended(interaction)

    @discord.ui.button(label="Keep", style=discord.ButtonStyle.secondary)
    async def keep(self, interaction: Interaction, _: "discord.ui.Button[ErasureView]") -> None:
        self.stop()
        await interaction.response.edit_message(content="Nothing was erased.", view=None)
        outcomes.ended(interaction)


def _counted(erased: Erased) -> str:
    return (
        f"Their words were in {erased.messages} messages and {erased.imported} rows of a former application; "
        f"{erased.mentions} messages of others told their name."
    )
