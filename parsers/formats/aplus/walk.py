"""Which number of a line is what: one walk over its tokens that gives each number a role by the words around it."""

from collections.abc import Callable
from typing import Final, Literal, cast

from parsers.formats.aplus.ahead import (
    BARE_PRICE,
    ENTRY_NEXT,
    EXIT_AT,
    LEFT_AT,
    NAMED_PRICE,
    NUMBER_AHEAD,
    RISKED_TO,
    ROUGH,
    SET_OFF,
    SOLD_AT,
)
from parsers.formats.aplus.parts import DIRECTIONS, RELATED, Draft, Part, finished
from parsers.formats.aplus.tokens import MEANINGS, Token, joined
from parsers.numbers import ONE_DIGIT, count
from parsers.reading import Direction, Kind, Meaning, Relation, Strategy

Expected = Literal["trigger", "target", "stop", "nothing"]

_LISTS: Final = frozenset({"levels", "lvls", "prices"})
_PARTINGS: Final = frozenset({"space", "comma", "slash", "apart", "other"})
_WEAK_STOPS: Final = frozenset("❌✖✋sS")
"""Signs and letters that stand for a stop only behind a price, or with a colon."""

_OPTIONS: Final = frozenset({"call", "calls", "put", "puts"})
_ORDERS: Final = frozenset({"buy", "sell"})
_SIDES: Final = {"bullish": "long", "bearish": "short"}
_UP_AND_DOWN: Final = frozenset("🔻🔼🔽🔺⬇⬆↓↑↗↘⤴⤵📈📉👆👇▲▼△▽")
_UNFINISHED: Final = (",", "/", "|", "&", "-", "–", "—", "→", ">")
_DASHES: Final = frozenset("-‐‑‒–—―−~")
_GAPS: Final = {",": "comma", "&": "comma", "+": "comma", "/": "slash", ":": "apart", "|": "apart"}


class PartReader:
    """Reads the tokens of one line into parts; `meanings` says for each number what it was taken for."""

    def __init__(self, shape: str, start: int) -> None:
        self.meanings: list[Meaning] = ["unread"] * count(shape[:start])
        self.drafts = [Draft(start)]
        self._shape = shape
        self._expected: Expected = "trigger"
        self._uncertain = False  # an unknown word stands between the last number and here
        self._placed = False  # a word for a place on the chart stands between the last number and here
        self._aside = False  # something sets what stands here off from the number before it
        self._bracketed = False
        self._optioned = False  # the last side was said as calls or puts
        self._bought = False  # the last side was said as `buy`, so that `sell` tells its target
        self._searched = start  # how far that was looked for
        self._gap_start = start
        self._joint = ""
        self._last: Token | None = None

    def read(self, token: Token) -> None:
        word = joined(self._last, token)
        if token.name in MEANINGS:
            self._other_number(token)
        elif token.name == "number":
            self._number(token)
        elif token.name in _SIGN_HANDLERS:
            _SIGN_HANDLERS[token.name](self, token)
        else:
            _WORD_HANDLERS.get(word.cls, PartReader._filler)(self, token, word.value)
        self._last = token._replace(word=word)
        self.drafts[-1].end = token.end

    def finish(self) -> list[Part]:
        self._stop_after_its_number()
        self._give_back_strategy()
        more = not self.drafts[-1].targets or self._shape.rstrip().endswith(_UNFINISHED)
        waiting = self._expected == "target" and more and not self._uncertain
        return [finished(draft, waiting) for draft in self.drafts]

    # numbers

    def _number(self, token: Token) -> None:
        draft, index = self.drafts[-1], len(self.meanings)
        if self._expected == "nothing" and not draft.targets and self._gap(token) in _PARTINGS:
            self._expected = "target"  # `584.20 (SL 585): 582.00`
        expected = self._expected
        doubtful = self._uncertain and expected != "stop" and (draft.run or draft.targets)
        if self._glued(token) or doubtful or expected == "nothing":
            self.meanings.append("unread")
            draft.unknown_after += 1
            draft.asides += bool(doubtful) and self._bracketed
        elif expected == "stop":
            self.meanings.append("level")
            draft.stop = index
            self._expected = "nothing" if draft.run else "trigger"
        elif expected == "target":
            self.meanings.append("level")
            draft.between.append(self._gap(token))
            draft.targets.append(index)
            draft.explicit = True
            if self._placed:
                draft.doubtful.append(index)
        else:
            self.meanings.append("level")
            if draft.run:
                draft.gaps.append(self._gap(token))
            draft.run.append(index)
        self._uncertain, self._placed = self._uncertain and bool(doubtful), False
        self._gap_start = self._searched = token.end
        self._aside = False
        self._joint = "" if self.meanings[-1] == "level" else "other"

    def _other_number(self, token: Token) -> None:
        rough = ROUGH.fullmatch(token.text) is not None
        self.meanings.extend(["unread" if rough else MEANINGS[token.name]] * count(token.text))
        draft = self.drafts[-1]
        if token.name == "garbled" or rough:
            draft.garbled = draft.garbled or not draft.run
            draft.unknown_after += 1
        elif token.name == "label" and (draft.run or draft.targets or not (draft.named and token.text[0] == "#")):
            self._target(token, "")

    def _glued(self, token: Token) -> bool:
        """Whether letters touch the number that are no word of a plan: `Q3`, `590c`."""
        last = self._last
        before = last is not None and last.end == token.start and last.word.cls == "unknown" and last.name == "word"
        after = self._shape[token.end : token.end + 1]
        return before or after.isalpha() or after == "%"

    def _gap(self, token: Token) -> str:
        """What stands between a number and the one before it, as one word."""
        if self._joint:
            return self._joint
        between = self._shape[self._gap_start : token.start]
        signs = between.replace("$", " ").strip()
        if not signs:
            return "space"
        if _DASHES.issuperset(signs):
            return "dash" if between[0].isspace() and between[-1].isspace() else "tight"
        return _GAPS.get(signs, "other")

    # words

    def _kind(self, token: Token, value: str) -> None:
        self._begin(token, lambda draft: draft.kind is None and not draft.targets)
        draft = self.drafts[-1]
        draft.mixed = draft.mixed or draft.kind not in {None, value}
        draft.kind = cast("Kind", value)

    def _strategy(self, token: Token, value: str) -> None:
        self._begin(token, lambda draft: draft.strategy is None and not draft.targets)
        self.drafts[-1].strategy = cast("Strategy", value)

    def _side(self, token: Token, value: str) -> None:
        side = cast("Direction", value)
        small = token.text.lower()
        sold = self._bought or (self._expected == "target" and self.drafts[-1].run)
        if small.startswith("sell") and sold and SOLD_AT.match(self._shape, token.end):
            self._target(token, value)
            return
        self._bought, self._optioned = small.startswith("buy"), small in _OPTIONS
        if self._optioned and self.drafts[-1].targets and token.start == self._gap_start + 1:
            self._return_strike()
        self._begin(
            token,
            lambda draft: (
                draft.side is None and (draft.kind is None or DIRECTIONS[draft.kind] == side) and not draft.targets
            ),
        )
        draft = self.drafts[-1]
        draft.mixed = draft.mixed or draft.side not in {None, side}
        draft.side = side

    def _return_strike(self) -> None:
        """`→ 374, 376 calls`: a strike or a target."""
        draft = self.drafts[-1]
        self.meanings[draft.targets.pop()] = "unread"
        draft.between.pop()
        draft.unknown_after += 1

    def _lean(self, token: Token, value: str) -> None:
        if value in _SIDES and ENTRY_NEXT.match(self._shape, token.end):
            self._side(token, _SIDES[value])  # `Bull trigger 584 → 586`

    def _begin(self, token: Token, belongs: Callable[[Draft], bool]) -> None:
        """A kind, strategy or side after the numbers begins the next setup on the line, unless it completes this
        one."""
        draft = self.drafts[-1]
        if (draft.run or draft.targets) and not self._uncertain and not belongs(draft):
            self.drafts.append(Draft(token.start))
            self._expected = "trigger"

    def _break(self, token: Token, value: str) -> None:
        draft = self.drafts[-1]
        if draft.run:
            self._unknown(token, value)
        else:
            draft.broke = True

    def _relation(self, token: Token, value: str) -> None:
        draft, last = self.drafts[-1], self._last
        if self._expected == "stop" or (self._expected == "target" and value == "near" and not draft.targets):
            return
        if draft.targets and self._turns_back(draft, token, value):
            self.drafts.append(Draft(token.start, relation=cast("Relation", value)))
            self._expected = "trigger"
        elif draft.run and token.name in {"less", "more"}:
            if not (self._uncertain and last is not None and last.text.isupper()):  # `if SPY > 600`
                self._towards(token, value)
        elif draft.relation is None and not (draft.targets or (draft.run and self._uncertain)):
            draft.relation = cast("Relation", value)
            self._number_setup(draft)
            if draft.run and value != "near" and BARE_PRICE.match(self._shape, token.end):
                self._before_relation(draft, token)
        elif draft.run and token.name == "word":
            self._unknown(token, value)

    def _number_setup(self, draft: Draft) -> None:
        """A digit between a kind and a relation counts setups: `Breakout 2 above 588.70`."""
        if len(draft.run) == 1 and draft.named and self._last is not None and self._last.text == ONE_DIGIT:
            draft.run.clear()
            self.meanings[-1] = "label"

    def _turns_back(self, draft: Draft, token: Token, value: str) -> bool:
        """Whether a relation points against the setup so far: `> 584 long → 586 / < 580 short → 578`. `>` is an arrow
        to many, so that it takes a word behind its price."""
        way = DIRECTIONS[draft.kind] if draft.kind is not None else draft.side or RELATED.get(draft.relation)
        ahead = NAMED_PRICE if token.name == "more" else BARE_PRICE
        against = way is not None and way != RELATED.get(cast("Relation", value), way)
        return against and ahead.match(self._shape, token.end) is not None

    def _before_relation(self, draft: Draft, token: Token) -> None:
        """A price before the one that a relation names: `370 puts below 368` is a strike, else it is doubtful."""
        if self._optioned and len(draft.run) == 1 and "," not in self._shape[self._gap_start : token.start]:
            self.meanings[draft.run.pop()] = "contract"
        else:
            draft.unknown_after += 1

    def _zone(self, token: Token, value: str) -> None:
        draft = self.drafts[-1]
        draft.zone = draft.zone or not (draft.targets or token.text.lower().endswith("s"))
        draft.bounded = draft.bounded or value == "between"

    def _target(self, token: Token, value: str) -> None:
        if token.text.lower() == "t" and not self.drafts[-1].run and BARE_PRICE.match(self._shape, token.end):
            self._unknown(token, value)  # `Rejection T 27.50`: more likely a ticker
            return
        self._expected = "target"
        self._uncertain = False
        self._joint = "other"

    def _towards(self, token: Token, value: str) -> None:
        draft = self.drafts[-1]
        # An arrow before every number points at targets only if it points at a number: "🔻 584.20" under a setup.
        leads = token.name == "arrow" and not draft.named and NUMBER_AHEAD.match(self._shape, token.end)
        if draft.run or leads:
            self._target(token, value)
        elif len(self.drafts) > 1 and (self._relates() or token.text not in _UP_AND_DOWN):
            draft.garbled = True  # `or breakout above → 588`: the price stands before the setup

    def _relates(self) -> bool:
        return self._last is not None and self._last.word.cls == "relation"

    def _stop(self, token: Token, value: str) -> None:
        if self._bought_or_sold():
            return  # `buy stop 584`: an order
        weak = token.text in _WEAK_STOPS and BARE_PRICE.match(self._shape, token.end)
        if weak and not self.drafts[-1].run:
            if token.text.isalpha():
                self._unknown(token, value)
            return
        self._expected = "stop"
        self._uncertain = False

    def _bought_or_sold(self) -> bool:
        return not self.drafts[-1].run and self._last is not None and self._last.text.lower() in _ORDERS

    def _leave(self, token: Token, value: str) -> None:
        """`out below 584`, `risk 584`: a stop, where a price follows that one is left at."""
        if token.text.lower() == "exit" and self.drafts[-1].run and EXIT_AT.match(self._shape, token.end):
            self._target(token, value)
            return
        risk = token.text.lower().startswith("risk") and RISKED_TO.match(self._shape, token.end)
        if self.drafts[-1].run and (risk or LEFT_AT.match(self._shape, token.end)):
            self._stop(token, value)
        else:
            self._unknown(token, value)

    def _entry(self, token: Token, value: str) -> None:
        draft = self.drafts[-1]
        if not draft.run:
            self._expected = "trigger"
            draft.listed = draft.listed or token.text.lower() in _LISTS

    def _and(self, token: Token, value: str) -> None:
        self._joint = self._joint or "and"

    def _to(self, token: Token, value: str) -> None:
        self._joint = self._joint or "to"

    def _against(self, token: Token, value: str) -> None:
        if self.drafts[-1].run:
            self._unknown(token, value)
        else:
            self.drafts[-1].against = True

    def _void(self, token: Token, value: str) -> None:
        if self.drafts[-1].run and LEFT_AT.match(self._shape, token.end):
            self._stop(token, value)  # `invalid below 584`
        else:
            self.drafts[-1].void = True

    def _turn(self, token: Token, value: str) -> None:
        draft = self.drafts[-1]
        if draft.run:
            self._unknown(token, value)
        else:
            draft.turn = cast("Kind", value)

    def _unknown(self, token: Token, value: str) -> None:
        draft = self.drafts[-1]
        self._uncertain = True
        if not (draft.run or draft.targets):
            draft.unknown_before += 1
            return
        draft.unknown_after += 1
        self._aside = self._aside or SET_OFF.search(self._shape, self._searched, token.start) is not None
        self._searched = token.start
        draft.asides += self._aside

    def _place(self, token: Token, value: str) -> None:
        self._placed = True

    def _filler(self, token: Token, value: str) -> None:
        pass

    # signs

    def _open(self, token: Token) -> None:
        self._uncertain, self._bracketed = False, True
        if self.drafts[-1].run and self._expected == "trigger":
            self._expected = "target"

    def _close(self, token: Token) -> None:
        self._uncertain = self._bracketed = False

    def _struck(self, token: Token) -> None:
        self.drafts[-1].void = True

    # the end

    def _stop_after_its_number(self) -> None:
        """`targets 590, 592, 585 stop`: the word follows its number."""
        draft, last = self.drafts[-1], self._last
        if self._expected != "stop" or last is None or last.word.cls != "stop" or draft.stop is not None:
            return
        if self._shape[self._gap_start : last.start].strip() == "" and draft.targets:
            draft.stop = draft.targets.pop()

    def _give_back_strategy(self) -> None:
        """`Breakdown below 584.20 (582.00) aggressive`: no number follows, so the word belongs to the setup before
        it."""
        if len(self.drafts) == 1 or self.drafts[-1].run or self.drafts[-1].targets:
            return
        stray = self.drafts.pop()
        owner = self.drafts[-1]
        owner.end = stray.end
        if stray.kind is None and stray.side is None and owner.strategy is None:
            owner.strategy = stray.strategy
        else:
            owner.unknown_after += 1
            owner.asides += SET_OFF.search(self._shape, self._gap_start, stray.start) is not None


_WORD_HANDLERS: Final[dict[str, Callable[[PartReader, Token, str], None]]] = {
    "kind": PartReader._kind,
    "strategy": PartReader._strategy,
    "side": PartReader._side,
    "lean": PartReader._lean,
    "break": PartReader._break,
    "relation": PartReader._relation,
    "zone": PartReader._zone,
    "target": PartReader._target,
    "towards": PartReader._towards,
    "stop": PartReader._stop,
    "entry": PartReader._entry,
    "place": PartReader._place,
    "and": PartReader._and,
    "to": PartReader._to,
    "against": PartReader._against,
    "void": PartReader._void,
    "turn": PartReader._turn,
    "leave": PartReader._leave,
    "unknown": PartReader._unknown,
    "note": PartReader._unknown,
}
_SIGN_HANDLERS: Final[dict[str, Callable[[PartReader, Token], None]]] = {
    "open": PartReader._open,
    "close": PartReader._close,
    "struck": PartReader._struck,
}
