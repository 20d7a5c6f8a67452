"""Behind a real pgbouncer: the pooled connection works, and what may not go through the pooler is told so."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.password_server import PasswordServer, free_port, password_server
from tests.support.processes import accepts, wait_for
from worker.db.binaries import find_programs
from worker.db.connection import connect, open_database
from worker.db.privileges import choose_run_as
from worker.exits import ConfigError, RefusedError
from worker.settings import Settings

PGBOUNCER = shutil.which("pgbouncer")

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer on PATH")


@pytest.fixture(scope="module")
def server() -> Iterator[PasswordServer]:
    with password_server() as server:
        server.start()
        yield server


@pytest.fixture(params=["strict", "lenient"])
def pooler_port(request: pytest.FixtureRequest, scratch: Path, server: PasswordServer) -> Iterator[int]:
    """In transaction mode. A lenient one drops the session settings that it does not know instead of refusing them."""
    port = free_port()
    (scratch / "users").write_text(f'"trader" "{server.password}"\n')
    lenient = "ignore_startup_parameters = idle_in_transaction_session_timeout" if request.param == "lenient" else ""
    (scratch / "pgbouncer.ini").write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={server.port}\n"
        f"[pgbouncer]\npool_mode = transaction\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {scratch}/users\n{lenient}\n"
    )
    run_as = choose_run_as(scratch, scratch, find_programs(None, None))
    run_as.give(scratch)
    process = run_as.start([str(PGBOUNCER), "-q", scratch / "pgbouncer.ini"], {}, subprocess.DEVNULL)
    try:
        wait_for(lambda: accepts(port), "pgbouncer takes connections")
        yield port
    finally:
        process.terminate()
        process.wait()


def settings(database_url: str, database_direct_url: str | None) -> Settings:
    return Settings.model_validate({"database_url": database_url, "database_direct_url": database_direct_url})


def url(port: int, password: str) -> str:
    return f"postgres://trader:{quote(password, safe='')}@127.0.0.1:{port}/postgres"


async def test_sessions_that_share_one_server_session_do_not_disturb_each_other(
    pooler_port: int, server: PasswordServer
) -> None:
    both = settings(url(pooler_port, server.password), url(server.port, server.password))
    async with open_database(both) as database:
        sessions = [await connect(database, purpose="reader", direct=False) for _ in range(3)]
        for number in range(9):
            session = sessions[number % 3]
            assert await session.fetchval("SELECT $1::jsonb", f"[{number}]") == [number]
        for session in sessions:
            await session.close()


async def test_a_pooler_alone_is_refused(pooler_port: int, server: PasswordServer) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL leads through a connection pooler: set DATABASE_DIRECT_URL"):
        async with open_database(settings(url(pooler_port, server.password), None)):
            pass


async def test_a_password_that_the_pooler_refuses_is_told_at_once(pooler_port: int, server: PasswordServer) -> None:
    with pytest.raises(RefusedError, match="DATABASE_URL"):
        async with open_database(settings(url(pooler_port, "wrong"), url(server.port, server.password))):
            pass
