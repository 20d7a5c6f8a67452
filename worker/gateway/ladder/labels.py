"""The labels of one side of a ladder: for each price what it is there, and where the label stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from worker.gateway.ladder import colours
from worker.gateway.ladder.lettering import Lettering, Style, drawable
from worker.gateway.ladder.model import Direction, LadderLevel, LadderSetup
from worker.gateway.ladder.scale import Scale, Span
from worker.gateway.ladder.spread import spread
from worker.gateway.ladder.words import price_text

WIDEST = 206
"""Pixels; a longer price is set smaller, and a zone in two lines where it would become too small."""

_GAP = 4
_GAP_UNDER_NAMES = 12
"""A name is nearer to its own price than to the next."""
_ROLES = ("trigger", "stop", "bias", "flip", "target")
"""By weight: the first one a price has decides how it looks, and the last ones give way where room is short."""
_TRIGGER_SIZE, _SIZE = 33, 29
_SMALLEST_ZONE = 27
_MOST_NAMES = 8
_NAME = Style("Medium", 24, colours.SECONDARY)
_COLOURS = {"stop": colours.STOP, "bias": colours.BIAS, "flip": colours.BIAS, "target": colours.SECONDARY}
_BIAS_NAMES = {"bias": "Bias", "flip": "Flips"}
_SHORT_STRATEGIES = {"aggressive": "aggr.", "conservative": "cons."}


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    style: Style


@dataclass(frozen=True, slots=True)
class Label:
    """A price with what it is: `prices` is one line, or two for a long zone; `names` are smaller lines under it."""

    span: Span
    role: str
    prices: tuple[Line, ...]
    names: tuple[Line, ...]
    is_bias: bool

    @property
    def middle(self) -> Decimal:
        return (self.span.low + self.span.high) / 2

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.prices + self.names

    @property
    def height(self) -> float:
        """Pixels, with the room to the next one."""
        return sum(line.style.line_height for line in self.lines) + (_GAP_UNDER_NAMES if self.names else _GAP)

    @property
    def anchor(self) -> float:
        """Pixels from the top to the middle of the price, where the leader begins."""
        return sum(line.style.line_height for line in self.prices) / 2


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    label: Label
    top: float

    @property
    def bottom(self) -> float:
        return self.top + self.label.height

    @property
    def y(self) -> float:
        return self.top + self.label.anchor


@dataclass(slots=True)
class _Mentions:
    """What a plan says of one price on one side."""

    price: str
    roles: set[str]
    names: dict[str, str]
    """Colour by name: a dictionary keeps their order and each only once."""


def labels_of(
    direction: Direction, setups: Sequence[LadderSetup], bias_levels: Sequence[LadderLevel], lettering: Lettering
) -> list[Label]:
    """One label for each price, the highest first."""
    mentions: dict[Span, _Mentions] = {}
    for setup in setups:
        for level in setup.triggers:
            _mention(mentions, level, "trigger", _short_name(setup), colours.TEXT)
        for level in setup.targets:
            _mention(mentions, level, "target")
        if setup.stop:
            _mention(mentions, setup.stop, "stop", "Stop", colours.STOP)
    for level in bias_levels:
        name = " ".join(filter(None, (_BIAS_NAMES.get(level.role, level.role), level.relation)))
        _mention(mentions, level, level.role, name, colours.BIAS)
    labels = (_label(span, said, direction, lettering) for span, said in mentions.items())
    return sorted(labels, key=lambda label: (label.middle, label.span.high), reverse=True)


def _short_name(setup: LadderSetup) -> str:
    strategy = _SHORT_STRATEGIES.get(setup.strategy or "", setup.strategy)
    return drawable(" ".join(filter(None, (strategy, setup.kind)))).capitalize()


def _mention(mentions: dict[Span, _Mentions], level: LadderLevel, role: str, name: str = "", colour: str = "") -> None:
    price = price_text(level.low, level.high)
    said = mentions.setdefault(Span(level.low, level.high), _Mentions(price, set(), {}))
    # The same price may be posted as 598.9 and as 598.90.
    said.price = max(said.price, price, key=len)
    said.roles.add(role)
    if name:
        said.names[name] = colour


def _label(span: Span, said: _Mentions, direction: Direction, lettering: Lettering) -> Label:
    role = min(said.roles, key=_weight)
    colour = colours.DIRECTION[direction] if role == "trigger" else _COLOURS.get(role, colours.BIAS)
    style = Style("Medium" if role == "target" else "Bold", _TRIGGER_SIZE if role == "trigger" else _SIZE, colour)
    prices = [said.price]
    low, dash, high = said.price.partition("–")
    if high and lettering.fitted(said.price, style, WIDEST).size < _SMALLEST_ZONE:
        prices = [f"{low}{dash}", high]
    style = lettering.fitted(max(prices, key=len), style, WIDEST)
    names = list(said.names.items())
    if len(names) > _MOST_NAMES:
        names[_MOST_NAMES - 1 :] = [(f"and {len(names) - _MOST_NAMES + 1} more", colours.SECONDARY)]
    return Label(
        span,
        role,
        tuple(Line(price, style) for price in prices),
        tuple(Line(lettering.cut(name, _NAME, WIDEST), replace(_NAME, colour=tint)) for name, tint in names),
        is_bias=not said.roles.isdisjoint(_BIAS_NAMES),
    )


def _weight(role: str) -> int:
    return _ROLES.index(role) if role in _ROLES else len(_ROLES)


def width_of(labels: Iterable[Label], lettering: Lettering) -> float:
    return max((lettering.width(line.text, line.style) for label in labels for line in label.lines), default=0)


def fitting(labels: Sequence[Label], height: float) -> list[Label]:
    """The labels for which there is room, those of targets left out first; their order stays."""
    kept = set()
    for place in sorted(range(len(labels)), key=lambda place: (_weight(labels[place].role), place)):
        height -= labels[place].height
        if height < 0:
            break
        kept.add(place)
    return [label for place, label in enumerate(labels) if place in kept]


def placed(labels: Sequence[Label], scale: Scale, top: float, bottom: float) -> list[PlacedLabel]:
    """Each as near to its price as the others let it, in their order and without overlap."""
    heights = [label.height for label in labels]
    wanted = [scale.y(label.middle) - label.anchor for label in labels]
    return [PlacedLabel(label, y) for label, y in zip(labels, spread(wanted, heights, top, bottom), strict=True)]
