"""What a user can have caused, and the exit code each cause ends with (BSD's sysexits where one fits)."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `python -m worker`; README.md has them for people."""

    OK = 0
    INTERNAL = 70  # a fault of ours: the log has the traceback
    USAGE = 64
    DATA = 65  # the input is in no known format, or what is stored differs from what Discord has
    NO_INPUT = 66  # the file, ticker or day that was asked for is not there
    UNAVAILABLE = 69  # PostgreSQL or Discord cannot be reached
    OUTDATED = 76  # the database is newer than this code
    REFUSED = 77  # a token, password, intent or permission was refused
    CONFIG = 78  # a setting is missing or wrong
    INTERRUPTED = 130


class WorkerError(Exception):
    """Something the user can mend. The message is one plain sentence that names the setting or permission to change."""

    exit_code: ExitCode = ExitCode.INTERNAL


class ConfigError(WorkerError):
    exit_code = ExitCode.CONFIG


class UnavailableError(WorkerError):
    exit_code = ExitCode.UNAVAILABLE


class RefusedError(WorkerError):
    exit_code = ExitCode.REFUSED


class OutdatedError(WorkerError):
    exit_code = ExitCode.OUTDATED


class NotFoundError(WorkerError):
    exit_code = ExitCode.NO_INPUT


class ChannelGoneError(NotFoundError):
    def __init__(self, channel_id: int) -> None:
        super().__init__(f"Discord knows no channel {channel_id}: it was deleted, or the bot was removed.")


class NotListenedToError(NotFoundError):
    """`listened_with` is the channel that a thread is listened to with all the same; None: there is none."""

    def __init__(self, channel_id: int, listened_with: int | None) -> None:
        self.channel_id = channel_id
        self.listened_with = listened_with
        super().__init__(
            f"Channel {channel_id} is not listened to: add it with `channels add {channel_id}`."
            if listened_with is None
            else f"Thread {channel_id} is listened to with the channel {listened_with} that it hangs on: name that one."
        )


class InputError(WorkerError):
    exit_code = ExitCode.DATA
