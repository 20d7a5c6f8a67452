"""The words that columns and events share, each with one meaning everywhere."""

from typing import Literal

ChannelKind = Literal["text", "news", "thread", "forum", "voice", "direct", "legacy", "unknown"]
PermissionState = Literal["unknown", "granted", "missing"]
Origin = Literal["live", "history", "replay", "legacy"]
ParseState = Literal["pending", "parsed", "empty", "not_a_plan", "failed"]
LetterState = Literal["dead", "waiting", "taken"]
PlanState = Literal["current", "superseded", "withdrawn"]
GapReason = Literal[
    "start", "reconnected", "resumed", "queue_full", "configured", "access_changed", "discovered", "self_check"
]
GapOutcome = Literal["fetched", "unreachable"]
MigrationDirection = Literal["upgrade", "downgrade", "stamp"]
SetAsideKind = Literal["relation", "index", "constraint", "sequence"]
