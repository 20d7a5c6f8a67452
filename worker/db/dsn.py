"""DATABASE_URL in the forms that drivers and hosters write it, made into the one form that asyncpg takes.

Everything is quoted anew, so that a password needs no care beyond what tells it from the rest of the URL.
"""

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

from worker.exits import ConfigError

EXAMPLE = "postgresql://user:password@host:5432/name"
DEFAULT_PORT = "5432"

_URL = re.compile(
    r"(?:postgres|postgresql|postgresql\+asyncpg)://"
    r"(?:(?P<user>[^:/?#]*?)(?::(?P<password>[^/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]*)"
    r"(?:/(?P<name>[^/?#]*))?"
    r"(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^\[\]:,]+)(?::(?P<port>\d{1,5}))?")

# Options of libpq, SQLAlchemy and poolers' guides that asyncpg hands to the server, which refuses the unknown.
_NOT_FOR_THE_SERVER = frozenset(
    {"channel_binding", "connect_timeout", "command_timeout", "fallback_application_name", "gssencmode", "pgbouncer"}
    | {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
    | {"prepared_statement_cache_size", "prepared_statement_name_func", "statement_cache_size", "sslcompression"}
    | {"application_name", "timezone"}  # ours to set
)
_SECRET = frozenset({"password", "sslpassword"})
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_SSL_WORDS = {"true": "require", "1": "require", "on": "require", "false": "disable", "0": "disable", "off": "disable"}


def normalise(url: str, setting: str) -> str:
    """The URL as asyncpg takes it: postgresql://, only parameters it or a server knows, every part quoted.

    Several hosts, IPv6, ?host=/folder of a socket and libpq's parameters are kept. Raises ConfigError, which names the
    setting and never quotes the URL, if it is malformed."""
    match = _URL.fullmatch(url.strip())
    if match is None:
        raise ConfigError(
            f"{setting} is no PostgreSQL URL such as {EXAMPLE}; in a password, / ? and # are written %2F %3F and %23."
        )
    hosts = _hosts(match["hosts"], setting)
    query = _query(match["query"] or "", setting)
    user = "" if match["user"] is None else quote(unquote(match["user"]), safe="")
    password = "" if match["password"] is None else ":" + quote(unquote(match["password"]), safe="")
    name = quote(unquote(match["name"] or ""), safe="")
    login = f"{user}{password}@" if user or password else ""
    return f"postgresql://{login}{hosts}{'/' if name else ''}{name}{'?' if query else ''}{query}"


def redacted(dsn: str) -> str:
    """The DSN of normalise without its passwords, for logs."""
    head, _, query = dsn.partition("?")
    head = re.sub(r":[^:@/]*@", ":***@", head, count=1)
    pairs = [f"{name}={'***' if name in _SECRET else quote(value, safe='/,')}" for name, value in parse_qsl(query)]
    return head + ("?" + "&".join(pairs) if pairs else "")


def address(dsn: str) -> str:
    """Where the DSN of normalise leads, for people: host:port, several joined by " or ", or a socket's folder."""
    query = dict(parse_qsl(dsn.partition("?")[2]))
    hosts = dsn.partition("://")[2].partition("?")[0].partition("/")[0].rpartition("@")[2] or query.get("host", "")
    if not hosts:
        return "the local socket"
    port = query.get("port", DEFAULT_PORT)
    told = [unquote(host) for host in hosts.split(",")]
    return " or ".join(host if host.startswith("/") or _has_port(host) else f"{host}:{port}" for host in told)


def _has_port(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and match["port"] is not None


def _hosts(hosts: str, setting: str) -> str:
    for host in hosts.split(",") if hosts else ():
        match = _HOST.fullmatch(unquote(host))
        if match is None or not 0 < int(match["port"] or DEFAULT_PORT) <= 65535:
            raise ConfigError(f"{setting} has a host or port that is none; it has the form {EXAMPLE}.")
    return hosts


def _query(query: str, setting: str) -> str:
    try:
        pairs = parse_qsl(query, strict_parsing=bool(query))
    except ValueError:
        raise ConfigError(f"{setting} has a parameter without a value after the question mark.") from None
    parameters = {name: value for name, value in pairs if name not in _NOT_FOR_THE_SERVER}
    if ssl := parameters.pop("ssl", None):  # SQLAlchemy's word; to drop it would connect without the TLS that it asks
        parameters.setdefault("sslmode", _SSL_WORDS.get(ssl.lower(), ssl))
    for name in _FILES:
        if name in parameters and not Path(parameters[name]).is_file():
            raise ConfigError(f"{setting} names a file by {name} that is not there: {parameters[name]}")
    return urlencode(parameters, quote_via=quote, safe="/,")
