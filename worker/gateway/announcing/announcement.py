"""How a plan is announced: an embed with its price ladder, struck through once it no longer stands. Pure."""

import discord

from worker.gateway.announcing.post import PICTURE, Post
from worker.gateway.announcing.stored_announcement import AnnouncedPlan
from worker.gateway.ladder import ladder_text
from worker.gateway.ladder.words import day_text
from worker.gateway.markdown import plain
from worker.gateway.plan_pages import ladder_of
from worker.views.channel_plans import NO_TICKER
from worker.views.flag_words import in_words
from worker.views.shown import ShownPlan

TEXT_LENGTH = 2600  # characters; struck through each line grows by 4, and an embed's description may have 4,096
DOUBTS_LENGTH = 800
NAME_LENGTH = 100  # of a ticker

_COLOURS = {"bullish": 0x43B581, "bearish": 0xF04747}
_NO_BIAS, _STRUCK = 0x5865F2, 0x4E5058


def mark(plan_id: int) -> str:
    """What only this plan's announcement bears."""
    return f"Plan {plan_id}"


def announcement(announced: AnnouncedPlan) -> Post:
    """The post as the plan stands now."""
    plan = announced.plan
    title = f"{plain(plan.ticker or NO_TICKER, NAME_LENGTH)} · {day_text(plan.trading_day)}"
    text = ladder_text(ladder_of(plan), TEXT_LENGTH)
    if announced.state == "current":
        embed = _embed(announced, title, f"{text}{_doubts(plan)}", _COLOURS.get(plan.bias_direction or "", _NO_BIAS))
        embed.set_image(url=f"attachment://{PICTURE}")
        return Post(mark(announced.plan_id), embed=embed, ladder=ladder_of(plan))
    # A picture cannot be struck through, and must not look as if its prices stood.
    embed = _embed(announced, f"~~{title}~~", f"{_why_not(announced)}\n\n{_struck(text)}", _STRUCK)
    return Post(mark(announced.plan_id), embed=embed)


def _embed(announced: AnnouncedPlan, title: str, text: str, colour: int) -> discord.Embed:
    plan = announced.plan
    embed = discord.Embed(title=title, url=plan.message_link, description=text, colour=colour, timestamp=plan.posted_at)
    embed.set_author(name=f"#{plan.channel_name}")
    embed.set_footer(text=mark(announced.plan_id))
    return embed


def _why_not(announced: AnnouncedPlan) -> str:
    if announced.state == "superseded" and announced.newer_link:
        return f"**Replaced** by [a newer post]({announced.newer_link})."
    if announced.is_post_deleted:
        return "**Withdrawn**: the post was deleted."
    return "**Withdrawn**: an edit took it out of the post."


def _struck(text: str) -> str:
    """Line by line, for Discord ends a line of marks at an empty line."""
    return "\n".join(f"~~{line}~~" if line.strip() else "" for line in text.split("\n"))


def _doubts(plan: ShownPlan) -> str:
    """What lowers the confidence, so that nobody takes a doubtful number for a sure one."""
    flags = dict.fromkeys([*plan.flags, *(flag for setup in plan.setups for flag in setup.flags)])
    return f"\n\n⚠️ {plain(in_words(tuple(flags)), DOUBTS_LENGTH)}" if flags else ""
