"""The same plan in spellings that nobody has shown the reader: whatever it is written like, it says the same.

In the data `⏎` is a line break; braces are the fields of `_fields`."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

import parsers
from parsers.reading import Kind, Strategy
from tests.unit.parsers.support import DATA, POSTED, Short, audit, short


class _Setup(NamedTuple):
    kind: Kind
    strategy: Strategy | None
    trigger: str
    targets: tuple[str, str, str]

    @property
    def long(self) -> bool:
        return self.kind in {"breakout", "bounce"}

    @property
    def stop(self) -> Decimal:
        return Decimal(self.trigger) + (-2 if self.long else 2)


_PLAN = (
    _Setup("rejection", None, "586.49", ("584.20", "582.00", "579.70")),
    _Setup("breakdown", "aggressive", "584.20", ("582.00", "579.70", "577.30")),
    _Setup("breakdown", "conservative", "579.70", ("577.30", "574.80", "572.20")),
    _Setup("breakout", "aggressive", "586.49", ("588.70", "591.20", "593.50")),
    _Setup("breakout", "conservative", "588.70", ("591.20", "593.50", "596.20")),
    _Setup("bounce", None, "579.70", ("582.00", "584.00", "585.50")),
)
_RELATIONS = {"rejection": "Near", "breakdown": "Below", "breakout": "Above", "bounce": "From"}
_NOTE = "Bull bias above 584.20, flips below 579.70"
_HEADER = "A+ Scalp Trade Setups — Thu Jun 12"
_PLAIN = "{e} {strat}{kind} {rel} {t} ({c})"


def _fields(setup: _Setup) -> dict[str, str]:
    strategy = (setup.strategy or "").title()
    first, second, third = setup.targets
    numbered = list(enumerate(setup.targets, start=1))
    return {
        "kind": setup.kind.title(), "KIND": setup.kind.upper(), "lk": setup.kind,
        "strat": strategy + " " if strategy else "", "S": strategy, "ls": (setup.strategy or "") + " ",
        "rel": _RELATIONS[setup.kind], "gt": ">" if setup.long else "<", "e": "🔼" if setup.long else "🔻",
        "side": "Long" if setup.long else "Short", "t": setup.trigger, "stop": str(setup.stop),
        "t1": first, "t2": second, "t3": third,
        "c": ", ".join(setup.targets), "sl": "/".join(setup.targets), "ssl": " / ".join(setup.targets),
        "sp": " ".join(setup.targets), "ds": " - ".join(setup.targets), "ar": " → ".join(setup.targets),
        "T": " ".join(f"T{number} {price}" for number, price in numbered),
        "TP": " ".join(f"TP{number}: {price}" for number, price in numbered),
        "PT": ", ".join(f"PT{number} {price}" for number, price in numbered),
        "O": " ".join(f"{number}) {price}" for number, price in numbered),
        "N": f"1st target {first}, 2nd target {second}, 3rd target {third}",
    }  # fmt: skip


def _section(ticker: str, template: str) -> str:
    lines = [template.format(**_fields(setup)) for setup in _PLAN]
    return "\n".join([ticker, *lines, f"⚠️ {_NOTE}"])


def _expected(ticker: str | None, *, stops: bool = False) -> list[Short]:
    return [
        (
            ticker, setup.kind, setup.strategy, [[Decimal(setup.trigger)] * 2],
            [Decimal(price) for price in setup.targets], setup.stop if stops else None,
        )
        for setup in _PLAN
    ]  # fmt: skip


def _lines(name: str) -> list[str]:
    return [line.replace("⏎", "\n") for line in (DATA / name).read_text("utf-8").rstrip("\n").split("\n")]


def _headers() -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines("headers.jsonl")]


def _check(text: str, expected: list[Short], posted: datetime = POSTED) -> None:
    reading = parsers.parse(text, posted)
    assert short(reading) == expected
    assert {plan.bias.text if plan.bias else None for plan in reading.plans} == {_NOTE}
    audit(text, reading)


def test_there_are_enough_spellings() -> None:
    assert len(set(_lines("setup_lines.txt"))) >= 60


@pytest.mark.parametrize("template", _lines("setup_lines.txt"))
def test_setup_lines(template: str) -> None:
    _check(f"{_HEADER}\n\n{_section('SPY', template)}\n\n@everyone", _expected("SPY"))


@pytest.mark.parametrize("template", _lines("stop_lines.txt"))
def test_stops(template: str) -> None:
    _check(f"{_HEADER}\n\n{_section('SPY', template)}\n\n@everyone", _expected("SPY", stops=True))


@pytest.mark.parametrize("row", _headers(), ids=lambda row: str(row["header"]))
def test_headers(row: dict[str, str]) -> None:
    text = f"{row['header']}\n\n{_section('SPY', _PLAIN)}"
    _check(text, _expected("SPY"), datetime.fromisoformat(row["posted_at"]))
    assert str(parsers.parse(text, datetime.fromisoformat(row["posted_at"])).trading_day) == row["day"]


@pytest.mark.parametrize("line", _lines("ticker_lines.txt"))
def test_ticker_lines(line: str) -> None:
    text = f"{_HEADER}\n\n{_section(line, _PLAIN)}\n\n{_section('TSLA', _PLAIN)}"
    _check(text, _expected("SPY") + _expected("TSLA"))


@pytest.mark.parametrize("spelt", ["{}", "${}", "1) {}", "**{}**", "{}:", "✅ {}", "{}\u2028", "`{}`"])
@pytest.mark.parametrize("ticker", ["F", "A", "T", "ON", "ALL", "IT", "NOW", "BRK.B", "GOOGL", "BTCUSD"])
def test_tickers_that_are_words_or_letters(ticker: str, spelt: str) -> None:
    text = f"{_HEADER}\n\n{_section('SPY', _PLAIN)}\n\n{_section(spelt.format(ticker), _PLAIN)}"
    _check(text, _expected("SPY") + _expected(ticker))


@pytest.mark.parametrize(
    ("written", "ticker"), [("BRK/B", "BRK.B"), ("BRK-B", "BRK.B"), ("$brk.b", "BRK.B"), ("$f", "F")]
)
def test_a_ticker_has_one_name(written: str, ticker: str) -> None:
    _check(f"{_HEADER}\n\n{_section(written, _PLAIN)}", _expected(ticker))


@pytest.mark.parametrize("before", ["{} ", "{}: ", "${} ", "{} - ", "**{}** "])
@pytest.mark.parametrize("ticker", ["SPY", "BRK.B", "ON", "F"])
def test_a_ticker_on_every_line(ticker: str, before: str) -> None:
    lines = [before.format(ticker) + _PLAIN[4:].format(**_fields(setup)) for setup in _PLAN]
    reading = parsers.parse("\n".join([_HEADER, "", *lines]), POSTED)
    assert short(reading) == _expected(ticker)


@pytest.mark.parametrize(
    ("between", "end"),
    [
        ("\u2028", "\u2028"),
        ("\u2028\n", "\n"),
        ("\r\n", "\r\n"),
        ("\n\n", "\n"),
        ("  \n", "\n"),
        ("\n\u200b", "\n"),
        ("\n\u200f", "\n"),
    ],
)
def test_line_ends(between: str, end: str) -> None:
    body = _section("SPY", _PLAIN).replace("\n", between)
    _check(f"{_HEADER}{end}{body}", _expected("SPY"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" ", "\u00a0"), (" ", "  "), (" ", "\t"), (" ", " \u200b"), ("⚠️", "⚠"), ("⚠️ ", "⚠️"), (", ", ","),
        ("Aggressive", "Agressive"), ("Rejection", "Rejecton"), ("Breakdown", "Break down"), ("Breakout", "Break-out"),
        ("Breakdown", "Breakdwon"), ("Aggressive", "Agg."), ("Conservative", "CONS"), (", ", " , "),
        ("Near ", "near "), ("Above ", "Over "),
        ("SPY", "**__SPY__**"),
        ("Breakdown Below", "**Breakdown**Below"), ("Rejection", "𝗥𝗲𝗷𝗲𝗰𝘁𝗶𝗼𝗻"), ("586.49", "５８６.４９"),
    ],
)  # fmt: skip
def test_other_characters(old: str, new: str) -> None:
    section = _section("SPY", _PLAIN)
    head, note = section.split("⚠️ ")
    assert old in head + "⚠️ "
    text = f"{_HEADER}\n\n{head.replace(old, new)}{'⚠️ '.replace(old, new)}{note}"
    _check(text, _expected("SPY"))
