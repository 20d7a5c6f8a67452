"""How an import ends: its exit codes, and what stops it before or while it runs."""

from enum import IntEnum


class ImportExit(IntEnum):
    """Exit codes of scripts/legacy_import.py; docs/coming-from-the-old-app.md has them for people."""

    CLEAN = 0
    QUARANTINED = 2  # done, and rows that could not be taken wait in import_quarantine
    NOT_VERIFIED = 3
    REFUSED = 4  # at preflight: nothing was written
    INTERRUPTED = 5  # what was committed stays; the same command goes on there
    USAGE = 64
    INTERNAL = 70  # a fault of ours: the log has the traceback


class PreflightError(Exception):
    """Why an import must not begin or go on, in one plain sentence."""


class UsageError(Exception):
    """What is wrong in an argument or in a --map file, in one plain sentence."""


class InterruptedImportError(Exception):
    """What ended an import before its end, in one plain sentence."""
