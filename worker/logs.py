"""Logging: structlog and the standard library's loggers through one renderer, to standard error.

Every line has a time in UTC, a level and a stable `event`. No line has a token or a password of the settings."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO
from urllib.parse import unquote

import structlog
from pydantic import SecretStr
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from worker.settings import Settings
from worker.views.visible import visible, visible_lines

REDACTED = "***"
CHATTY_LIBRARIES = ("alembic", "apscheduler", "discord")  # what they say at INFO, our own lines say better

_URL_PASSWORD = re.compile(r"://[^:/?#]*:([^/?#]*)@")
_PASSWORD_PARAMETER = re.compile(r"[?&](?:ssl)?password=([^&#]*)", re.IGNORECASE)
_ANY_URL_PASSWORD = re.compile(r"(://[^\s:/?#@]*:)[^\s/?#@]+(?=@)")
# PostgreSQL quotes the row that it refuses, and with it a message's text.
_QUOTED_ROW = re.compile(
    r"^DETAIL: .*?(?=^(?:HINT: |The above exception|During handling|Traceback )|\Z)", re.MULTILINE | re.DOTALL
)
_SHORTEST_SECRET = 3  # a shorter one would blank out half of every line, and is caught where it stands in a URL


def configure(settings: Settings, *, quiet: bool = False, stream: TextIO | None = None) -> None:
    """Sets up all logging of the process; a later call replaces an earlier one.

    Quiet, for commands that people read: only warnings, unless LOG_LEVEL asks for a level."""
    stream = stream or sys.stderr
    is_pretty = stream.isatty() if settings.log_format == "auto" else settings.log_format == "pretty"
    enriching: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *enriching, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    rendering = _pretty(stream) if is_pretty else [structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _RedactingFormatter(
            settings,
            foreign_pre_chain=[*enriching, _name_library_line],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _leave_out_rows,
                *rendering,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    is_asked = "log_level" in settings.model_fields_set
    root.setLevel("WARNING" if quiet and not is_asked else settings.log_level)
    for library in CHATTY_LIBRARIES:
        logging.getLogger(library).setLevel("DEBUG" if settings.log_level == "DEBUG" else "WARNING")


def _pretty(stream: TextIO) -> list[Processor]:
    # Plain tracebacks: those that show local variables show what strangers wrote as well.
    renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    return [_visible_values, renderer]


def _name_library_line(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """A library's words are no stable key."""
    if str(line["logger"]).partition(".")[0] != "worker":
        line["message"], line["event"] = line["event"], "library.message"
    return line


def _leave_out_rows(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    for name in ("exception", "reason", "error"):
        if "DETAIL: " in str(line.get(name)):
            line[name] = _QUOTED_ROW.sub("", str(line[name])).rstrip()
    return line


def _visible_values(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    return {name: visible_lines(value) if isinstance(value, str) else value for name, value in line.items()}


class _RedactingFormatter(ProcessorFormatter):
    """Takes secrets out of the finished line, so that they have nowhere to hide, be it in a traceback."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        forms = {form for secret in secrets_of(settings) for form in _written_forms(secret)}
        # The longest first: one secret may contain another.
        listed = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
        self._secrets = re.compile(listed) if listed else None

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if self._secrets:
            line = self._secrets.sub(REDACTED, line)
        return _ANY_URL_PASSWORD.sub(rf"\g<1>{REDACTED}", line)


def secrets_of(settings: Settings) -> Iterator[str]:
    """What must never be shown: the token, and the passwords in URLs as they are written and as they are meant."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if not isinstance(value, SecretStr):
            continue
        secret = value.get_secret_value()
        if "://" not in secret:
            yield secret
            continue
        for found in (*_URL_PASSWORD.findall(secret), *_PASSWORD_PARAMETER.findall(secret)):
            yield found
            yield unquote(found)


def _written_forms(secret: str) -> Iterator[str]:
    """A secret as it stands in plain lines, in JSON and in Python's quotes."""
    if len(secret) >= _SHORTEST_SECRET:
        yield from (secret, visible(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1])
