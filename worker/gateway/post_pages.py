"""One post line by line, with what was read from each: what `Read this plan` says. Pure; knows no discord."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate

from parsers.reading import Reading
from worker.gateway.markdown import plain
from worker.gateway.pages import Section, packed
from worker.gateway.plan_pages import Page
from worker.gateway.setup_text import bias_words, setup_lines
from worker.views.flag_words import in_words
from worker.views.post import shown_setup, summary
from worker.views.shown import ShownLevel
from worker.views.stored_post import StoredPost

_READ, _UNREAD, _NOTHING = "✅", "❓", "▫️"
_TITLE = "What was read of this post"
_LEGEND = f"{_READ} read · {_UNREAD} not read · {_NOTHING} nothing to read"
_LINE_LENGTH = 300  # of the post's own, which is at most doubled by what is escaped
_TICKER_LENGTH = 20


def post_pages(text: str, reading: Reading, stored: StoredPost | None) -> list[Page]:
    """`reading` is what today's parsers say of the text; `stored` None: the post is not stored."""
    about = Section(f"**{plain(summary(reading), _LINE_LENGTH)}**", tuple(_about(reading, stored)))
    lines = Section(f"**Line by line** · {_LEGEND}", tuple(_lines(text, reading)))
    return [Page(_TITLE, page) for page in packed([about, lines] if lines.lines else [about])]


def _about(reading: Reading, stored: StoredPost | None) -> Iterator[str]:
    setups = sum(len(plan.setups) for plan in reading.plans)
    yield f"Tickers: {len(reading.plans)} · setups: {setups} · lines not read: {len(reading.unread)}"
    if reading.state == "not_a_plan" and reading.reason:
        yield f"It is never read: {plain(reading.reason, _LINE_LENGTH)}."
    if reading.flags:
        yield f"⚠️ *{in_words(reading.flags)}*"
    if stored is None:
        yield "⚠️ This post is not stored: it was read just now, as it stands here."
        return
    yield f"It is stored{_since('edited', stored)}{_since('deleted', stored)}."
    if reading.plans and stored.parser_version != reading.version:
        yield "What is stored was read by another version of the parser; this is what today's reads."
    for ticker, state in stored.plan_states:
        if state != "current":
            yield f"Its plan for {plain(ticker or 'no ticker', _TICKER_LENGTH)} is {state}: it no longer counts."


def _since(what: str, stored: StoredPost) -> str:
    moment = stored.edited_at if what == "edited" else stored.deleted_at
    return f", {what} <t:{int(moment.timestamp())}:R>" if moment else ""


def _lines(text: str, reading: Reading) -> Iterator[str]:
    """Each line of the text with its mark, under it what was read or why it was not; blank lines are left out."""
    lines = text.splitlines(keepends=True)
    ends = list(accumulate(map(len, lines)))
    said, unread = _said_by_line(ends, reading), defaultdict[int, list[str]](list)
    for one in reading.unread:
        unread[one.line].append(plain(one.reason, _LINE_LENGTH))
    read = said.keys() | {_line_at(ends, one.span.start) for one in reading.numbers if one.meaning != "unread"}
    for number, line in enumerate(lines, 1):
        if line.strip():
            mark = _UNREAD if number in unread else _READ if number in read else _NOTHING
            yield f"{mark} {plain(line, _LINE_LENGTH)}"
            yield from (f"↳ {words}" for words in said.get(number, ()))
            yield from (f"↳ *not read: {reason}*" for reason in unread.get(number, ()))


def _said_by_line(ends: Sequence[int], reading: Reading) -> dict[int, list[str]]:
    """What was read from each line; nothing more is said of a line that only goes on with a bias."""
    said = defaultdict[int, list[str]](list)
    for plan in reading.plans:
        ticker = f"**{plain(plan.ticker or 'No ticker', _TICKER_LENGTH)}**"
        for setup in plan.setups:
            first, *more = setup_lines(shown_setup(setup))
            said[setup.line] += [f"{ticker} {first}", *more]
        if plan.bias:
            levels = [ShownLevel(*level[:4]) for level in plan.bias.levels]
            first_line = _line_at(ends, plan.bias.span.start)
            said[first_line].append(f"{ticker} {bias_words(plan.bias.direction, levels) or 'note, without levels'}")
            for number in range(first_line, _line_at(ends, plan.bias.span.end - 1) + 1):
                said.setdefault(number, [])
    return said


def _line_at(ends: Sequence[int], offset: int) -> int:
    """The number of the line that a character stands on, from 1; `ends` are where the lines end."""
    return bisect_right(ends, offset) + 1
