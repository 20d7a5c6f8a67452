"""Which Discord the library talks to: set once before a client starts, for it has class attributes for that only."""

from ipaddress import ip_address

import discord
import discord.gateway
import discord.http
import yarl

from worker.exits import ConfigError
from worker.settings import Settings


def point_library(settings: Settings) -> None:
    """Points discord.py at the endpoints of the settings.

    After a RESUME the library follows the address that READY names, so a gateway proxy has to rewrite it.
    Raises ConfigError for an address that would show the token to the network."""
    # The worker has no voice, and wants no warning that it has none.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    if settings.discord_api_url:
        url = _checked("DISCORD_API_URL", settings.discord_api_url, ("https", "http"))
        discord.http.Route.BASE = str(url).rstrip("/")
    if settings.discord_gateway_url:
        url = _checked("DISCORD_GATEWAY_URL", settings.discord_gateway_url, ("wss", "ws"))
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = url


def _checked(setting: str, value: str, schemes: tuple[str, str]) -> yarl.URL:
    secure, plain = schemes
    try:
        url = yarl.URL(value)
        host = url.host
    except ValueError:
        raise ConfigError(f"{setting} is no address: {value!r}; an example is {secure}://discord.example/.") from None
    if url.scheme not in schemes or not host:
        raise ConfigError(f"{setting} must begin with {secure}:// and name a host, and is {value!r}.")
    if url.scheme == plain and not _is_loopback(host):
        raise ConfigError(f"{setting} would show the token to the network: use {secure}://, or a loopback address.")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
