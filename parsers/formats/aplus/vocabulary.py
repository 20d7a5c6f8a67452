"""What single words mean in a day plan. A word that stands nowhere here is unknown: never an error, always a
doubt."""

import difflib
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Class = Literal[
    "kind", "break", "strategy", "side", "relation", "zone", "target", "stop", "towards", "against", "void", "lean",
    "note", "entry", "place", "filler", "and", "to", "turn", "leave", "unknown",
]  # fmt: skip


class Word(NamedTuple):
    """A word's class and, for kinds, strategies, sides, relations and leans, which one."""

    cls: Class
    value: str = ""


UNKNOWN: Final = Word("unknown")

_TABLE: Final[dict[Word, str]] = {
    Word("kind", "rejection"): "rejection rejections reject rejects rejecting rejected rej rejs fade fades",
    Word("kind", "breakdown"): "breakdown breakdowns bd b/d brkdown brkdwn breakdwn",
    Word("kind", "breakout"): "breakout breakouts bo b/o brkout brkt",
    Word("kind", "bounce"): "bounce bounces bouncing bnc",
    Word("break"): "break breaks breaking brk",
    Word("strategy", "aggressive"): "aggressive aggressively agg aggr aggro aggres",
    Word("strategy", "conservative"): "conservative conservatively con cons consv conserv consrv",
    Word("side", "long"): "long longs buy buys call calls",
    Word("side", "short"): "short shorts sell sells put puts",
    Word("relation", "above"): "above abve aboev over abv past reclaim reclaims reclaiming upon clears clear clearing",
    Word("relation", "below"): "below belwo under blw beneath underneath lose loses losing",
    Word("relation", "near"): "near neer at from around off by nearby nr approx",
    Word("zone"): "zone zones area areas range ranges region pocket",
    Word("zone", "between"): "between btwn b/w b/t",
    Word("turn", "bounce"): "dip dips pullback pullbacks",
    Word("turn", "rejection"): "pop pops rip rips rally rallies",
    Word("leave"): "risk risking cut exit out bail",
    Word("target"): """
        target targets tgt tgts trgt trgts tg tgs tp tps t/p t.p pt pts p/t objective objectives profit profits
        cover covers covering
    """,
    Word("stop"): "stop stops sl s/l s.l stoploss stop-loss invalidation inval",
    Word("towards"): """
        into toward towards targeting eyeing aiming then next test tests testing look looks looking opens expect
        expecting eyes trim trims up down
    """,
    Word("to"): "to thru",
    Word("and"): "and or plus",
    Word("against"): """
        no not never dont avoid skip skipping failed failing fails fail wont cant cannot unless without isnt
        wait
    """,
    Word("void"): "cancel cancelled canceled cancelling void voided invalid invalidated scratch scratched removed",
    Word("lean", "bullish"): "bullish bull bulls",
    Word("lean", "bearish"): "bearish bear bears",
    Word("lean", "neutral"): "neutral choppy chop mixed sideways",
    Word("note"): """
        bias note notes outlook caution warning summary thesis sentiment reminder context overview nb remark
        comment lean leaning
    """,
    Word(
        "entry"
    ): "entry entries entrie entrys entr enter trigger triggers stop-limit level levels lvl lvls price prices",
    Word("place"): """
        support supports resistance resistances supply demand premarket pre-market high highs low lows pmh pml
        pdh pdl hod lod vwap pivot gap top bottom orb orh orl onh onl fib fibs poc vpoc vah val fvg
    """,
    Word("filler"): """
        if when on in the a an of for with w per only after before during till confirmed confirmation confirm
        intraday day daily swing market setup setups trade trades play plays scalp scalps scalping first second
        third early late morning key major main ideal idea ideas potential possible upside downside edited edit
        updated update corrected correction revised adjusted new side move continuation clean close closes
        closing candle candles hold holds holding retest retests back ticker symbol stock watchlist plan take
        loss limit spot upper lower extended primary secondary final last runner runners once size half usd
        today game weekly weeklies options option currently volume vol momentum strong heavy
        grade through flush flushes squeeze squeezes push pushes
    """,
}


def _words(text: str) -> list[str]:
    return text.split()


WORDS: Final[dict[str, Word]] = {spelling: word for word, text in _TABLE.items() for spelling in _words(text)}

NEVER_TICKERS: Final = frozenset(
    _words("""
        A B I AM PM AN THE NEW DAY KEY MY WE IT IS TO AND OR ATH ATL BE PMH PML PDH PDL HOD LOD VWAP EOD GL GM CPI
        PPI FOMC NFP FED EMA SMA OK US USA EST EDT CST CDT ET CT PT TP SL BO BD TBD TBA NOTE RR
        GAP LOW PLAY SPOT
    """)
)
"""Capitals that stand in plans as plain words. Marked as a ticker (`$A`, `1) A`, alone on a line) they are one
still."""

_WORD_TICKERS: Final = frozenset(_words("A C ON OR KEY PLAY GAP LOW SPOT"))
_SHOUTS: Final = """
    ALERT WATCH FYI ALSO OLD GOAL GOALS BEST LIVE INFO IMO TLDR PS BTW LOL WOW NICE BOOM LFG YES ADD BONUS WARN PREP
    RULE RULES TIP TIPS HEADS QUICK FOCUS EXTRA BULL BEAR READ SEE
    PLANS INTRA PRE POST HOT TREND MACRO NEWS ETF ETFS INDEX MEGA TECH CHIPS SEMIS CPI PPI FOMC NFP FED VWAP
    RSI MACD HTF LTF OTE ADX ATR GEX OB SD ER BIG CUP RED
"""
ONLY_WORDS: Final = frozenset(spelling.upper() for spelling in WORDS if spelling.isalpha()) - _WORD_TICKERS | frozenset(
    _words(_SHOUTS)
)
"""Capitals that are words of a plan or its titles and name a ticker only behind a `$`."""

WELL_KNOWN: Final = frozenset(
    _words("""
        SPY QQQ IWM DIA SPX NDX VIX TSLA NVDA AAPL AMZN META MSFT GOOG GOOGL AMD NFLX PLTR COIN SMCI AVGO MSTR
        HOOD MU INTC
    """)
)
"""Tickers that are read in small letters too, alone on a line."""

_FUZZY: Final = [
    spelling for spelling, word in WORDS.items() if word.cls in {"kind", "strategy", "target"} and len(spelling) >= 6
]
_LIKENESS = 0.82


@lru_cache(maxsize=4096)
def look_up(spelling: str) -> Word:
    """The word, in small letters and without apostrophes. Misspelt kinds, strategies and "target" are recognised."""
    word = WORDS.get(spelling)
    if word is not None:
        return word
    if not 5 <= len(spelling) <= 16:
        return UNKNOWN
    close = difflib.get_close_matches(spelling, _FUZZY, 1, _LIKENESS)
    return WORDS[close[0]] if close and close[0][0] == spelling[0] else UNKNOWN
