"""Every event type is one class with a version, a sentence, an example and a JSON Schema that readers can rely on."""

import json
from uuid import uuid4

import pytest
from pydantic import ValidationError

from worker.events import schemas
from worker.events.catalogue import (
    CHANNELS,
    DATA_LIMIT_BYTES,
    EVENT_TYPES,
    BotConnected,
    Event,
    Fact,
    MessageStored,
    SetupCreated,
    read_fact,
    version_of,
)
from worker.events.examples import EXAMPLES

BY_TYPE = {example.event_type: example for example in EXAMPLES}


def test_the_schemas_in_the_documentation_are_those_of_the_code() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in schemas.FOLDER.iterdir()}
    assert written == schemas.files(), "write them anew: python -m worker.events.schemas"


def test_every_event_type_has_one_example() -> None:
    assert len(EXAMPLES) == len(BY_TYPE)
    assert {event_type: type(example) for event_type, example in BY_TYPE.items()} == EVENT_TYPES


@pytest.mark.parametrize("fact", EVENT_TYPES.values(), ids=EVENT_TYPES)
class TestEventType:
    def test_it_says_when_it_is_told(self, fact: type[Fact]) -> None:
        assert fact.__doc__
        assert fact.__doc__.strip().endswith(".")
        # Not its base's sentence.
        assert sum(other.__doc__ == fact.__doc__ for other in EVENT_TYPES.values()) == 1

    def test_it_fits_its_columns(self, fact: type[Fact]) -> None:
        assert fact.channel in CHANNELS
        assert len(fact.channel) <= 50
        assert len(fact.event_type) <= 100

    def test_its_example_comes_back_from_json(self, fact: type[Fact]) -> None:
        example = BY_TYPE[fact.event_type]
        assert read_fact(fact.event_type, Event(example, uuid4()).data) == example

    def test_its_schema_says_what_is_always_there(self, fact: type[Fact]) -> None:
        made = schemas.schema(fact)
        [example] = made["examples"]
        assert example.keys() == made["properties"].keys()
        assert made["required"][0] == "schema"
        assert made["properties"]["schema"]["const"] == version_of(fact) == example["schema"]
        for name in made["required"]:
            without = {key: value for key, value in example.items() if key != name}
            if name == "schema":
                assert read_fact(fact.event_type, json.dumps(without)) is None
            else:
                with pytest.raises(ValidationError):
                    read_fact(fact.event_type, json.dumps(without))
        # Events that were told before a field came are still read.
        required = {name: example[name] for name in made["required"]}
        assert read_fact(fact.event_type, json.dumps(required)) is not None

    def test_readers_tolerate_what_they_do_not_know(self, fact: type[Fact]) -> None:
        example = BY_TYPE[fact.event_type]
        data = json.loads(example.model_dump_json())
        assert read_fact(fact.event_type, json.dumps(data | {"new": {"field": 1}})) == example
        assert read_fact(fact.event_type, json.dumps(data | {"schema": version_of(fact) + 1})) is None

    def test_it_has_neither_text_nor_names(self, fact: type[Fact]) -> None:
        assert not fact.model_fields.keys() & {
            "content",
            "text",
            "raw_line",
            "author",
            "author_name",
            "username",
            "name",
        }


def test_an_event_type_that_is_not_known_is_none() -> None:
    assert read_fact("setup.teleported", '{"schema": 1}') is None


def test_ids_and_prices_are_strings_and_times_have_a_zone() -> None:
    stored = json.loads(BY_TYPE[MessageStored.event_type].model_dump_json())
    assert (stored["message_id"], stored["posted_at"]) == ("1372567340325601280", "2025-05-15T12:55:00.123000Z")
    setup = json.loads(BY_TYPE[SetupCreated.event_type].model_dump_json())
    assert (setup["triggers"], setup["targets"]) == ([["586.49", "586.49"]], ["584.20", "582.00"])


def test_a_setup_too_long_for_an_event_leaves_its_levels_out_and_says_so() -> None:
    example = BY_TYPE[SetupCreated.event_type]
    long = example.model_copy(update={"targets": ["584.20"] * 10_000})
    data = Event(long, uuid4()).data
    assert len(data.encode()) <= DATA_LIMIT_BYTES
    fact = read_fact(SetupCreated.event_type, data)
    assert isinstance(fact, SetupCreated)
    assert (fact.truncated, fact.targets, fact.triggers, fact.setup_id) == (True, [], [], "4711")


def test_a_fact_cannot_be_changed() -> None:
    fact = BotConnected(resumed=True, guilds=1)
    with pytest.raises(ValidationError):
        fact.guilds = 2  # type: ignore[misc]
