"""Gateway intents: which events a session gets. Source: Discord's developer documentation, "Gateway Intents"."""

from enum import IntFlag


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    MESSAGE_CONTENT = 1 << 15


KNOWN_BITS = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))
PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT

_BY_PREFIX = (
    ("GUILD_MEMBER_", Intent.GUILD_MEMBERS),
    ("GUILD_", Intent.GUILDS),
    ("CHANNEL_", Intent.GUILDS),
    ("THREAD_", Intent.GUILDS),
    ("MESSAGE_REACTION_", Intent.GUILD_MESSAGE_REACTIONS),
    ("MESSAGE_", Intent.GUILD_MESSAGES),
)

# Of an application in fewer than 100 guilds: the "limited" flag of each privileged intent.
_APPLICATION_FLAGS = {
    Intent.GUILD_PRESENCES: 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 19,
}


def intent_for(event: str) -> Intent:
    """The bit a session needs to get the event; none for READY, RESUMED and INTERACTION_CREATE."""
    return next((intent for prefix, intent in _BY_PREFIX if event.startswith(prefix)), Intent(0))


def application_flags(privileged: Intent) -> int:
    """An application's `flags` when these privileged intents are switched on for it."""
    return sum(flag for intent, flag in _APPLICATION_FLAGS.items() if intent in privileged)
