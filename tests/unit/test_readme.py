"""The README says what is true of the code: its settings table is the one that the settings make."""

from pathlib import Path

from pydantic_core import PydanticUndefined

from worker.settings import Settings

README = Path(__file__).resolve().parents[2] / "README.md"


def settings_table() -> str:
    lines = ["| variable | default | what it is |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, (), PydanticUndefined) else f"`{field.default}`"
        if field.default_factory is not None:
            default = "`~/.local/share/discord-plan-worker`, root: `/var/lib/discord-plan-worker`"
        lines.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines)


def test_the_settings_table_is_the_settings() -> None:
    assert settings_table() in README.read_text(encoding="utf-8"), f"put this into README.md:\n{settings_table()}"
