"""Formats are found by being there."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import parsers
from parsers import formats, registry
from tests.unit.parsers.support import POSTED

_MODULE = """
from parsers.reading import NOT_A_PLAN, Plan, Reading
from parsers.registry import Format

def _read(text, posted):
    ticker = text.removeprefix("watch ")
    return Reading("parsed", "watch", 1, posted.date(), "posted_at", (Plan(ticker, None, ()),))

FORMAT = Format("watch", 1, day_plan=False, looks_like=lambda text: text.startswith("watch "), read=_read)
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A format in a module of its own, in the package of formats for the length of a test."""
    (tmp_path / "watch_list.py").write_text(_MODULE, "utf-8")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    registry.registered.cache_clear()
    yield
    registry.registered.cache_clear()
    sys.modules.pop("parsers.formats.watch_list", None)


def test_two_formats_are_registered() -> None:
    found = parsers.registered()
    assert {name: item.day_plan for name, item in found.items()} == {"aplus": True, "bto_stc": False}
    assert all(item.version >= 1 for item in found.values())


@pytest.mark.usefixtures("added")
def test_a_new_format_touches_no_other_file() -> None:
    reading = parsers.parse("watch TSLA", POSTED)
    assert (reading.format, [plan.ticker for plan in reading.plans]) == ("watch", ["TSLA"])
    assert parsers.parse("A+ Trade Setups", POSTED).format == "aplus"


def test_a_channel_can_bind_its_format() -> None:
    alert = "BTO SPY 590c 6/20 @ 1.20"
    assert parsers.parse(alert, POSTED, format="bto_stc").format == "bto_stc"
    assert parsers.parse(alert, POSTED, format="aplus").state == "not_a_plan"
    with pytest.raises(KeyError):
        parsers.parse(alert, POSTED, format="nonesuch")


def test_chat_loads_no_calendar() -> None:
    code = (
        "import sys, datetime, parsers; parsers.parse('gm all, A+ setups today', datetime.datetime.now(datetime.UTC));"
        "sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
