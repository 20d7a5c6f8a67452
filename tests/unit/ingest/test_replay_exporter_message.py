"""DiscordChatExporter's messages in the shape of Discord's, so that the one text projection reads both."""

import json
from pathlib import Path
from typing import Any

import pytest

from worker.ingest.exporter_message import message_object
from worker.ingest.projection import text_of

EXPORT = Path(__file__).parents[2] / "data" / "exports" / "day_plans.json"


@pytest.fixture(scope="module")
def exported() -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = json.loads(EXPORT.read_text(encoding="utf-8"))["messages"]
    return messages


def converted(message: dict[str, Any]) -> dict[str, Any]:
    return message_object(message, channel_id=7, guild_id=8)


def test_a_message_keeps_what_it_said_and_the_export_whole(exported: list[dict[str, Any]]) -> None:
    payload = converted(exported[0])
    assert payload["id"] == exported[0]["id"]
    assert (payload["channel_id"], payload["guild_id"], payload["type"]) == ("7", "8", 0)
    assert payload["content"].startswith("A+ Scalp Trade Setups")
    assert payload["timestamp"] == "2025-06-18T12:58:03.114+00:00"
    assert payload["author"] == {
        "id": "900000000000000010",
        "username": "river.desk",
        "global_name": "River",
        "bot": False,
    }
    assert payload["export"] == exported[0]


def test_a_forwards_text_is_read_from_its_snapshot(exported: list[dict[str, Any]]) -> None:
    payload = converted(exported[3])
    assert payload["content"] == ""
    assert payload["message_reference"]["type"] == 1
    assert text_of(payload).startswith("A+ Trade Setups - Thu Jun 19\n\n1) NVDA")


def test_all_of_an_embed_is_read_in_order(exported: list[dict[str, Any]]) -> None:
    payload = converted(exported[4])
    assert payload["edited_timestamp"] == "2025-06-20T13:01:00+00:00"
    assert text_of(payload).split("\n") == [
        "River's desk",
        "A+ Setups – Fri Jun 20",
        "QQQ",
        "🔼 Breakout Above 531.40 🔼 533.00, 534.80",
        "🔻 Breakdown Below 528.10 🔻 526.60, 524.90",
        "Bias",
        "bullish above 529.50",
        "not advice",
    ]
    assert payload["embeds"][0]["author"]["icon_url"] == "https://example.invalid/i.png"
    assert payload["embeds"][0]["fields"][0]["inline"] is False


def test_replies_system_messages_and_attachments_have_discords_names(exported: list[dict[str, Any]]) -> None:
    reply, pinned, chart = converted(exported[1]), converted(exported[2]), converted(exported[5])
    assert (reply["type"], reply["message_reference"]["message_id"]) == (19, exported[0]["id"])
    assert pinned["type"] == 6
    assert chart["attachments"][0]["filename"] == "chart.png"
    assert chart["attachments"][0]["size"] == 48213


@pytest.mark.parametrize(("kind", "number"), [("21", 21), ("Default", 0), ("Novelty", "Novelty"), (None, "None")])
def test_a_kind_without_a_name_keeps_its_number(kind: object, number: object) -> None:
    assert converted({"id": "1", "type": kind})["type"] == number


@pytest.mark.parametrize("value", [None, 5, "text", [], {}, [1, "x", None]])
def test_parts_of_an_unexpected_type_count_as_absent(value: object) -> None:
    message = dict.fromkeys(
        ("content", "author", "attachments", "embeds", "reference", "forwardedMessage", "timestampEdited"), value
    )
    payload = converted({"id": "1", **message})
    assert text_of(payload) in ("", "text")
    embeds = converted({"id": "1", "embeds": [{"author": value, "footer": value, "fields": value, "title": value}]})
    assert text_of(embeds) in ("", "text")


def test_a_direct_message_has_no_guild() -> None:
    assert "guild_id" not in message_object({"id": "1"}, channel_id=7, guild_id=None)
