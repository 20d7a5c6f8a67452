"""A live message covers what lies between it and the one before it, and never what nobody has."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.properties import unhurried
from worker.ingest.coverage import LiveSpans
from worker.ingest.observation import Covered

CHANNEL = 5


def test_a_session_begins_with_the_newest_message() -> None:
    spans = LiveSpans()
    spans.begin(CHANNEL, 10)
    assert spans.arrived(CHANNEL, 14) == Covered(CHANNEL, 10, 14)
    assert spans.arrived(CHANNEL, 15) == Covered(CHANNEL, 14, 15)


def test_a_channel_that_was_not_told_of_covers_its_messages_alone() -> None:
    spans = LiveSpans()
    assert spans.arrived(CHANNEL, 14) == Covered(CHANNEL, 13, 14)
    assert spans.arrived(CHANNEL, 17) == Covered(CHANNEL, 14, 17)


def test_an_empty_channel_covers_from_its_beginning() -> None:
    spans = LiveSpans()
    spans.begin(CHANNEL, 0)
    assert spans.arrived(CHANNEL, 14) == Covered(CHANNEL, 0, 14)


def test_what_comes_again_or_late_covers_itself() -> None:
    spans = LiveSpans()
    spans.begin(CHANNEL, 10)
    spans.arrived(CHANNEL, 14)
    assert spans.arrived(CHANNEL, 14) == Covered(CHANNEL, 13, 14)
    assert spans.arrived(CHANNEL, 12) == Covered(CHANNEL, 11, 12)
    assert spans.arrived(CHANNEL, 16) == Covered(CHANNEL, 14, 16)


def test_channels_share_nothing() -> None:
    spans = LiveSpans()
    spans.begin(CHANNEL, 10)
    spans.begin(CHANNEL + 1, 20)
    assert spans.arrived(CHANNEL, 30) == Covered(CHANNEL, 10, 30)
    assert spans.arrived(CHANNEL + 1, 30) == Covered(CHANNEL + 1, 20, 30)


class Session:
    """What the client does with its spans, and what comes of it. Every second id is a message."""

    def __init__(self) -> None:
        self.spans = LiveSpans()
        self.kept = set[int]()
        self.covered = set[int]()
        self._late: list[int] = []

    def arrives(self, message_id: int, *, has_room: bool = True) -> None:
        span = self.spans.arrived(CHANNEL, message_id)
        if has_room:
            self.kept.add(message_id)
            self.covered |= set(range(span.after + 1, span.up_to + 1))
        else:
            self.spans.missed(CHANNEL, message_id)
        self.catch_late()

    def begins(self, newest: int | None) -> None:
        """Not all threads are told of when a session begins."""
        self.spans = LiveSpans()
        if newest is not None:
            self.spans.begin(CHANNEL, newest)

    def is_late(self, message_id: int) -> None:
        self._late.append(message_id)

    def catch_late(self) -> None:
        late, self._late = self._late, []
        for message_id in late:
            self.arrives(message_id)


HAPPENINGS = st.lists(
    st.sampled_from(["arrives", "arrives", "arrives twice", "has no room", "is posted while away", "is late"]),
    max_size=30,
)


@settings(unhurried, max_examples=400)
@given(HAPPENINGS, st.integers(0, 3), st.booleans())
def test_nothing_is_ever_covered_that_was_not_kept(happenings: list[str], before: int, is_told: bool) -> None:
    session, newest, is_away = Session(), before * 2, True
    for happening in happenings:
        if happening == "is posted while away":
            session.catch_late()
            is_away = True
        elif is_away:
            session.begins(newest if is_told else None)
            is_away = False
        newest += 2
        if happening == "is late":
            session.is_late(newest)
        elif happening != "is posted while away":
            session.arrives(newest, has_room=happening != "has no room")
        if happening == "arrives twice":
            session.arrives(newest)
    session.catch_late()
    messages = set(range(2, newest + 1, 2))
    assert session.covered & messages <= session.kept
