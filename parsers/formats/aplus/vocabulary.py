"""What single words mean in a day plan. A word that stands nowhere here is unknown: never an error, always a doubt."""

import difflib
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Class = Literal[
    "kind", "break", "strategy", "side", "relation", "zone", "target", "stop", "towards", "against", "void", "lean", "note",
    "entry", "place", "filler", "and", "to", "unknown",
]  # fmt: skip


class Word(NamedTuple):
    """A word's class and, for kinds, strategies, sides, relations and leans, which one."""

    cls: Class
    value: str


UNKNOWN: Final = Word("unknown", "")

_TABLE: Final[dict[tuple[Class, str], str]] = {
    ("kind", "rejection"): "rejection rejections reject rejects rejecting rejected rej rejs fade fades",
    ("kind", "breakdown"): "breakdown breakdowns bd b/d brkdown brkdwn breakdwn",
    ("kind", "breakout"): "breakout breakouts bo b/o brkout brkt",
    ("kind", "bounce"): "bounce bounces bouncing bnc",
    ("break", ""): "break breaks breaking brk",
    ("strategy", "aggressive"): "aggressive aggressively agg aggr aggro aggres",
    ("strategy", "conservative"): "conservative conservatively con cons consv conserv consrv",
    ("side", "long"): "long longs buy buys call calls",
    ("side", "short"): "short shorts sell sells put puts",
    ("relation", "above"): "above abve aboev over abv past reclaim reclaims reclaiming upon clears clear clearing",
    ("relation", "below"): "below belwo under blw beneath underneath lose loses losing",
    ("relation", "near"): "near neer at from around off by nearby nr @ ~ approx",
    ("zone", ""): "zone zones area areas range ranges between region pocket",
    (
        "target",
        "",
    ): "target targets tgt tgts trgt trgts tg tgs tp tps t/p t.p pt pts p/t objective objectives tps/pts profit profits",
    ("stop", ""): "stop stops sl s/l s.l stoploss stop-loss invalidation inval invalid-above invalid-below",
    ("towards", ""): "into toward towards targeting eyeing aiming then next test tests testing looking",
    ("to", ""): "to thru",
    ("and", ""): "and or plus",
    (
        "against",
        "",
    ): "no not never dont don't avoid skip skipping failed failing fails fail wont won't cant can't cannot unless without "
    "isnt isn't wait",
    ("void", ""): "cancel cancelled canceled cancelling void voided invalid invalidated scratch scratched removed",
    ("lean", "bullish"): "bullish bull bulls",
    ("lean", "bearish"): "bearish bear bears",
    ("lean", "neutral"): "neutral choppy chop mixed sideways",
    (
        "note",
        "",
    ): "bias note notes outlook caution warning summary thesis sentiment reminder context overview nb remark comment "
    "lean leaning",
    ("entry", ""): "entry entries entrie entrys entr enter trigger triggers level levels lvl lvls price prices",
    (
        "place",
        "",
    ): "support supports resistance resistances supply demand premarket pre-market high highs low lows pmh pml pdh "
    "pdl hod lod vwap pivot gap top bottom",
    (
        "filler",
        "",
    ): "if when on in the a an of for with w per only confirmed confirmation confirm intraday day daily swing market setup "
    "setups trade trades play plays scalp scalps scalping first second third early late morning key major main ideal idea ideas "
    "potential possible upside downside edited edit updated update corrected correction revised adjusted new side move continuation "
    "clean close closes closing candle candles hold holds holding retest retests back ticker symbol stock watchlist plan take loss "
    "limit spot upper lower extended primary secondary final last runner runners after before during till",
}

WORDS: Final[dict[str, Word]] = {
    spelling: Word(cls, value) for (cls, value), spellings in _TABLE.items() for spelling in spellings.split()
}

NEVER_TICKERS: Final = frozenset(
    "A I AM PM AN THE NEW DAY KEY MY WE IT IS TO AND OR PMH PML PDH PDL HOD LOD VWAP EOD GL GM CPI PPI FOMC NFP FED EMA SMA OK US "
    "USA EST EDT CST CDT ET CT PT TP SL BO BD TBD TBA NOTE RR".split()
)
"""Capitals that stand in plans as plain words. Marked as a ticker (`$A`, `1) A`, alone on a line) they are one all the same."""

WELL_KNOWN: Final = frozenset(
    "SPY QQQ IWM DIA SPX NDX VIX TSLA NVDA AAPL AMZN META MSFT GOOG GOOGL AMD NFLX PLTR COIN SMCI AVGO MSTR HOOD MU INTC".split()
)
"""Tickers that are read in small letters too, alone on a line."""

_FUZZY: Final = [
    spelling for spelling, word in WORDS.items() if word.cls in {"kind", "strategy", "target"} and len(spelling) >= 6
]
_LIKENESS = 0.82


@lru_cache(maxsize=4096)
def look_up(spelling: str) -> Word:
    """The word, in small letters; misspelt kinds, strategies and "target" are recognised."""
    word = WORDS.get(spelling)
    if word is not None:
        return word
    if not 5 <= len(spelling) <= 16:
        return UNKNOWN
    close = difflib.get_close_matches(spelling, _FUZZY, 1, _LIKENESS)
    return WORDS[close[0]] if close and close[0][0] == spelling[0] else UNKNOWN
