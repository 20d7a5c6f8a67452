"""What is stored of a plan that is to be announced, as it stands now."""

from dataclasses import dataclass
from datetime import date

from asyncpg import Connection

from worker.gateway.discord_commands.replies import jump_link
from worker.views.shown import ShownPlan
from worker.views.stored_plans import shown_plans
from worker.words import PlanState

# A thread is announced where the channel is that it hangs on. Nothing leaves the guild that it was posted in.
ANNOUNCED = """
  FROM ticker_plans p
  JOIN discord_messages m ON m.message_id = p.message_id
  JOIN discord_channels c ON c.channel_id = m.channel_id
  LEFT JOIN discord_channels parent ON parent.channel_id = c.parent_id
  LEFT JOIN discord_channels target
         ON target.channel_id = coalesce(c.announce_to, parent.announce_to)
        AND coalesce(target.guild_id, m.guild_id) = m.guild_id
"""

IS_NEWS = """
p.state = 'current' AND p.is_day_plan AND p.trading_day >= $2 AND m.origin IN ('live', 'history')
"""

_READ = f"""
SELECT p.id AS plan_id, p.ticker, p.trading_day, p.bias_text, p.bias_direction, p.flags, m.posted_at,
       c.name AS channel_name, m.channel_id, m.guild_id, m.message_id,
       p.state, m.deleted_at IS NOT NULL AS is_post_deleted, newer.message_id AS newer_message_id,
       CASE WHEN {IS_NEWS} THEN target.channel_id END AS announce_to
{ANNOUNCED}
  LEFT JOIN ticker_plans newer ON newer.id = p.superseded_by
 WHERE p.id = $1
"""


@dataclass(frozen=True, slots=True)
class AnnouncedPlan:
    """A plan and what became of it. `announce_to` is the channel that it belongs into if it is not posted yet, None if
    it is no news; `newer_link` leads to the post whose plan superseded it."""

    plan_id: int
    plan: ShownPlan
    state: PlanState
    is_post_deleted: bool
    newer_link: str | None
    announce_to: int | None


async def read_announced_plan(connection: Connection, plan_id: int, *, today: date) -> AnnouncedPlan:
    [row] = await connection.fetch(_READ, plan_id, today)
    [plan] = await shown_plans(connection, [row])
    newer = row["newer_message_id"]
    return AnnouncedPlan(
        plan_id=plan_id,
        plan=plan,
        state=row["state"],
        is_post_deleted=row["is_post_deleted"],
        newer_link=jump_link(row["guild_id"], row["channel_id"], newer) if newer else None,
        announce_to=row["announce_to"],
    )
