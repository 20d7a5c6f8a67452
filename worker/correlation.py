"""The id that follows a fact from receipt to event: the same on every retry, replica and replay."""

from functools import lru_cache
from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

_OF_MESSAGES = sha1(NAMESPACE_URL.bytes + b"discord:message:", usedforsecurity=False)


@lru_cache(maxsize=1024)  # a plan has many events
def of_message(message_id: int) -> UUID:
    """The correlation id of everything that comes from one Discord message: uuid5 of `discord:message:<id>`."""
    # As uuid5 computes it, without hashing the beginning again: it is needed for every message.
    digest = _OF_MESSAGES.copy()
    digest.update(b"%d" % message_id)
    return UUID(bytes=digest.digest()[:16], version=5)


def of_name(name: str) -> UUID:
    """The correlation id of a fact without a message, by its own name, such as `channel:config:<id>:<time>`."""
    return uuid5(NAMESPACE_URL, name)
