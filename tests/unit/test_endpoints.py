"""Where the library is pointed, and that the token goes nowhere unencrypted."""

from collections.abc import Iterator

import discord.gateway
import discord.http
import pytest

from worker.exits import ConfigError
from worker.gateway.endpoints import point_library
from worker.settings import Settings


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    base, gateway = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    yield
    discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@pytest.mark.parametrize(
    ("api", "gateway"),
    [
        ("http://127.0.0.1:8070/api/v10/", "ws://127.0.0.1:8070/"),
        ("http://[::1]:8070/api/v10", "ws://localhost:8070/"),
        ("https://discord.example/api/v10", "wss://gateway.example/"),
    ],
)
def test_the_library_is_pointed_at_the_settings(api: str, gateway: str) -> None:
    point_library(Settings(discord_api_url=api, discord_gateway_url=gateway))
    assert api.rstrip("/") == discord.http.Route.BASE
    assert str(discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY) == gateway


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.7/api",
        "http://127.0.0.1.example/api",
        "http://localhost.example/api",
        "ftp://here/",
        "api",
        "https://",
    ],
)
def test_other_addresses_are_refused_in_a_sentence_that_names_the_setting(url: str) -> None:
    with pytest.raises(ConfigError, match="DISCORD_API_URL"):
        point_library(Settings(discord_api_url=url))


@pytest.mark.parametrize("url", ["ws://192.0.2.7/", "http://127.0.0.1/", "ws://["])
def test_the_gateway_likewise(url: str) -> None:
    with pytest.raises(ConfigError, match="DISCORD_GATEWAY_URL"):
        point_library(Settings(discord_gateway_url=url))
