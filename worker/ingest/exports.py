"""Files of messages: DiscordChatExporter's JSON, and JSONL with one of Discord's message objects a line.

Both are read as a stream, so their size does not matter."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO

from worker.exits import InputError, NotFoundError
from worker.ingest.exporter_message import message_object
from worker.ingest.json_stream import BrokenJsonError, JsonStream

HEAD_BYTES = 1 << 16  # what is looked at to tell the format
LINE_LIMIT_CHARACTERS = 1 << 24

_FOREIGN_STARTS = {
    b"\x1f\x8b": "is compressed: unpack it first, for example with gunzip",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed: unpack it first, for example with unzstd",
    b"\xff\xfe": "is in UTF-16: convert it first, for example with iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "is in UTF-16: convert it first, for example with iconv -f UTF-16 -t UTF-8",
    b"<": "is an HTML export: export the channel again with --format Json",
    b"[": "is a JSON array: write one message a line, for example with jq -c '.[]'",
}
_UTF8_MARK = b"\xef\xbb\xbf"
# How DiscordChatExporter's JSON begins, whatever the order of its keys.
_EXPORTER_START = re.compile(rb'\{\s*"(?:guild|channel|dateRange|exportedAt|messages|messageCount)"\s*:')

_CHANNEL_KINDS = {
    "GuildTextChat": "text",
    "GuildNews": "news",
    "GuildNewsThread": "thread",
    "GuildPublicThread": "thread",
    "GuildPrivateThread": "thread",
    "GuildForum": "forum",
    "GuildVoiceChat": "voice",
    "GuildStageVoice": "voice",
    "DirectTextChat": "direct",
    "DirectGroupTextChat": "direct",
}


@dataclass(frozen=True, slots=True)
class ExportChannel:
    """What an export says of the channel its messages are from."""

    channel_id: int
    guild_id: int | None
    name: str
    kind: str
    parent_id: int | None


class Record(NamedTuple):
    """One message of a file, or the reason why it is none. `place` says where it stands, for people."""

    place: str
    payload: dict[str, Any] | None
    reason: str = ""


class Export(Protocol):
    """An open file of messages. `channel` is None where each message has to say its own."""

    @property
    def path(self) -> Path: ...

    @property
    def channel(self) -> ExportChannel | None: ...

    def records(self) -> Iterator[Record]:
        """Raises InputError where the file breaks off; what was yielded until then is whole."""

    def bytes_read(self) -> int: ...


def snowflake(value: object) -> int | None:
    """An id as Discord and its exporters write it, or None; DiscordChatExporter's guild of direct messages is 0."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63 else None


@contextmanager
def open_export(path: Path, *, channel_id: int | None) -> Iterator[Export]:
    """Opens a file; `channel_id` is the channel of messages that do not say theirs.

    Raises NotFoundError if it cannot be read, InputError if it is empty or of another format."""
    try:
        file = io.BufferedReader(io.FileIO(path), HEAD_BYTES)
    except IsADirectoryError:
        raise NotFoundError(f"{path} is a folder: name the files in it.") from None
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.") from None
    with file:
        head = file.peek(HEAD_BYTES).removeprefix(_UTF8_MARK).lstrip()
        _refuse_foreign(path, head)
        # A byte that is no UTF-8 becomes a lone surrogate, which is cleaned and flagged like any other.
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="\n")
        yield (_ExporterFile if _EXPORTER_START.match(head) else _LinesFile)(path, file, text, channel_id)


def _refuse_foreign(path: Path, head: bytes) -> None:
    if not head:
        raise InputError(f"{path} is empty.")
    for start, sentence in _FOREIGN_STARTS.items():
        if head.startswith(start):
            raise InputError(f"{path} {sentence}.")
    if not any(line.lstrip().startswith(b"{") for line in head.split(b"\n")):
        raise InputError(
            f"{path} is neither DiscordChatExporter's JSON nor JSONL of Discord's message objects: "
            "export the channel again with --format Json."
        )


class _ExporterFile:
    """One object with a header and the array `messages`."""

    def __init__(self, path: Path, file: io.BufferedIOBase, text: TextIO, channel_id: int | None) -> None:
        self.path = path
        self._file = file
        self._stream = JsonStream(text)
        try:
            header = self._header()
        except BrokenJsonError:
            raise InputError(f"{path} breaks off or is damaged before its first message.") from None
        self.channel = self._channel(header, channel_id)

    def bytes_read(self) -> int:
        return _position(self._file)

    def records(self) -> Iterator[Record]:
        channel = self.channel
        last = "its beginning"
        try:
            for count, exported in enumerate(self._messages(), 1):
                if not isinstance(exported, dict):
                    yield Record(f"message {count}", None, "is no object")
                    continue
                last = f"message {exported.get('id')} ({count} in the file)"
                payload = message_object(exported, channel_id=channel.channel_id, guild_id=channel.guild_id)
                yield checked(f"message {count}", payload)
        except BrokenJsonError:
            raise InputError(
                f"{self.path} breaks off or is damaged after {last}: what stands before is stored, "
                "export the channel again for the rest."
            ) from None

    def _header(self) -> dict[str, Any]:
        stream, header = self._stream, dict[str, Any]()
        stream.expect("{")
        while (key := stream.value()) != "messages":
            stream.expect(":")
            header[str(key)] = stream.value()
            stream.expect(",")
        stream.expect(":")
        stream.expect("[")
        return header

    def _messages(self) -> Iterator[Any]:
        stream = self._stream
        if stream.skip("]"):
            return
        while True:
            yield stream.value()
            if stream.skip("]"):
                return
            stream.expect(",")

    def _channel(self, header: dict[str, Any], channel_id: int | None) -> ExportChannel:
        channel, guild = (part if isinstance(part := header.get(key), dict) else {} for key in ("channel", "guild"))
        found = snowflake(channel.get("id")) or channel_id
        if found is None:
            raise InputError(f"{self.path} does not say which channel it is of: name it with --channel ID.")
        kind = _CHANNEL_KINDS.get(str(channel.get("type")), "unknown")
        return ExportChannel(
            found,
            snowflake(guild.get("id")),
            str(channel.get("name") or ""),
            kind,
            # Of a thread, that is the channel it hangs on; of any other channel, a heading.
            snowflake(channel.get("categoryId")) if kind == "thread" else None,
        )


class _LinesFile:
    """One message object a line."""

    channel = None

    def __init__(self, path: Path, file: io.BufferedIOBase, text: TextIO, channel_id: int | None) -> None:
        self.path = path
        self._file = file
        self._text = text
        self._channel_id = channel_id

    def bytes_read(self) -> int:
        return _position(self._file)

    def records(self) -> Iterator[Record]:
        lines = iter(lambda: self._text.readline(LINE_LIMIT_CHARACTERS), "")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                payload = json.loads(line)
            except (ValueError, RecursionError):
                yield Record(f"line {number}", None, "is no JSON")
                continue
            if not isinstance(payload, dict):
                yield Record(f"line {number}", None, "is no object")
                continue
            if payload.get("channel_id") is None and self._channel_id is not None:
                payload["channel_id"] = str(self._channel_id)
            yield checked(f"line {number}", payload)


# What the columns of a message are made of, by its type; anything else of a message object is only kept.
_TYPES: dict[str, tuple[type, ...]] = {
    "content": (str,),
    "author": (dict,),
    "embeds": (list,),
    "attachments": (list,),
}


def checked(place: str, payload: dict[str, Any]) -> Record:
    """The record of a message object that can be stored, or of one that cannot, with the reason."""
    if snowflake(payload.get("id")) is None:
        return Record(place, None, "has no message id")
    if snowflake(payload.get("channel_id")) is None:
        return Record(place, None, "does not say its channel (name it with --channel ID)")
    for name, types in _TYPES.items():
        if payload.get(name) is not None and not isinstance(payload[name], types):
            return Record(place, None, f"has another kind of {name} than Discord's")
    author = payload.get("author") or {}
    if not all(isinstance(author.get(name), str | None) for name in ("username", "global_name")):
        return Record(place, None, "has another kind of author than Discord's")
    return Record(place, payload)


def _position(file: io.BufferedIOBase) -> int:
    return file.tell() if file.seekable() else 0
