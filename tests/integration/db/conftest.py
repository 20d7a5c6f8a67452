from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.postgres import scratch_folder
from tests.support.processes import User


@pytest.fixture
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def home(scratch: Path) -> Path:
    return scratch / "postgresql"


@pytest.fixture
def new_user(home: Path) -> Iterator[Callable[..., User]]:
    """Starts a process that uses the server of the test's home; what the test leaves running is killed."""
    users: list[User] = []

    def start(programs: Path | None = None) -> User:
        users.append(User(home, programs=programs))
        return users[-1]

    yield start
    for user in users:
        user.killed()
