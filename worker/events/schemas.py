"""The JSON Schema of every event type's `data`: python -m worker.events.schemas writes them to docs/events/."""

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from worker.events.catalogue import EVENT_TYPES, Fact, version_of
from worker.events.examples import EXAMPLES

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "events"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Plain(GenerateJsonSchema):
    """Without the titles that only repeat the fields' names."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


_EXAMPLES = {type(example): example for example in EXAMPLES}


def files() -> dict[str, str]:
    """The content of each file in FOLDER, by its name."""
    return {
        f"{event_type}.json": json.dumps(schema(fact), indent=2, ensure_ascii=False) + "\n"
        for event_type, fact in EVENT_TYPES.items()
    }


def schema(fact: type[Fact]) -> dict[str, Any]:
    """What a reader may rely on. Fields that came later have a default and are not required, since older events lack
    them; fields that are not in it may be there."""
    made = fact.model_json_schema(schema_generator=_Plain)
    properties = made["properties"]
    properties["schema"] = {"const": version_of(fact), "description": properties["schema"]["description"]}
    return {
        "$schema": DIALECT,
        "title": fact.event_type,
        "description": f"{fact.__doc__} Told on the channel {fact.channel}.",
        "examples": [json.loads(_EXAMPLES[fact].model_dump_json())],
        "type": "object",
        "properties": properties,
        "required": ["schema", *made.get("required", [])],
        **({"$defs": made["$defs"]} if "$defs" in made else {}),
    }


def write() -> None:
    """Writes FOLDER anew."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write()
