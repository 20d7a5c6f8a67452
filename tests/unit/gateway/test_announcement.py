"""What an announcement says, within Discord's limits whatever a plan holds."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import discord
import pytest

from worker.gateway.announcing.alarms import alarm_post
from worker.gateway.announcing.announcement import announcement
from worker.gateway.announcing.stored_announcement import AnnouncedPlan
from worker.views.shown import ShownLevel, ShownPlan, ShownSetup
from worker.words import PlanState

LINK = "https://discord.com/channels/10/1/150"


def setup(number: int, flags: tuple[str, ...] = ()) -> ShownSetup:
    trigger, target = Decimal(100 + number), Decimal(101 + number)
    levels = ShownLevel("trigger", trigger, trigger, "above"), ShownLevel("target", target, target, None)
    return ShownSetup("breakout", None, "long", levels, flags, None, None)


def announced(
    setups: int = 2, state: PlanState = "current", *, flags: tuple[str, ...] = (), bias: str = "Bullish", **more: object
) -> AnnouncedPlan:
    plan = ShownPlan(
        ticker="SPY",
        trading_day=date(2025, 5, 15),
        bias_text=bias,
        bias_direction="bullish",
        bias_levels=(),
        flags=flags,
        setups=tuple(setup(number) for number in range(setups)),
        channel_name="plans",
        posted_at=datetime(2025, 5, 15, 12, tzinfo=UTC),
        message_link=LINK,
    )
    return replace(AnnouncedPlan(12, plan, state, False, None, None), **more)  # type: ignore[arg-type]


def embed_of(one: AnnouncedPlan) -> discord.Embed:
    embed = announcement(one).embed
    assert embed is not None
    return embed


def test_a_current_plan_is_told_with_its_ladder() -> None:
    post = announcement(announced())
    embed = embed_of(announced())
    assert (embed.title, embed.url, embed.footer.text) == ("SPY · Thu, May 15, 2025", LINK, "Plan 12")
    assert embed.image.url == "attachment://ladder.png"
    assert "Breakout above **100** → 101" in (embed.description or "")
    assert post.ladder is not None


def test_doubts_are_told() -> None:
    plan = announced(flags=("weekend",)).plan
    plan = replace(plan, setups=(setup(1, ("targets_wrong_way",)), setup(2, ("targets_wrong_way",))))
    text = embed_of(replace(announced(), plan=plan)).description or ""
    assert text.count("the targets do not run one way from the trigger") == 1
    assert "that day is on a weekend" in text


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"state": "superseded", "newer_link": f"{LINK}1"}, f"**Replaced** by [a newer post]({LINK}1)."),
        ({"state": "withdrawn", "is_post_deleted": True}, "the post was deleted"),
        ({"state": "withdrawn"}, "an edit took it out"),
    ],
)
def test_what_no_longer_stands_is_struck_through_line_by_line(more: dict[str, object], why: str) -> None:
    post, embed = announcement(announced(**more)), embed_of(announced(**more))  # type: ignore[arg-type]
    reason, _, struck = (embed.description or "").partition("\n\n")
    assert why in reason
    assert embed.title == "~~SPY · Thu, May 15, 2025~~"
    assert all(line == "" or (line.startswith("~~") and line.endswith("~~")) for line in struck.split("\n"))
    assert "Breakout above **100** → 101" in struck
    assert embed.image.url is None
    assert post.ladder is None


@pytest.mark.parametrize("state", ["current", "superseded", "withdrawn"])
@pytest.mark.parametrize("setups", [0, 1, 400])
def test_it_keeps_discords_limits(setups: int, state: PlanState) -> None:
    flags = tuple(f"invented_flag_{number}" for number in range(200))
    embed = embed_of(announced(setups, state, flags=flags, bias="*_~`|" * 500))
    assert len(embed.description or "") <= 4096
    assert len(embed.title or "") <= 256
    assert len(embed) <= 6000


def test_what_strangers_write_has_no_effect() -> None:
    plan = replace(announced().plan, ticker="~~[x](y)~~", bias_text="@everyone **b** ~~gone~~ https://evil.example")
    embed = embed_of(replace(announced(), plan=plan))
    assert "~~" not in (embed.title or "").replace("\\~", "")
    assert (embed.description or "").startswith(r"\@everyone \*\*b\*\* \~\~gone\~\~ https\://evil.example")


def test_posts_that_look_alike_have_one_hash() -> None:
    assert announcement(announced()).content_hash == announcement(announced()).content_hash
    hashes = {
        announcement(announced(3)).content_hash,
        announcement(announced()).content_hash,
        announcement(announced(state="withdrawn")).content_hash,
        announcement(announced(bias="Bearish")).content_hash,
    }
    assert len(hashes) == 4


def test_an_alarm_that_is_over_says_since_when() -> None:
    assert alarm_post(5, "Mend it.", None).content == "⚠️ Mend it.\n-# Alarm 5"
    over = alarm_post(5, "Mend it.", datetime(2025, 5, 15, 12, tzinfo=UTC))
    assert over.content == "✅ Over since <t:1747310400:R>. ~~Mend it.~~\n-# Alarm 5"
