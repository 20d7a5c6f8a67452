"""Price ladders for property tests: near prices and far ones, zones, crossings, repeats and what strangers write."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from worker.gateway.ladder import Ladder, LadderLevel, LadderSetup

_RELATIONS = st.sampled_from((None, "above", "below", "near"))
_TEXTS = st.text(max_size=200)


@st.composite
def ladders(draw: st.DrawFn, texts: st.SearchStrategy[str] = _TEXTS) -> Ladder:
    """Up to 68 levels around one to three prices, from a hundredth of a cent to millions of dollars."""
    bases = draw(st.lists(st.decimals(1, 10_000_000, places=0), min_size=1, max_size=3))
    places = draw(st.integers(0, 6))
    offsets = st.integers(0, draw(st.sampled_from((3, 50, 5000))))
    prices = st.builds(lambda base, offset: (base + offset).scaleb(-places), st.sampled_from(bases), offsets)
    setups = draw(st.lists(_setups(prices), max_size=8))
    return Ladder(
        ticker=draw(texts),
        trading_day=draw(st.dates(date(2000, 1, 1), date(2099, 12, 31))),
        bias_text=draw(st.none() | texts),
        bias_direction=draw(st.sampled_from((None, "bullish", "bearish"))),
        bias_levels=tuple(draw(st.lists(_levels(prices, st.sampled_from(("bias", "flip"))), max_size=4))),
        setups=tuple(setups),
        source=draw(st.none() | texts),
    )


def _levels(prices: st.SearchStrategy[Decimal], roles: st.SearchStrategy[str]) -> st.SearchStrategy[LadderLevel]:
    ends = prices.map(lambda price: (price, price)) | st.tuples(prices, prices)
    return st.builds(
        lambda role, ends, relation: LadderLevel(role, min(ends), max(ends), relation), roles, ends, _RELATIONS
    )


def _setups(prices: st.SearchStrategy[Decimal]) -> st.SearchStrategy[LadderSetup]:
    def levels(role: str, most: int) -> st.SearchStrategy[tuple[LadderLevel, ...]]:
        return st.lists(_levels(prices, st.just(role)), max_size=most).map(tuple)

    return st.builds(
        LadderSetup,
        kind=st.sampled_from(("rejection", "breakdown", "breakout", "bounce", "entry", "exit")),
        strategy=st.sampled_from((None, "aggressive", "conservative")),
        direction=st.sampled_from(("long", "short")),
        triggers=levels("trigger", 2),
        targets=levels("target", 5),
        stop=st.none() | _levels(prices, st.just("stop")),
    )
