"""Reads the lines of a text that hold alerts, token by token: what each can be depends on what is still missing."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import date
from itertools import pairwise, zip_longest
from re import Match
from typing import Final

from parsers.confidence import confidence
from parsers.formats.bto_stc.alert import ACTIONS, NO_PRICE, Alert, Price, lacking, price_of, value_of, wrong_ways
from parsers.formats.bto_stc.expiry import expiry_in, expiry_of, weekly_expiry
from parsers.formats.bto_stc.tokens import (
    ACTION,
    DIGITS,
    DOUBTING,
    EVERYDAY,
    FRACTIONS,
    LEADING,
    MENTION,
    ORDINAL,
    SIZES,
    SKIPPED,
    SYMBOL,
    TOKEN,
)  # fmt: skip
from parsers.reading import Instrument, Kind, Level, Meaning, Right, Role, Setup
from parsers.sheet import Sheet

_NEARBY = 4  # words before a second action on a line that can make talk of it
_WORDLY: Final = frozenset({"bot", "btc"})
"""Actions that are words of their own: they need a contract beside them."""

_FULL: Final = frozenset({"number", "at", "date", "contract", "muddled", "range", "split"})
"""Tokens of which one stands right after a symbol in small letters."""


class AlertReader:
    """Reads one text line by line. `meanings` says for each number what it was taken for."""

    def __init__(self, sheet: Sheet, today: date) -> None:
        self.sheet = sheet
        self.meanings: list[Meaning] = ["unread"] * len(sheet.spans)
        self.setups: list[Setup] = []
        self.reasons: dict[int, str] = {}
        self._today = today
        self._alert = Alert("", leading=False)
        self._expected = ""
        self._tokens: list[Match[str]] = []
        self._position = 0

    def read(self) -> None:
        """Reads every line."""
        for index, (start, end) in enumerate(pairwise(self.sheet.starts)):
            actions = self._actions(start, end)
            line = start
            for action, following in zip_longest(actions, actions[1:]):
                self._read_alert(index, line, action, following.start() if following else end)
                line = action.end()
            if not actions and self.setups:
                self._continue(start, end)

    def _actions(self, start: int, end: int) -> list[Match[str]]:
        """The actions on a line. What stands right behind one is its symbol: `BTO BTC @ 104,250`."""
        found: list[Match[str]] = []
        for action in ACTION.finditer(self.sheet.text, start, end):
            if not found or self.sheet.text[found[-1].end() : action.start()].strip():
                found.append(action)
        return found

    def _read_alert(self, index: int, begin: int, action: Match[str], end: int) -> None:
        """Reads what follows an action, in the light of what stands between `begin` and it."""
        text = self.sheet.text
        ordinal = ORDINAL.match(text, begin, action.start())
        line = begin == self.sheet.starts[index]
        after = ordinal.end() if ordinal and line else begin
        before = MENTION.sub(" ", text[after : action.start()]).lower()
        if not DOUBTING.isdisjoint(before.split()[-_NEARBY:] if not line else before.split()):
            return
        if line:
            self._mean(begin, after, "ordinal")
        alert = Alert(action.group().lower(), leading=not any(character.isalnum() for character in before))
        if alert.action == "bot" and not text[action.end() : end].strip():
            self._walk(alert, begin, action.start())  # `AAPL 150p 07/15 BOT`
        else:
            self._walk(alert, action.end(), end)
            if line and any(character.isdigit() for character in before):
                alert.refused = alert.refused or "numbers stand before the action"
        self._settle(alert)
        reason = lacking(alert)
        if reason is None:
            self.setups.append(self._setup(alert, index, begin if alert.leading else action.start(), end))
            return
        self._mean(action.start(), end, "unread")
        if alert.action not in _WORDLY and (alert.leading or (alert.symbol and alert.price and alert.strike)):
            self.reasons[index] = reason

    def _continue(self, start: int, end: int) -> None:
        """Targets and a stop on a line of their own, for the alert above."""
        token = TOKEN.search(self.sheet.text, start, end)
        if token is None or token.lastgroup not in {"target", "stop"}:
            return
        alert = self._walk(Alert("", leading=True, symbol="", price=NO_PRICE, marked=True), start, end)
        setup = self.setups.pop()
        targets = (*setup.targets, *(self._level("target", price) for price in alert.targets))
        stop = setup.stop or (self._level("stop", alert.stop) if alert.stop else None)
        if setup.stop is not None and alert.stop is not None:
            self._mean(alert.stop.start, alert.stop.end, "unread")
        self.setups.append(setup._replace(targets=targets, stop=stop))

    def _walk(self, alert: Alert, start: int, end: int) -> Alert:
        self._alert, self._expected = alert, ""
        self._tokens = [*TOKEN.finditer(self.sheet.text, start, end)]
        for position, token in enumerate(self._tokens):
            self._position = position
            name = token.lastgroup or ""
            self._mean(token.start(), token.end(), _MEANINGS.get(name, "unread"))
            _HANDLERS[name](self, token)
        return alert

    def _mean(self, start: int, end: int, meaning: Meaning) -> None:
        """Says of every number in a stretch what it was taken for."""
        bounds = self.sheet.bounds  # a number begins at every odd place
        for place in range(bisect_left(bounds, start) | 1, len(bounds) - 1, 2):
            if bounds[place] >= end:
                break
            self.meanings[place // 2] = meaning

    def _following(self) -> str:
        later = self._tokens[self._position + 1 : self._position + 2]
        return (later[0].lastgroup or "") if later else ""

    # what the tokens mean

    def _number(self, token: Match[str]) -> None:
        alert, price = self._alert, price_of(token)
        expected, self._expected = self._expected, ""
        if expected == "past":
            self._mean(token.start(), token.end(), "label")
        elif price is None:
            alert.unread = True
        elif expected == "target":
            self._take_targets(price)
            self._expected = "target"
        elif expected == "stop" and alert.stop is None and price.low == price.high:
            alert.stop = price
            self._mean(price.start, price.end, "level")
        elif expected == "price" and not alert.marked:
            if alert.price is not None:
                self._mean(alert.price.start, alert.price.end, "unread")
                alert.loose.append(alert.price)
            alert.price, alert.marked = price, True
            self._mean(price.start, price.end, "level")
        elif alert.symbol is None and alert.quantity is None and token.lastgroup == "number":
            alert.quantity = token.group().lstrip("$")
            self._mean(token.start(), token.end(), "quantity")
        elif alert.symbol is not None and alert.price is None and alert.strike is not None and alert.right is not None:
            self._take_price(price)
        elif alert.symbol is not None and not alert.marked and alert.price is None:
            alert.loose.append(price)
        else:
            alert.unread = True

    def _take_targets(self, price: Price) -> None:
        """One target, or both ends of a range: the targets of alerts are single prices."""
        for digits in DIGITS.finditer(self.sheet.text, price.start, price.end):
            value = value_of(digits.group())
            self._alert.targets.append(Price(value, value, digits.start(), digits.end()))
        self._mean(price.start, price.end, "level")

    def _take_price(self, price: Price) -> None:
        self._alert.price = price
        self._mean(price.start, price.end, "level")

    def _date(self, token: Match[str]) -> None:
        alert, text = self._alert, token.group()
        if alert.date is None and not (alert.price and alert.marked and not alert.option):
            alert.date = text
        elif alert.date in FRACTIONS and alert.quantity is None and text != alert.date:
            alert.quantity, alert.date = alert.date, text
        elif alert.price is None and text != alert.date:
            alert.refused = "names two dates"

    def _dte(self, token: Match[str]) -> None:
        self._alert.days = int(DIGITS.match(token.group()).group())  # type: ignore[union-attr]

    def _weekly(self, token: Match[str]) -> None:
        self._alert.weekly = self._alert.weekly or self._alert.price is None

    def _contract(self, token: Match[str]) -> None:
        alert, price = self._alert, price_of(token)
        right: Right = "call" if "c" in token.group().lower() else "put"
        if price is None:
            alert.unread = True
        elif self._expected == "price" or (alert.strike is None and alert.marked):
            alert.unread = True  # `@ 120c`: cents or another contract
            self._mean(token.start(), token.end(), "unread")
        elif alert.strike is None:
            alert.strike, alert.right = price.low, right
        elif (alert.strike, alert.right) != (price.low, right):
            alert.refused = "names two contracts"

    def _right(self, token: Match[str]) -> None:
        if self._alert.right is None and self._alert.price is None:
            self._alert.right = "call" if token.group().lower().startswith("c") else "put"

    def _spread(self, token: Match[str]) -> None:
        self._alert.refused = "names a spread"

    def _size(self, token: Match[str]) -> None:
        alert = self._alert
        if alert.quantity is None and (alert.price is None or token.lastgroup == "count"):
            digits = DIGITS.search(token.group())
            alert.quantity = (
                token.group().replace(" ", "") if "%" in token.group() or digits is None else digits.group()
            )

    def _at(self, token: Match[str]) -> None:
        if self._expected in {"stop", "target"}:
            return
        if self._alert.marked:
            self._expected = "past" if token.group().lower() == "entry" else ""
        elif self._prices_follow(token):
            self._expected = "price"

    def _prices_follow(self, token: Match[str]) -> bool:
        return token.group().lower() != "for" or self._following() in {"number", "range", "split"}

    def _muddled(self, token: Match[str]) -> None:
        """`@c1.3`: a price that is none; after the price, somebody's name."""
        if self._alert.marked:
            self._mean(token.start(), token.end(), "mention")
        else:
            self._alert.unread = True

    def _expects(self, token: Match[str]) -> None:
        if self._alert.symbol is None and token.group().isupper():
            self._word(token)  # `BTO TGT 11/27 172.50p`, `BTO COST 900c`
        else:
            self._expected = token.lastgroup or ""

    def _word(self, token: Match[str]) -> None:
        alert, text = self._alert, token.group()
        small = text.lower()
        if self._expected in {"stop", "target"} and small in LEADING:
            return
        if self._expected == "price" and small not in LEADING:
            alert.marked = True  # `@ hk 2.50`: the price is not understood, and nothing else is it
        self._expected = ""
        if alert.symbol is not None or small in SKIPPED:
            return
        if small in SIZES and alert.quantity is None and self._following() not in _FULL - {"date"}:
            alert.quantity = small
        elif self.sheet.text[token.end() : token.end() + 1].isdigit():
            alert.refused = "names a symbol with digits"
        elif SYMBOL.fullmatch(text) and (text.isupper() or text[0] in "$/" or self._follows_symbol(small)):
            alert.symbol = text.lstrip("$").upper()
        else:
            alert.refused = alert.refused or "names no symbol"

    def _follows_symbol(self, small: str) -> bool:
        return small not in EVERYDAY and self._following() in _FULL

    def _nothing(self, token: Match[str]) -> None:
        pass

    # what they make together

    def _settle(self, alert: Alert) -> None:
        """What a bare number is, told by what else there is."""
        if alert.date in FRACTIONS and not alert.quantity:
            self._fraction(alert)
        if len(alert.loose) == 1:
            loose = alert.loose[0]
            if alert.price is None and not alert.option:
                self._take_price(alert.loose.pop())
            elif alert.price is not None and alert.strike is None and loose.low == loose.high:
                self._strike_or_quantity(alert, alert.loose.pop())
        alert.unread = alert.unread or bool(alert.loose)

    def _fraction(self, alert: Alert) -> None:
        """`1/2` beside a contract without another date: a size for an exit, for an entry it could be either."""
        if ACTIONS[alert.action][0] == "exit" or not alert.option or alert.strike is None:
            alert.quantity = alert.date
        else:
            alert.unread = True
        alert.date = None

    def _strike_or_quantity(self, alert: Alert, loose: Price) -> None:
        if alert.price is not None and loose.low > alert.price.high:
            alert.strike = loose.low
            self._mean(loose.start, loose.end, "contract")
        elif alert.quantity is None and loose.low == int(loose.low):
            alert.quantity = format(loose.low, "f")
            self._mean(loose.start, loose.end, "quantity")
        else:
            alert.unread = True

    def _setup(self, alert: Alert, index: int, start: int, end: int) -> Setup:
        kind, direction = ACTIONS[alert.action]
        expiry, flags = self._expiry(alert, kind)
        flags += [
            flag
            for flag, missing in (
                ("strike_missing", alert.option and alert.strike is None),
                ("right_missing", alert.option and alert.right is None),
                ("price_missing", alert.price is None),
                ("number_unread", alert.unread),
            )
            if missing
        ]
        triggers = (self._level("trigger", alert.price),) if alert.price else ()
        targets = tuple(self._level("target", price) for price in alert.targets)
        stop = self._level("stop", alert.stop) if alert.stop else None
        if not alert.option and kind == "entry" and alert.price:
            flags += wrong_ways(direction, alert)
        text = self.sheet.text[start:end].rstrip()
        return Setup(
            kind, None, direction, triggers, targets, stop, index + 1, self.sheet.span(start, start + len(text)),
            tuple(flags), confidence(tuple(flags)),
            Instrument(alert.symbol or "", expiry, alert.strike, alert.right),
            alert.quantity and alert.quantity.lower(),
        )  # fmt: skip

    def _expiry(self, alert: Alert, kind: Kind) -> tuple[date | None, list[str]]:
        if alert.date is not None:
            return expiry_of(alert.date, self._today, closing=kind == "exit")
        if alert.days is not None:
            return expiry_in(alert.days, self._today)
        if alert.weekly:
            return weekly_expiry(self._today)
        return None, ["expiry_missing"] if alert.option else []

    def _level(self, role: Role, price: Price) -> Level:
        return Level(role, price.low, price.high, None, self.sheet.span(price.start, price.end))


_MEANINGS: Final[dict[str, Meaning]] = {
    "mention": "mention", "date": "date", "dte": "timeframe", "clock": "timeframe", "percent": "quantity",
    "count": "quantity", "contract": "contract", "target": "label",
}  # fmt: skip
_HANDLERS: Final[dict[str, Callable[[AlertReader, Match[str]], None]]] = {
    "mention": AlertReader._nothing,
    "muddled": AlertReader._muddled,
    "spread": AlertReader._spread,
    "date": AlertReader._date,
    "dte": AlertReader._dte,
    "weekly": AlertReader._weekly,
    "clock": AlertReader._nothing,
    "percent": AlertReader._size,
    "contract": AlertReader._contract,
    "count": AlertReader._size,
    "range": AlertReader._number,
    "split": AlertReader._number,
    "number": AlertReader._number,
    "target": AlertReader._expects,
    "stop": AlertReader._expects,
    "past": AlertReader._expects,
    "at": AlertReader._at,
    "right": AlertReader._right,
    "word": AlertReader._word,
}
