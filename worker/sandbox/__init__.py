"""A local Discord for the demo and the tests: REST and gateway over real sockets, strict about Discord's rules.

The worker never imports it; it runs beside the worker, in the same process or in one of its own."""

from worker.sandbox.gateway.intents import Intent
from worker.sandbox.rules import Rules
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.world.model import Channel, Guild, Message, MessageFlag, User
from worker.sandbox.world.permissions import Permission

__all__ = ["Channel", "Guild", "Intent", "Message", "MessageFlag", "Permission", "Rules", "Sandbox", "User"]
