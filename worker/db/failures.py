"""What a failed attempt to connect means: something that passes, so worth a wait, or something the user must mend."""

import socket
import ssl

import asyncpg

from worker.db.dsn import address
from worker.exits import ConfigError, RefusedError, WorkerError

# What asyncpg.connect raises; ValueError is a parameter or host name that cannot be.
CONNECT_ERRORS = (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# SQLSTATE classes that pass: no connection, too many of something, in use, shutting down or starting up.
_PASSING = ("08", "53", "55", "57")
_IN_THE_URL = ("22", "42704")  # a value or parameter the server does not know
_NO_DATABASE = "3D000"
_WRONG_WORDS = ("28P01", "08P01")  # password, or user and database as a pooler says it; else the login is forbidden
_SHARED_SESSION = ("26000", "42P05")  # a prepared statement is gone or another's: each transaction has another session
# pgbouncer says nearly everything under 08P01, what passes and what does not; these are its words for the latter.
_POOLER_REFUSES = ("authentication failed", "no such user", "no such database")


def explain(error: Exception, dsn: str, setting: str) -> str | WorkerError:
    """The reason to wait, for people, or the error to end with, which names the setting. Neither has a password."""
    where = f"PostgreSQL at {address(dsn)}"
    if isinstance(error, asyncpg.PostgresError):
        return _explain_answer(error, where, setting)
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigError(
            f"{where} shows a certificate that is not trusted ({_first_line(error)}): "
            f"name its authority's file by sslrootcert= in {setting}."
        )
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return ConfigError(f"{where} offers no TLS, which sslmode= in {setting} asks for, or is no PostgreSQL.")
    if isinstance(error, ValueError | asyncpg.InterfaceError):
        return ConfigError(f"{setting} does not work: {_first_line(error)}.")
    return _explain_silence(error)


def why_away(error: Exception) -> str:
    """What a session of ours failed with, for people; the class's name is for who looks it up."""
    # What is raised in the place of a server's answer has that answer as its cause.
    source = error.__cause__ if isinstance(error.__cause__, asyncpg.PostgresError) else error
    name, said = type(source).__name__, _first_line(source)
    if isinstance(source, TimeoutError):
        return f"the database does not answer ({name})"
    if isinstance(source, OSError):
        said = _explain_silence(source)
        return "the database cannot be reached" + (f": {said} ({name})" if said != name else f" ({name})")
    return "the database could not do it" + (f": {said} ({name})" if said else f" ({name})")


def pooler_in_the_way(setting: str) -> ConfigError:
    return ConfigError(
        f"{setting} leads through a connection pooler: set DATABASE_DIRECT_URL to the server itself, which locks, "
        "LISTEN and migrations need."
    )


def _explain_answer(error: asyncpg.PostgresError, where: str, setting: str) -> str | WorkerError:
    code, message = str(error.sqlstate), _first_line(error)
    if code in _SHARED_SESSION or "unsupported startup parameter" in message:
        return pooler_in_the_way(setting)
    if code.startswith(_PASSING) and not any(words in message for words in _POOLER_REFUSES):
        return message
    if code == _NO_DATABASE:
        return ConfigError(f"{where} has no such database ({message}): create it, or name another one in {setting}.")
    if code.startswith(_IN_THE_URL):
        return ConfigError(f"{where} cannot do what {setting} says ({message}): correct its parameters.")
    advice = "correct its user, password or database" if code in _WRONG_WORDS else "allow it, or name another user"
    return RefusedError(f"{where} refused the login of {setting} ({message}): {advice}.")


def _explain_silence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, socket.gaierror):
        return "its host name is not known"
    if isinstance(error, FileNotFoundError):
        return "its socket is not there"
    # A host with several addresses gives a plain OSError that lists them all.
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "it accepts no connections"
    return _first_line(error) or type(error).__name__


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].rstrip(".")
