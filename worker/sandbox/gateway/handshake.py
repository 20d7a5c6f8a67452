"""IDENTIFY and RESUME: the rules by which a connection gets a session.

Source: Discord's developer documentation, "Gateway", "Identifying" and "Resuming"."""

import asyncio
from typing import TYPE_CHECKING

from worker.sandbox.gateway.intents import KNOWN_BITS, PRIVILEGED, Intent
from worker.sandbox.gateway.sessions import Session
from worker.sandbox.records import IdentifyRecord
from worker.sandbox.wire import Json
from worker.sandbox.world import payloads

if TYPE_CHECKING:
    from worker.sandbox.gateway.connection import Connection
    from worker.sandbox.gateway.gateway import Gateway

_REQUIRED = ("token", "properties", "intents")


class HandshakeError(Exception):
    """The session is refused: by a close code, or by op 9 false when that is None."""

    def __init__(self, close_code: int | None) -> None:
        self.close_code = close_code


def identify(gateway: "Gateway", connection: "Connection", data: Json) -> None:
    """Opens a session and sends READY and the guilds. Raises HandshakeError."""
    record = IdentifyRecord("identify", gateway.world.clock.now(), None, "ready", data.get("intents"))
    gateway.records.identifies.append(record)
    try:
        _check_identify(gateway, data)
    except HandshakeError as refusal:
        record.outcome = "invalid" if refusal.close_code is None else str(refusal.close_code)
        raise
    finally:
        gateway.pulse.beat()
    shard = tuple(data.get("shard") or (0, 1))
    session = gateway.sessions.open(Intent(data["intents"]), (shard[0], shard[1]), connection)
    record.session_id = connection.record.session_id = session.id
    connection.session = session
    gateway.spawn(_welcome(gateway, connection, session))


def _check_identify(gateway: "Gateway", data: Json) -> None:
    denial = gateway.faults.identify_denial()
    if denial is not None:
        raise HandshakeError(denial)
    if any(key not in data for key in _REQUIRED):
        raise HandshakeError(4002)
    if data["token"] != gateway.token or not gateway.starts.one_left():
        raise HandshakeError(4004)
    if not gateway.starts.take():
        raise HandshakeError(None)
    shard = data.get("shard") or [0, 1]
    if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
        raise HandshakeError(4010)
    intents = data["intents"]
    if not isinstance(intents, int) or intents & ~KNOWN_BITS:
        raise HandshakeError(4013)
    if intents & PRIVILEGED & ~gateway.privileged:
        raise HandshakeError(4014)


async def _welcome(gateway: "Gateway", connection: "Connection", session: Session) -> None:
    faults = gateway.faults
    await asyncio.sleep(faults.ready_delay)
    guilds = [guild for guild in gateway.bot_guilds() if (guild.id >> 22) % session.shard[1] == session.shard[0]]
    session.started = True
    session.dispatch("READY", _ready(gateway, session, [str(guild.id) for guild in guilds]))
    await asyncio.sleep(faults.guild_create_delay)
    if Intent.GUILDS in session.intents:
        for guild in guilds:
            if guild.available:
                session.dispatch("GUILD_CREATE", payloads.guild_create(guild))
    if session.outlet is connection:
        connection.ready = True
    gateway.pulse.beat()


def _ready(gateway: "Gateway", session: Session, guild_ids: list[str]) -> Json:
    return {
        "v": 10,
        "user": payloads.user(gateway.world.places.bot),
        "guilds": [{"id": guild_id, "unavailable": True} for guild_id in guild_ids],
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": gateway.faults.resume_url or gateway.url,
        "application": {"id": str(gateway.world.places.bot.id), "flags": gateway.application_flags()},
        "private_channels": [],
        "shard": list(session.shard),
    }


def resume(gateway: "Gateway", connection: "Connection", data: Json) -> None:
    """Takes the session over, replays what the client missed and says RESUMED. Raises HandshakeError."""
    sequence = data.get("seq")
    record = IdentifyRecord("resume", gateway.world.clock.now(), data.get("session_id"), "resumed", sequence=sequence)
    gateway.records.identifies.append(record)
    session = gateway.sessions.find(data.get("session_id"))
    missed = session.since(sequence) if session is not None and isinstance(sequence, int) else None
    if data.get("token") != gateway.token:
        record.outcome = "4004"
    elif session is None or missed is None or not gateway.faults.takes_resume():
        record.outcome = "invalid"
    gateway.pulse.beat()
    if session is None or missed is None or record.outcome != "resumed":
        raise HandshakeError(4004 if record.outcome == "4004" else None)
    if session.outlet is not None:
        session.outlet.close(4000)
    session.outlet = connection
    connection.session = session
    connection.record.session_id = session.id
    for dispatch in missed:
        connection.replay(dispatch.text)
    session.dispatch("RESUMED", {"_trace": []})
    connection.ready = True
    gateway.pulse.beat()
