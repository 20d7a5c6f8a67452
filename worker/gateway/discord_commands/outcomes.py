"""How a command or a press ended: one line of the log, and after an error one sentence to the user."""

import time
from typing import Any
from uuid import UUID

import aiohttp
import discord
import structlog
from discord import app_commands

from worker import correlation, metrics
from worker.db.lease import LeaseLostError
from worker.exits import NotListenedToError, WorkerError
from worker.faults import named
from worker.gateway.discord_commands.asking import Interaction, permission_name
from worker.gateway.discord_commands.replies import answer
from worker.ingest.writer import PASSING

_BEGAN = "began"

_FAULT = "Something went wrong on our side; the log has the details under this reference."
_DATABASE_AWAY = "The database does not answer at the moment: try again in a minute."
_TAKEN_OVER = "Another worker has just taken over: try again in a moment."
_CHANGED = "This command has just changed: try again in a minute."
_DISCORD_REFUSES = "Discord does not let the bot do that here: look at the bot's permissions in the channel."
_IN_A_GUILD = "This works in a server, not in direct messages."

log = structlog.get_logger(__name__)


def correlation_id_of(interaction: Interaction) -> UUID:
    """The id that everything goes under which comes of an interaction."""
    return correlation.of_name(f"discord:interaction:{interaction.id}")


def begin(interaction: Interaction) -> None:
    """The clock of the interaction's line runs from here."""
    interaction.extras[_BEGAN] = time.monotonic()


def ended(interaction: Interaction, outcome: str = "done", **more: object) -> None:
    """The canonical line. Ids of Discord are no names; what was typed is not told."""
    name = name_of(interaction)
    seconds = time.monotonic() - interaction.extras.get(_BEGAN, time.monotonic())
    metrics.COMMANDS.labels(name, outcome).inc()
    metrics.COMMAND_SECONDS.observe(seconds)
    log.info(
        "command.done",
        command=name,
        outcome=outcome,
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        milliseconds=round(seconds * 1000, 1),
        correlation_id=str(correlation_id_of(interaction)),
        **more,
    )


async def failed(interaction: Interaction, error: Exception) -> None:
    """Tells the user what is wrong in one sentence, and us the rest."""
    if isinstance(error, app_commands.CommandInvokeError | app_commands.TransformerError):
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    outcome, sentence = explained(error)
    if outcome == "fault":
        log.error("command.failed", correlation_id=str(correlation_id_of(interaction)), exc_info=error)
    ended(interaction, outcome, reason=named(error) if outcome != "fault" else None)
    try:
        await answer(
            interaction,
            f"{sentence}\n-# Reference {correlation_id_of(interaction)}",
            embeds=[],
            view=None if interaction.response.is_done() else discord.utils.MISSING,
        )
    except (discord.HTTPException, aiohttp.ClientError, OSError) as refused:
        # Discord takes the first answer within 3 s only, and none after 15 minutes.
        log.warning("command.not_answered", reason=named(refused))


def explained(error: Exception) -> tuple[str, str]:
    """The outcome (`refused`, `unavailable` or `fault`) and the sentence for the user."""
    if isinstance(error, NotListenedToError):
        return "refused", _not_listened_to(error)
    if isinstance(error, WorkerError):
        return "refused", str(error)
    if isinstance(error, app_commands.MissingPermissions):
        return "refused", f"You need the permission {_named(error.missing_permissions)} for that."
    for kinds, outcome, sentence in _SENTENCES:
        if isinstance(error, kinds):
            return outcome, sentence
    return "fault", _FAULT


_SENTENCES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
    (app_commands.NoPrivateMessage, "refused", _IN_A_GUILD),
    ((app_commands.CommandNotFound, app_commands.CommandSignatureMismatch), "unavailable", _CHANGED),
    (discord.Forbidden, "refused", _DISCORD_REFUSES),
    (LeaseLostError, "unavailable", _TAKEN_OVER),
    (PASSING, "unavailable", _DATABASE_AWAY),
)


def _not_listened_to(error: NotListenedToError) -> str:
    if error.listened_with is None:
        return f"<#{error.channel_id}> is not listened to: `/channels add` or `/channels resume` changes that."
    return f"<#{error.channel_id}> is listened to with <#{error.listened_with}> that it hangs on: name that one."


def _named(permissions: list[str]) -> str:
    return " and ".join(map(permission_name, permissions))


def name_of(interaction: Interaction) -> str:
    """The command's full name, or the button's."""
    if interaction.command is not None:
        return interaction.command.qualified_name
    data: Any = interaction.data or {}
    return str(data.get("name") or f"button {str(data.get('custom_id', '')).partition(':')[0]}")
