"""What /metrics shows, all in one registry."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

OBSERVATIONS = Counter(
    "worker_observations", "Observations taken into the queue.", ["origin", "kind"], registry=REGISTRY
)
MESSAGES = Counter("worker_messages", "Messages that a write changed.", ["change"], registry=REGISTRY)
PARSED = Counter(
    "worker_parsed", "Texts by how they were read; `empty` and `failed` alarm.", ["state"], registry=REGISTRY
)
EVENTS = Counter("worker_events", "Events told.", registry=REGISTRY)
WRITE_SECONDS = Histogram(
    "worker_write_seconds",
    "One write transaction, from its first statement to COMMIT's answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
WRITE_RETRIES = Counter("worker_write_retries", "Writes that have to be done again.", registry=REGISTRY)
QUEUE_LENGTH = Gauge("worker_queue_length", "Observations that wait to be written.", registry=REGISTRY)
QUEUE_DROPPED = Counter(
    "worker_queue_dropped",
    "Observations that did not fit into memory and are left to history.",
    registry=REGISTRY,
)
GATEWAY_CONNECTED = Gauge("worker_gateway_connected", "1 while the gateway session is up.", registry=REGISTRY)
GATEWAY_FAULTS = Counter("worker_gateway_faults", "Gateway sessions that ended in an error.", registry=REGISTRY)
GATEWAY_UNREAD = Counter(
    "worker_gateway_unread_messages",
    "Messages that discord.py could not read; they are stored all the same.",
    registry=REGISTRY,
)
HISTORY_PAGES = Counter("worker_history_pages", "Pages of history that were fetched.", registry=REGISTRY)
INVALID_REQUESTS = Counter(
    "worker_invalid_requests", "Answers of 401, 403 and 429, which Discord bans for.", ["status"], registry=REGISTRY
)
IDENTIFIES = Counter("worker_gateway_logins", "Logins at the gateway; Discord allows 1,000 a day.", registry=REGISTRY)
SESSIONS_FORCED = Counter(
    "worker_sessions_forced", "Sessions given up for a fresh one, by what was wrong.", ["reason"], registry=REGISTRY
)
IS_INGESTER = Gauge("worker_is_ingester", "1 while this process holds the ingest lease.", registry=REGISTRY)
INGESTER_FAULTS = Counter("worker_ingester_faults", "Faults that ended all ingest for a moment.", registry=REGISTRY)
OPEN_GAP_SINCE = Gauge(
    "worker_open_gap_since_seconds",
    "Each range of message ids that is not covered: when it was found, in seconds since 1970, and why it is open.",
    ["channel_id", "first_id", "last_id", "reason"],
    registry=REGISTRY,
)
JOB_FAULTS = Counter("worker_job_faults", "Runs of periodic jobs that ended in an error.", ["job"], registry=REGISTRY)
CONSUMER_LAG_EVENTS = Gauge(
    "worker_consumer_lag_events", "Events that a consumer has still to deal with.", ["consumer"], registry=REGISTRY
)
CONSUMER_LAG_SECONDS = Gauge(
    "worker_consumer_lag_seconds",
    "How long ago the oldest event was told that a consumer has still to deal with, and why it has not.",
    ["consumer", "cause"],
    registry=REGISTRY,
)
DEAD_LETTERS = Gauge(
    "worker_dead_letters", "Events that a consumer failed on after its last try.", ["consumer"], registry=REGISTRY
)
EVENTS_REMOVED = Counter("worker_events_removed", "Events past their retention that were removed.", registry=REGISTRY)
POSTS = Counter(
    "worker_posts",
    "Announcements and alarms that were looked at: posted, edited, unchanged, or failed and to be tried again.",
    ["table", "outcome"],
    registry=REGISTRY,
)
ANNOUNCER_FAULTS = Counter(
    "worker_announcer_faults", "Faults that ended announcing and alarms for a moment.", registry=REGISTRY
)
COMMANDS = Counter(
    "worker_commands", "Commands and presses in Discord, by how they ended.", ["command", "outcome"], registry=REGISTRY
)
COMMAND_SECONDS = Histogram(
    "worker_command_seconds",
    "One command or press, from its arrival to its end.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 3, 10, 60, 900),
    registry=REGISTRY,
)


def clear_ingest() -> None:
    """Takes back what only the process that ingests knows."""
    for number in (IS_INGESTER, QUEUE_LENGTH):
        number.set(0)
    for series in (OPEN_GAP_SINCE, CONSUMER_LAG_EVENTS, CONSUMER_LAG_SECONDS, DEAD_LETTERS):
        series.clear()
