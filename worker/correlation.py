"""The id that follows a fact from receipt to event: the same on every retry, replica and replay."""

from functools import lru_cache
from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

from asyncpg.pgproto import pgproto

_OF_MESSAGES = sha1(NAMESPACE_URL.bytes + b"discord:message:", usedforsecurity=False)


@lru_cache(maxsize=1024)  # a plan has many events
def of_message(message_id: int) -> UUID:
    """The correlation id of everything that comes from one Discord message: uuid5 of `discord:message:<id>`."""
    # As uuid5 computes it, without hashing the beginning again: it is needed for every message. The driver's class is a
    # UUID as well, and made in a tenth of the time.
    hashed = _OF_MESSAGES.copy()
    hashed.update(b"%d" % message_id)
    digest = bytearray(hashed.digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # version 5
    digest[8] = digest[8] & 0x3F | 0x80  # the variant of RFC 9562
    return pgproto.UUID(bytes(digest))


def of_name(name: str) -> UUID:
    """The correlation id of a fact without a message, by its own name, such as `channel:config:<id>:<time>`."""
    return uuid5(NAMESPACE_URL, name)
