"""Which files can be replayed, and what is read of them up to where they break."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from worker.exits import InputError, NotFoundError
from worker.ingest.exports import ExportChannel, Record, open_export, snowflake

EXPORTS = Path(__file__).parents[2] / "data" / "exports"


def records(path: Path, channel_id: int | None = None) -> list[Record]:
    with open_export(path, channel_id=channel_id) as export:
        return list(export.records())


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "export"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_an_exporters_file_names_its_channel_and_yields_its_messages() -> None:
    with open_export(EXPORTS / "day_plans.json", channel_id=None) as export:
        assert export.channel == ExportChannel(900000000000000002, 900000000000000001, "day-plans", "text", None)
        found = list(export.records())
        assert export.bytes_read() == (EXPORTS / "day_plans.json").stat().st_size
    assert len(found) == 6
    assert all(record.payload for record in found)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("sort_keys", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_layout_key_order_and_byte_order_mark_do_not_matter(
    indent: int | None, sort_keys: bool, mark: bytes, tmp_path: Path
) -> None:
    export = json.loads((EXPORTS / "day_plans.json").read_text(encoding="utf-8"))
    path = written(tmp_path, mark + json.dumps(export, indent=indent, sort_keys=sort_keys).encode())
    assert len(records(path)) == 6


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (gzip.compress(b"{}", mtime=0), "gunzip"),
        (b"PK\x03\x04rest", "zip"),
        (b"\x28\xb5\x2f\xfdrest", "unzstd"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"AuthorID,Author,Date,Content,Attachments,Reactions\n1,a,b,c,,\n", "--format Json"),
        (b"==============\nGuild: x\nChannel: y\n", "--format Json"),
        (b'[{"id": "1"}]', "jq"),
        ('{"guild": {}}'.encode("utf-16"), "UTF-16"),
        (b'{"guild": {"id": "1"}, "channel": {"id"', "before its first message"),
        (b'{"guild": {"id": "1"}, "messageCount": 0}', "before its first message"),
        (b'{"guild": {"id": "1"}, "messages": []}', "--channel"),
    ],
)
def test_another_format_is_named_in_one_sentence(content: bytes, named: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        records(written(tmp_path, content))
    assert named in str(error.value)
    assert str(error.value).count("\n") == 0
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=str(tmp_path)):
        records(tmp_path / name)


def test_a_thread_hangs_on_its_channel(tmp_path: Path) -> None:
    header = {"id": "8", "type": "GuildPublicThread", "categoryId": "7", "category": "day-plans", "name": "chatter"}
    with open_export(written(tmp_path, json.dumps({"channel": header, "messages": []})), channel_id=None) as export:
        assert export.channel == ExportChannel(8, None, "chatter", "thread", 7)


def test_the_channel_can_be_named_where_the_file_does_not(tmp_path: Path) -> None:
    path = written(tmp_path, '{"guild": {"id": "0"}, "messages": [{"id": "9", "type": "Default"}]}')
    with open_export(path, channel_id=77) as export:
        assert export.channel == ExportChannel(77, None, "", "unknown", None)
        assert [record.payload and record.payload["channel_id"] for record in export.records()] == ["77"]


def test_wherever_a_file_is_cut_the_whole_messages_before_are_read(tmp_path: Path) -> None:
    text = (EXPORTS / "day_plans.json").read_bytes()
    ids = [message["id"] for message in json.loads(text)["messages"]]
    ends = [text.index(b"\n    }", text.index(message_id.encode() + b'",\n      "type"')) for message_id in ids]
    for whole, end in enumerate(ends[:-1], 1):
        for cut in (end + 6, end + 7, ends[whole] - 3):
            found: list[Any] = []
            with (
                pytest.raises(InputError, match=f"breaks off or is damaged after message {ids[whole - 1]} "),
                open_export(written(tmp_path, text[:cut]), channel_id=None) as export,
            ):
                found.extend(record.payload and record.payload["id"] for record in export.records())
            assert found == ids[:whole]


def test_lines_that_are_no_message_are_named_and_the_others_read(tmp_path: Path) -> None:
    lines: list[Any] = [
        '{"id": "1", "channel_id": "2", "content": "a"}',
        "not json",
        "[1]",
        "",
        '{"channel_id": "2"}',
        '{"id": "3", "content": "whose?"}',
        '{"id": "3", "channel_id": "2", "embeds": 5}',
        '{"id": "3", "channel_id": "2", "author": {"username": 5}}',
        '{"id": "99999999999999999999", "channel_id": "2"}',
        '{"id": 4,\r"channel_id": 2, "content": "line\u2028separator"}',
        '{"id": "5", "channel_id": "2", "con',
    ]
    found = records(written(tmp_path, "\r\n".join(lines)))
    assert [(record.place, record.reason) for record in found] == [
        ("line 1", ""),
        ("line 2", "is no JSON"),
        ("line 3", "is no object"),
        ("line 5", "has no message id"),
        ("line 6", "does not say its channel (name it with --channel ID)"),
        ("line 7", "has another kind of embeds than Discord's"),
        ("line 8", "has another kind of author than Discord's"),
        ("line 9", "has no message id"),
        ("line 10", ""),
        ("line 11", "is no JSON"),
    ]


def test_bytes_that_are_no_text_cost_nothing_but_themselves(tmp_path: Path) -> None:
    found = records(written(tmp_path, b'{"id": "1", "channel_id": "2", "content": "a\xffb"}\n'))
    assert found[0].payload
    assert found[0].payload["content"] == "a\udcffb"


@pytest.mark.parametrize("value", [None, "", "x", "-1", 0, -5, True, 1.5, "1.0", "١٢", 1 << 63, "9" * 30])
def test_what_is_no_snowflake(value: object) -> None:
    assert snowflake(value) is None


@pytest.mark.parametrize("value", ["1384879837629382656", 1384879837629382656, 1, (1 << 63) - 1])
def test_what_is_a_snowflake(value: str | int) -> None:
    assert snowflake(value) == int(value)
