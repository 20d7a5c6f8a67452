"""JSON value by value, however the text is cut into chunks."""

import io
import json
from typing import Any

import pytest

from worker.ingest import json_stream
from worker.ingest.json_stream import BrokenJsonError, JsonStream

VALUES: list[Any] = [
    {"id": "1", "content": 'a\u2028b\n"c" \\ \x00 é 🔻', "nested": [{"x": [1, 2.5, None, True]}]},
    12345,
    -0.25,
    "lone \ud800 surrogate",
    [],
    {},
    None,
]


def read_all(text: str) -> list[Any]:
    stream = JsonStream(io.StringIO(text))
    stream.expect("[")
    found = []
    while not stream.skip("]"):
        found.append(stream.value())
        stream.skip(",")
    assert stream.peek() == ""
    return found


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
def test_values_come_whole(chunk: int, indent: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK_CHARACTERS", chunk)
    assert read_all(json.dumps(VALUES, indent=indent)) == VALUES


def test_a_number_is_not_cut_where_the_chunk_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK_CHARACTERS", 3)
    assert read_all("[12345678, 1.25]") == [12345678, 1.25]


@pytest.mark.parametrize(
    "text", ['{"a": 1', '{"a": "b', '{"a" 1}', "nope", "", '{"a": 1,}', "[" * 100_000, "1" * 5000, '"\n"']
)
def test_broken_text_is_an_error(text: str) -> None:
    with pytest.raises(BrokenJsonError):
        JsonStream(io.StringIO(text)).value()


def test_a_value_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK_CHARACTERS", 10)
    monkeypatch.setattr(json_stream, "VALUE_LIMIT_CHARACTERS", 1000)
    file = io.StringIO('"' + "x" * 1_000_000)
    with pytest.raises(BrokenJsonError):
        JsonStream(file).value()
    assert file.tell() < 10_000
