"""A database that another application used before."""

from pathlib import Path

import pytest

from tests.support.sql import execute
from worker.db.connection import Database


@pytest.fixture
async def foreign_database(empty_database: Database) -> Database:
    """Names of ours with everything that hangs on a table, an unknown revision, and data: see foreign.sql."""
    await execute(empty_database, (Path(__file__).parent / "foreign.sql").read_text())
    return empty_database
