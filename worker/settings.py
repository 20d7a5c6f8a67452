"""Every setting, typed, with its environment variable. Nothing else in the project reads the environment."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from worker.exits import ConfigError


def _default_data_directory() -> Path:
    if os.geteuid() == 0:
        # Root's home is closed to the account that a server of root's may have to run as.
        return Path("/var/lib/discord-plan-worker")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "discord-plan-worker"


class Settings(BaseSettings):
    """Read once at start. The environment variable is the field's name in capitals; an empty one counts as unset."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    discord_token: SecretStr | None = Field(None, description="The bot's token (developer portal, Bot, Reset Token).")
    discord_channels: Annotated[tuple[int, ...], NoDecode] = Field(
        (), description="Channel ids to listen to, separated by commas; added to those that are configured already."
    )
    discord_api_url: str | None = Field(
        None, description="Another Discord-compatible REST endpoint, such as http://127.0.0.1:8070/api/v10."
    )
    discord_gateway_url: str | None = Field(
        None, description="Another Discord-compatible gateway, such as ws://127.0.0.1:8070/."
    )
    database_url: SecretStr | None = Field(
        None, description="postgresql://user:password@host:port/name; unset: an embedded PostgreSQL in DATA_DIRECTORY."
    )
    database_direct_url: SecretStr | None = Field(
        None,
        description="The same database past a pooler in transaction mode; for locks, LISTEN, writing and migrations.",
    )
    database_wait_seconds: float = Field(60, ge=0, description="How long start waits for a database that is away.")
    data_directory: Path = Field(
        default_factory=_default_data_directory, description="Where the embedded PostgreSQL keeps its data."
    )
    postgres_bin_directory: Path | None = Field(
        None, description="PostgreSQL's programs for the embedded server; unset: the installed package's."
    )
    migration_budget_seconds: float = Field(900, gt=0, description="How long a migration may take, waiting included.")
    migration_lock_timeout_milliseconds: int = Field(
        200, ge=100, le=250, description="How long a migration's statement may wait for a table lock before a retry."
    )
    plan_timezone: str = Field(
        "America/Chicago", description="The zone whose date a plan without a date in its header is for."
    )
    health_host: str = Field("127.0.0.1", description="Where /livez, /readyz and /metrics listen.")
    health_port: int = Field(8080, ge=0, le=65535, description="Their port; 0 picks a free one.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least level to log.")
    log_format: Literal["auto", "pretty", "json"] = Field(
        "auto", description="auto: pretty on a terminal, JSON lines otherwise."
    )
    event_retention_days: int = Field(90, ge=1, description="How long events are kept.")
    event_retention_past_consumers: bool = Field(
        False, description="Remove events past their retention even where a consumer has still to read them."
    )
    history_page_seconds: float = Field(1, ge=0, description="The least time between two pages of a channel's history.")
    look_back_messages: int = Field(
        200, ge=0, description="How many of a channel's newest messages are read again after downtime and every night."
    )
    look_back_days: float = Field(7, ge=0, description="How old they may be.")
    look_back_settled_seconds: float = Field(
        60, ge=0, description="How old a message that is missing has to be to be taken for deleted."
    )
    gateway_check_seconds: float = Field(
        60, gt=0, description="How often the gateway is compared with REST, to find a session that hears nothing."
    )
    gateway_patience_seconds: float = Field(
        180, ge=5, description="How long a lost session is resumed before the worker logs in afresh."
    )
    gateway_ready_seconds: float = Field(
        2, ge=0, description="How long no other server has to come after the last one for a login to be complete."
    )
    lease_seconds: float = Field(
        5, ge=0.5, description="After how long another worker takes over from one that is frozen or cut off."
    )
    queue_limit: int = Field(10_000, ge=1, description="Observations that wait in memory while the database is away.")
    alarm_gap_minutes: int = Field(
        15, ge=1, description="How long messages may be missing before a server's alarm channel hears of it."
    )
    failpoints: str | None = Field(None, description="For tests: where the worker kills itself, as writer.begun=2.")

    @field_validator("discord_token")
    @classmethod
    def _one_word(cls, value: SecretStr | None) -> SecretStr | None:
        # The library sends it without the blanks around it, and no HTTP header can carry what is refused here.
        token = value.get_secret_value().strip() if value else ""
        if not re.fullmatch(r"[!-~]*", token):
            raise ValueError("it holds characters that no token has; copy it again from the developer portal")
        return SecretStr(token) if token else None

    @field_validator("discord_channels", mode="before")
    @classmethod
    def _split_ids(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(_channel_id(part.strip()) for part in value.split(",") if part.strip())
        return value

    @field_validator("plan_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone; an example is America/Chicago") from error
        return value


def _channel_id(text: str) -> int:
    number = int(text) if re.fullmatch(r"[0-9]{1,19}", text) else 0
    if not 0 < number < 1 << 63:
        raise ValueError(f"{text!r} is no channel id; an example is 1372540316212031569")
    return number


def load_settings() -> Settings:
    """The settings of this process.

    Raises ConfigError, naming the variable, when one is malformed."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]).upper()
        # pydantic's words, made the end of a sentence.
        reason = first["msg"].removeprefix("Value error, ").replace("Input should", "it should", 1)
        raise ConfigError(f"The setting {name} is wrong: {reason}.") from None
