"""A malformed setting is named in a sentence, and no secret is quoted in it."""

import pytest

from worker.exits import ConfigError
from worker.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DISCORD_CHANNELS", "1372540316212031569, general", "'general' is no channel id; an example is"),
        ("DISCORD_CHANNELS", "0", "'0' is no channel id"),
        ("DISCORD_CHANNELS", "-5", "'-5' is no channel id"),
        ("DISCORD_CHANNELS", str(1 << 63), "is no channel id"),
        ("DISCORD_CHANNELS", "9" * 5000, "is no channel id"),
        ("DISCORD_TOKEN", "two secret words", "it holds characters that no token has"),
        ("DISCORD_TOKEN", "secret\nline", "it holds characters that no token has"),
        ("DISCORD_TOKEN", "secret…", "it holds characters that no token has"),
        ("HEALTH_PORT", "99999", "it should be less than or equal to 65535"),
        ("HEALTH_PORT", "http", "it should be a valid integer"),
        ("LOG_LEVEL", "LOUD", "it should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("PLAN_TIMEZONE", "Mars/Olympus", "'Mars/Olympus' is no time zone; an example is America/Chicago"),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as error:
        load_settings()
    told = str(error.value)
    assert told.startswith(f"The setting {name} is wrong: ")
    assert reason in told
    assert told.endswith(".")
    assert "secret" not in told


def test_blanks_around_a_token_and_between_ids_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", " MTIzNDU2.Gabcde.token\r\n")
    monkeypatch.setenv("DISCORD_CHANNELS", " 7,8 , ")
    settings = load_settings()
    assert settings.discord_token is not None
    assert settings.discord_token.get_secret_value() == "MTIzNDU2.Gabcde.token"
    assert settings.discord_channels == (7, 8)


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_token_counts_as_unset(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", value)
    assert load_settings().discord_token is None
