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
GapOutcome = Literal["fetched", "unreachable", "cancelled"]
MigrationDirection = Literal["upgrade", "downgrade", "stamp"]
SetAsideKind = Literal["relation", "index", "constraint", "sequence"]
ImportState = Literal["running", "finished", "abandoned"]
ImportOutcome = Literal["inserted", "already_there", "merged"]
QuarantineReason = Literal[
    "no_text", "sample", "bad_id", "bad_time", "bad_json", "no_event_type", "too_long", "changed", "refused", "erased"
]
ChangeSource = Literal["discord", "command_line", "setting"]
PostState = Literal["waiting", "sending", "posted", "deleted"]
AlarmKind = Literal["message", "gap", "content", "announcing", "dead_letters"]
