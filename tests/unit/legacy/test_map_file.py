"""The file of --map."""

import json
from pathlib import Path

import pytest

from worker.legacy.ending import UsageError
from worker.legacy.map_file import MappedTable, read_map, write_map


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("nonsense", "is no JSON"),
        ("{}", 'has no "tables"'),
        ("[]", 'has no "tables"'),
        ('{"tables": {"t": {"as": "poems"}}}', "t cannot become 'poems'; there are channels, messages"),
        (
            '{"tables": {"t": {"as": "events", "columns": {"content": "id"}}}}',
            "t has no field content; as events it has",
        ),
        ('{"tables": {"t": {"zones": {"created_at": "Mars"}}}}', "'Mars' of t.created_at is no time zone"),
        ('{"tables": {"t": {"zones": {"created_at": null}}}}', "None of t.created_at is no time zone"),
        ('{"tables": {"t": {"columns": ["id"]}}}', "columns of t is to have one name for each"),
        ('{"tables": {"t": {"channel_id": "plans"}}}', "channel_id of t is no channel's id"),
        ('{"tables": {"t": {"colour": "red"}}}', "t may have as, because, channel_id, columns, zones"),
        ('{"tables": {"t": 5}}', "t may have as"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "map.json"
    file.write_text(content)
    with pytest.raises(UsageError) as raised:
        read_map(file)
    assert sentence in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_map(tmp_path / "map.json")
    with pytest.raises(UsageError, match="cannot be written"):
        write_map(tmp_path / "no" / "map.json", {})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    said = {
        "old_setups": {"as": "messages", "columns": {"content": "raw_text", "source": None}, "channel_id": "77"},
        "old_notes": {"as": "ignore", "because": ["nobody wants them"]},
        "old_events": {"zones": {"created_at": "America/Chicago"}},
    }
    write_map(file, {"tables": said})
    assert json.loads(file.read_text()) == {"tables": said}
    assert read_map(file) == {
        "old_setups": MappedTable("messages", columns={"content": "raw_text", "source": None}, channel_id=77),
        "old_notes": MappedTable(is_ignored=True),
        "old_events": MappedTable(zones={"created_at": "America/Chicago"}),
    }
