"""What commands make of what is typed and of what is stored, without Discord."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import discord
import pytest
from discord import app_commands

from worker.db.lease import LeaseLostError
from worker.exits import InputError, NotFoundError
from worker.gateway.discord_commands.asking import missing_permissions, permission_name
from worker.gateway.discord_commands.channel_backfill import progress_text
from worker.gateway.discord_commands.channel_lines import option_line, state_line
from worker.gateway.discord_commands.channels import options_of
from worker.gateway.discord_commands.moments import since_of
from worker.gateway.discord_commands.outcomes import explained
from worker.gateway.discord_commands.replies import CHOICE_LENGTH, CHOICE_LIMIT, choices, pages, shortened
from worker.gateway.discord_commands.status import status_embed
from worker.ingest.channel_changes import COMMAND_LINE, NOWHERE, ChangedBy, Options
from worker.ingest.channels import Channel
from worker.ingest.gaps import OpenGap
from worker.ingest.observation import DISCORD_EPOCH, snowflake_at
from worker.views.backfill import BackfillProgress
from worker.views.stored_guild_status import GuildStatus, ListenedChannel

NOW = datetime(2025, 5, 15, 12, tzinfo=UTC)
CHANNEL = Channel(1, 10, "plans", "text", None, True, False, True, "aplus", NOW, None, True, False)
LISTENED = ListenedChannel(
    1, True, None, True, None, NOW, None, "granted", snowflake_at(NOW), snowflake_at(NOW), 0, None
)
GAP = OpenGap(1, 0, 99, "configured", NOW - timedelta(seconds=30), is_forbidden=False, missing=40)


@pytest.mark.parametrize(
    ("typed", "since"),
    [
        ("2025-05-01", datetime(2025, 5, 1, tzinfo=UTC)),
        (" 2025-05-01T08:00:00-05:00 ", datetime(2025, 5, 1, 13, tzinfo=UTC)),
        ("30d", NOW - timedelta(days=30)),
        ("1 day", NOW - timedelta(days=1)),
        ("7 DAYS", NOW - timedelta(days=7)),
        ("99999d", DISCORD_EPOCH),
        ("0001-01-01", DISCORD_EPOCH),
    ],
)
def test_how_far_back_is_typed_as_a_day_or_an_age(typed: str, since: datetime) -> None:
    assert since_of(typed, NOW) == since


@pytest.mark.parametrize("typed", ["", "soon", "2025-13-01", "2999-01-01", "-3d", "٣d ago", "x" * 5000])
def test_anything_else_is_refused_in_one_sentence(typed: str) -> None:
    with pytest.raises(InputError) as refused:
        since_of(typed, NOW)
    assert len(str(refused.value)) < 150


def test_what_is_chosen_changes_nothing_else() -> None:
    assert Options().applied(CHANNEL) == CHANNEL
    changed = Options(parser="", includes_threads=False, announce_to=7).applied(CHANNEL)
    assert (changed.parser, changed.includes_threads, changed.announce_to) == (None, False, 7)
    assert Options(announce_to=NOWHERE).applied(changed).announce_to is None
    assert Options(history_from=NOW + timedelta(days=1)).applied(CHANNEL).history_from == NOW
    assert Options(history_from=NOW - timedelta(days=1)).applied(CHANNEL).history_from == NOW - timedelta(days=1)
    assert Options(history_from=datetime(1, 1, 1, tzinfo=UTC)).applied(CHANNEL).history_from == DISCORD_EPOCH


def test_options_are_what_was_typed() -> None:
    nothing = options_of(snowflake_at(NOW), None, "none", None, None)
    assert nothing == Options()
    everything = options_of(snowflake_at(NOW), "detect", "all", True, None, is_off=True)
    assert everything == Options(parser="", history_from=NOW, includes_threads=True, announce_to=NOWHERE)
    week = options_of(snowflake_at(NOW), None, "7d", None, None).history_from
    assert week is not None
    assert timedelta(0) <= datetime.now(UTC) - timedelta(days=7) - week < timedelta(minutes=1)


def test_who_changes_is_told_as_the_events_have_it() -> None:
    assert [str(COMMAND_LINE), str(ChangedBy("setting")), str(ChangedBy("discord", 700))] == [
        "command line",
        "setting",
        "discord:700",
    ]


def test_permissions_are_named_as_discord_shows_them() -> None:
    granted = discord.Permissions(view_channel=True)
    assert missing_permissions(granted, ("view_channel", "read_message_history", "manage_guild")) == [
        "Read Message History",
        "Manage Server",
    ]
    assert permission_name("embed_links") == "Embed Links"


@pytest.mark.parametrize(
    ("error", "outcome", "part"),
    [
        (NotFoundError("Nothing is known of it."), "refused", "Nothing is known of it."),
        (app_commands.MissingPermissions(["manage_guild"]), "refused", "Manage Server"),
        (app_commands.NoPrivateMessage(), "refused", "not in direct messages"),
        (app_commands.CommandNotFound("old", []), "unavailable", "just changed"),
        (LeaseLostError("epoch 3 is over"), "unavailable", "Another worker"),
        (asyncpg.ConnectionDoesNotExistError("gone"), "unavailable", "database"),
        (TimeoutError(), "unavailable", "database"),
        (ZeroDivisionError("a secret"), "fault", "under this reference"),
    ],
)
def test_every_error_is_one_sentence(error: Exception, outcome: str, part: str) -> None:
    found, sentence = explained(error)
    assert (found, part in sentence) == (outcome, True)
    assert "secret" not in sentence


def test_pages_and_choices_stay_within_discords_limits() -> None:
    lines = [f"{number} " + "x" * number for number in range(300)]
    found = pages(lines, 500)
    assert all(len(page) <= 500 for page in found)
    assert "\n".join(found) == "\n".join(lines)
    assert pages(["y" * 600], 500) == ["y" * 499 + "…"]
    assert shortened("z" * 10, 10) == "z" * 10
    offered = choices([f"T{number}" for number in range(60)] + ["", "T" * 101])
    assert len(offered) == CHOICE_LIMIT
    assert [one.value for one in choices(["SPY", "spx", "QQQ", "T" * 101], " sp ")] == ["SPY", "spx"]
    assert choices(["T" * CHOICE_LENGTH])


def test_a_channel_is_one_line_with_what_is_wrong_about_it() -> None:
    newest = snowflake_at(NOW)
    fine = state_line(LISTENED, newest)
    assert fine == "<#1> ✅ listening · last stored <t:1747310400:R> · no gaps"
    wrong = ListenedChannel(1, True, "aplus", False, 5, None, None, "missing", newest, None, 2, GAP.opened_at)
    line = state_line(wrong, snowflake_at(NOW + timedelta(seconds=9)))
    assert "nothing stored yet" in line
    assert "may not be read: give the bot View Channel and Read Message History" in line
    assert "s behind" in line
    assert f"2 gaps open since <t:{int(GAP.opened_at.timestamp())}:R>" in line
    assert option_line(wrong) == "parser aplus · without threads · announced in <#5>"
    assert option_line(LISTENED) == "parser detected · history since <t:1747310400:d>"


def test_the_progress_of_a_backfill_has_a_bar_and_the_time_left() -> None:
    text = progress_text(BackfillProgress(True, False, True, True, 42, (GAP,)), 1, NOW, NOW)
    ready = int((NOW + timedelta(seconds=20)).timestamp())
    assert text == (
        f"Fetching <#1> since <t:1747310400:D>\n{'▰' * 12}{'▱' * 8} 60%, ready <t:{ready}:R>\n42 messages are stored."
    )
    assert "ready" not in progress_text(BackfillProgress(True, False, True, False, 0, ()), 1, NOW, NOW)


def test_status_says_what_is_waited_for_and_how_many_channels_have_no_room() -> None:
    many = GuildStatus("18.6", ("0008",), (LISTENED,) * 200, 2, None)
    fine = status_embed(replace(many, not_read=0), {}, math.nan, 3.2, {})
    assert (fine.title, fine.colour) == ("All is well", discord.Colour.green())
    assert len(fine) <= 6000
    assert fine.fields[-1].name is not None
    lines = sum(len((one.value or "").splitlines()) for one in fine.fields if "<#1>" in (one.value or ""))
    assert fine.fields[-1].name == f"and {200 - lines} more"
    waiting = status_embed(many, {"database": "writing failed"}, 0.05, 3.2, {})
    assert (waiting.title, waiting.colour) == ("Waiting for database", discord.Colour.orange())
    assert [one.value for one in waiting.fields[:3]] == [
        "connected, answers in 50 ms",
        "writing failed",
        "2 plans in the last 7 days",
    ]
