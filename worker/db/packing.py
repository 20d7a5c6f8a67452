"""Rows in COPY's binary form, made and sent piece by piece. The driver's encoder takes half as long again.

The form is in PostgreSQL's manual, under COPY, File Formats: a row is the number of its fields, a field its length in
bytes and its value, or a length of -1 for null. The values are as the types' receive functions take them."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any
from uuid import UUID

from asyncpg import Connection

EPOCH, MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)  # of timestamptz
JSONB_VERSION = 1  # a byte before the text

_PIECE_BYTES = 1 << 16  # the server begins as soon as it has the first
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_TRUE, _FALSE = b"\0\0\0\1\1", b"\0\0\0\1\0"
_TEXT_TYPE = 25

pack_count = Struct("!h").pack
_pack_length = Struct("!i").pack
_pack_length_and_bigint = Struct("!iq").pack
_pack_length_and_integer = Struct("!ii").pack
_pack_length_and_version = Struct("!ib").pack
# Of an array: dimensions, whether any element is null, the type of the elements, how many, the first one's index.
_pack_array = Struct("!iiIii").pack

Packer = Callable[[Any], bytes]
"""A field from its value; None is null."""


def pack_bigint(value: int | None) -> bytes:
    return _NULL if value is None else _pack_length_and_bigint(8, value)


def pack_integer(value: int | None) -> bytes:
    return _NULL if value is None else _pack_length_and_integer(4, value)


def pack_boolean(value: bool) -> bytes:
    return _TRUE if value else _FALSE


def pack_bytes(value: bytes | None) -> bytes:
    return _NULL if value is None else _pack_length(len(value)) + value


def pack_text(text: str | None) -> bytes:
    if text is None:
        return _NULL
    encoded = text.encode()
    return _pack_length(len(encoded)) + encoded


def pack_texts(texts: Sequence[str] | None) -> bytes:
    """An array, which must not be empty."""
    if texts is None:
        return _NULL
    return pack_bytes(_pack_array(1, 0, _TEXT_TYPE, len(texts), 1) + b"".join(map(pack_text, texts)))


def pack_jsonb(written: bytes | str | None) -> bytes:
    """JSON that is written already."""
    if written is None:
        return _NULL
    encoded = written if isinstance(written, bytes) else written.encode()
    return _pack_length_and_version(len(encoded) + 1, JSONB_VERSION) + encoded


def pack_time(moment: datetime | None) -> bytes:
    return _NULL if moment is None else _pack_length_and_bigint(8, (moment - EPOCH) // MICROSECOND)


def pack_uuid(value: UUID) -> bytes:
    return pack_bytes(value.bytes)


def pack_row(packers: Sequence[Packer], row: Sequence[Any]) -> bytes:
    fields = [pack(value) for pack, value in zip(packers, row, strict=True)]
    return pack_count(len(fields)) + b"".join(fields)


async def copy_packed(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Writes rows, each with the fields of `columns` in their order."""
    await connection.copy_to_table(table, columns=columns, source=_pieces(rows), format="binary")


async def _pieces(rows: Iterable[bytes]) -> AsyncIterator[bytes]:
    yield _HEADER
    piece: list[bytes] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += len(row)
        if size >= _PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    yield b"".join(piece) + _END
