"""A payload without people who asked to be erased, wherever Discord names them."""

import json
from typing import Any

import pytest

from parsers import parse
from tests.support.observations import Room
from worker.ingest.erased import ERASED, withheld, without_people
from worker.ingest.prepared import PreparedMessage, prepare

PERSON, NAME, WORD = "700000000000000009", "atticus", "mockingbird"
USER = {"id": PERSON, "username": NAME, "global_name": NAME.title(), "discriminator": "0", "avatar": NAME}
THEIRS = {"id": "1", "channel_id": "2", "type": 0, "author": USER, "content": WORD, "embeds": [{"title": WORD}]}
OTHER = {"id": "5", "username": "scout", "global_name": "Scout"}


@pytest.mark.parametrize(
    "payload",
    [
        {"mentions": [USER, OTHER]},
        {"mentions": [{**USER, "member": {"nick": NAME}}]},
        {"referenced_message": THEIRS},
        {"referenced_message": {"id": "3", "author": OTHER, "content": "yes", "referenced_message": THEIRS}},
        {"interaction_metadata": {"id": "9", "user": USER}},
        {"member": {"user": USER, "nick": NAME, "roles": ["3"]}},
        {"poll": [{"answers": [{"voters": [USER]}]}]},
        THEIRS,
    ],
)
def test_neither_name_nor_words_are_left(payload: dict[str, Any]) -> None:
    cleaned = without_people(payload, frozenset({PERSON}))
    text = json.dumps(cleaned).lower()
    assert NAME not in text
    assert WORD not in text
    assert PERSON in text
    assert without_people(payload, frozenset({"5000"})) == payload


def test_what_others_are_called_stays() -> None:
    cleaned = without_people({"mentions": [USER, OTHER], "content": "hi"}, frozenset({PERSON}))
    assert cleaned == {"mentions": [{"id": PERSON}, OTHER], "content": "hi"}


def prepared(text: str = "A+ Setups\n\nSPY\nBounce 580 -> 585", **more: Any) -> PreparedMessage:
    observation = Room().posted(1, text, **more)
    return prepare(observation, lambda text, at, name: parse(text, at, format=name), None)


def test_their_message_keeps_its_place_and_nothing_else() -> None:
    theirs = withheld(prepared(f"{WORD}\x00", author=USER), frozenset({PERSON}))
    assert (theirs.content, theirs.text, theirs.raw, theirs.raw_original, theirs.author_name) == (
        "",
        "",
        None,
        None,
        None,
    )
    assert (theirs.embeds, theirs.attachments, theirs.plans, theirs.text_flags) == (None, None, (), (ERASED,))
    assert (theirs.reading.state, theirs.author_id) == ("not_a_plan", int(PERSON))


def test_a_message_of_others_keeps_its_words_and_its_plans() -> None:
    before = prepared(author=OTHER, mentions=[USER])
    after = withheld(before, frozenset({PERSON}))
    assert NAME.encode() not in (after.raw or b"")
    assert after._replace(raw=before.raw) == before
    assert after.plans
    repeated = withheld(before, frozenset({PERSON}), forwards_theirs=True)
    assert (repeated.text, repeated.author_name, repeated.plans) == ("", "Scout", ())
