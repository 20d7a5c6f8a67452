"""Discord's limits in numbers, as a sandbox keeps them. A test may change one on a running sandbox."""

from dataclasses import dataclass


@dataclass(slots=True)
class Rules:
    """Source: Discord's developer documentation, "Gateway", "Rate Limits", "Interactions" and "Create Message".

    Times in seconds."""

    heartbeat_seconds: float = 41.25
    """What HELLO asks for; a connection without a heartbeat for half as long again is closed with 4009."""
    sends_per_minute: int = 120
    """Payloads of one connection in 60 s; one more and it is closed with 4008."""
    identify_seconds: float = 0.0
    """How long after an IDENTIFY the next one is refused by op 9. Discord has 5; the default lets tests reconnect."""
    identifies_per_day: int = 1000
    """Session starts; one more resets the token at Discord, here it is refused with 4004."""
    session_seconds: float = 300.0
    """How long a session without a connection can be resumed."""
    session_log: int = 10_000
    """How many dispatches back a RESUME can reach."""
    requests_per_second: int = 50
    """REST requests of a bot in all, beside the limits of the routes."""
    invalid_requests: int = 10_000
    """Answers 401, 403 and 429 in 10 minutes; from then on there is only a bare 429."""
    answer_seconds: float = 3.0
    """How long an interaction waits for its first answer."""
    token_seconds: float = 900.0
    """How long an interaction's token serves for follow-ups."""
    nonce_seconds: float = 180.0
    """How long an enforced nonce gives the message that it was used for; Discord says "a few minutes"."""
