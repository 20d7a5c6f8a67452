"""Formats are found by being there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import parsers
from parsers import formats, registry
from tests.unit.parsers.support import POSTED, audit

_DOCS = Path(__file__).parents[3] / "docs" / "formats.md"


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The format of the worked example, in the package of formats for the length of a test."""
    [module] = re.findall(r'```python\n("""Tickers to watch.*?)```', _DOCS.read_text("utf-8"), re.DOTALL)
    (tmp_path / "watch_list.py").write_text(module, "utf-8")
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
def test_the_worked_example_is_a_format_and_touches_no_other_file() -> None:
    text = "WATCH TSLA 343.85\nwatch $f 11\nup 35% today"
    reading = parsers.parse(text, POSTED)
    audit(text, reading)
    assert reading.format == "watch"
    assert [(plan.ticker, plan.setups[0].triggers[0].low) for plan in reading.plans] == [
        ("TSLA", Decimal("343.85")),
        ("F", Decimal(11)),
    ]
    assert [unread.line for unread in reading.unread] == [3]
    assert parsers.parse("A+ Trade Setups", POSTED).format == "aplus"


def test_a_channel_can_bind_its_format() -> None:
    alert = "BTO SPY 590c 6/20 @ 1.20"
    assert parsers.parse(alert, POSTED, format="bto_stc").format == "bto_stc"
    assert parsers.parse(alert, POSTED, format="aplus").state == "not_a_plan"
    with pytest.raises(KeyError):
        parsers.parse(alert, POSTED, format="nonesuch")


def test_what_one_format_reads_counts_more_than_what_another_only_suspects() -> None:
    assert parsers.parse("A+ Trade Setups\nBTO SPY 590c 6/20 @ 1.20", POSTED).format == "bto_stc"


def test_chat_loads_no_calendar() -> None:
    code = (
        "import sys, datetime, parsers; parsers.parse('gm all, A+ setups today', datetime.datetime.now(datetime.UTC));"
        "sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
