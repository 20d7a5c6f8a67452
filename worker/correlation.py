"""The id that follows a fact from receipt to event: the same on every retry, replica and replay."""

from uuid import NAMESPACE_URL, UUID, uuid5


def of_message(message_id: int) -> UUID:
    """The correlation id of everything that comes from one Discord message."""
    return uuid5(NAMESPACE_URL, f"discord:message:{message_id}")


def of_name(name: str) -> UUID:
    """The correlation id of a fact without a message, by its own name, such as `channel:config:<id>:<time>`."""
    return uuid5(NAMESPACE_URL, name)
