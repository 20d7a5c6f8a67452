"""What a bot's answers do: messages that appear, are filled in, updated or removed.

Source: Discord's developer documentation, "Receiving and Responding", "Interaction Callback Type"."""

from typing import Any

from worker.sandbox.interactions.interaction import AUTOCOMPLETE, COMMAND, COMPONENT, Interaction
from worker.sandbox.wire import Json
from worker.sandbox.world import payloads
from worker.sandbox.world.model import Message, MessageFlag, MessageKind
from worker.sandbox.world.world import World

MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
ALLOWED = {
    COMMAND: frozenset({MESSAGE, DEFERRED_MESSAGE, MODAL}),
    COMPONENT: frozenset({MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, MODAL}),
    AUTOCOMPLETE: frozenset({CHOICES}),
}
_CHOICE_LIMIT, _CHOICE_LENGTH = 25, 100


class Answers:
    """Ephemeral messages are kept here; all others are messages of the channel."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ephemeral: dict[int, Message] = {}

    def find(self, message_id: int) -> Message | None:
        """A message as it is now, an ephemeral one too."""
        return self._world.messages.find(message_id) or self._ephemeral.get(message_id)

    def first(self, interaction: Interaction, kind: int, fields: dict[str, Any]) -> None:
        """Carries out an accepted callback of that kind; `fields` are those of Message."""
        if kind == DEFERRED_MESSAGE:
            fields = {"flags": fields.get("flags", 0) | MessageFlag.LOADING}
        if kind in (MESSAGE, DEFERRED_MESSAGE):
            interaction.thinking = kind == DEFERRED_MESSAGE
            interaction.original_id = self.add(interaction, fields).id
        elif kind in (UPDATE, DEFERRED_UPDATE) and interaction.source is not None:
            interaction.original_id = interaction.source.id
            interaction.message_ids.append(interaction.source.id)
            interaction.thinking = kind == DEFERRED_UPDATE
            if kind == UPDATE:
                self.change(interaction, interaction.source, fields)

    def follow_up(self, interaction: Interaction, fields: dict[str, Any]) -> Message:
        """One more message; the first after a deferred one takes the place of its placeholder."""
        original = interaction.original
        if interaction.thinking and original is not None and original.flags & MessageFlag.LOADING:
            return self.change(interaction, original, fields)
        return self.add(interaction, fields)

    def add(self, interaction: Interaction, fields: dict[str, Any]) -> Message:
        command = interaction.kind == COMMAND and interaction.original_id is None
        fields = fields | {
            "kind": MessageKind.COMMAND_ANSWER if command else MessageKind.DEFAULT,
            "webhook": True,
            "extra": self._extra(interaction),
        }
        bot = self._world.places.bot
        if fields.get("flags", 0) & MessageFlag.EPHEMERAL:
            mentions = self._world.messages.mentioned(fields.get("content", ""), fields.pop("allowed_mentions", None))
            message_id = self._world.ids.next()
            message = Message(id=message_id, channel=interaction.channel, author=bot, **fields | mentions)
            self._ephemeral[message_id] = message
        else:
            message = self._world.messages.post(interaction.channel, bot, **fields)
        interaction.message_ids.append(message.id)
        return message

    def change(self, interaction: Interaction, message: Message, fields: dict[str, Any]) -> Message:
        """Fills in a placeholder, which is no edit, or edits."""
        placeholder = bool(message.flags & MessageFlag.LOADING)
        kept = message.flags & (MessageFlag.EPHEMERAL | MessageFlag.HAS_THREAD)
        fields = fields | {"flags": kept | (fields.get("flags", message.flags) & ~MessageFlag.LOADING)}
        if not placeholder:
            fields["edited_at"] = self._world.clock.now()
        if message.id in self._ephemeral:
            changed = self._ephemeral[message.id] = self._world.messages.changed(message, **fields)
        else:
            changed = self._world.messages.update(message, **fields)
        interaction.thinking = False
        return changed

    def remove(self, message: Message) -> None:
        if self._ephemeral.pop(message.id, None) is None:
            self._world.messages.delete(message)

    def _extra(self, interaction: Interaction) -> Json:
        metadata: Json = {
            "id": str(interaction.id),
            "type": interaction.kind,
            "user": payloads.user(interaction.user),
            "authorizing_integration_owners": {"0": str(interaction.channel.guild.id)},
        }
        if interaction.source is not None:
            metadata["interacted_message_id"] = str(interaction.source.id)
        if interaction.original_id is not None:
            metadata["original_response_message_id"] = str(interaction.original_id)
        return {"application_id": str(self._world.places.bot.id), "interaction_metadata": metadata}


def valid_choices(choices: Any) -> bool:
    """Whether an autocomplete may be answered with these."""
    return (
        isinstance(choices, list)
        and len(choices) <= _CHOICE_LIMIT
        and all(1 <= len(str(choice.get("name", ""))) <= _CHOICE_LENGTH and "value" in choice for choice in choices)
    )
