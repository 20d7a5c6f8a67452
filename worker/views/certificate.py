"""The certificate of a channel as a table, and what a comparison with Discord found. Pure but for printing."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from worker.views.stored_certificate import CertifiedDay
from worker.views.terminal import FAINT, FLAG_STYLE, styled, table

if TYPE_CHECKING:
    from worker.gateway.comparison import Compared

STRETCHES_SHOWN = 3  # of a day


def certificate_json(days: Sequence[CertifiedDay], compared: "Compared | None") -> str:
    """Ids are strings, because JSON's numbers lose digits."""
    return json.dumps(
        {
            "days": [
                asdict(day)
                | {
                    "day": day.day.isoformat(),
                    "first_id": str(day.first_id) if day.first_id is not None else None,
                    "last_id": str(day.last_id) if day.last_id is not None else None,
                    "known_until": day.known_until.isoformat() if day.known_until else None,
                    "missing": [{"from": first.isoformat(), "to": last.isoformat()} for first, last in day.missing],
                    "verified_at": day.verified_at.isoformat() if day.verified_at else None,
                }
                for day in days
            ],
            "compared": compared
            and {"messages": compared.messages, "differences": [asdict(one) for one in compared.differences]},
        },
        indent=2,
    )


def show_certificate(console: Console, days: Sequence[CertifiedDay], compared: "Compared | None") -> None:
    """Days and times are those of UTC."""
    if not days:
        console.print(styled("No message of it is stored, and none is known to be missing.", FAINT))
    else:
        drawn = table(["Day (UTC)", "Messages", "Edited", "Deleted", "Complete", "Compared with Discord (UTC)"])
        for day in days:
            drawn.add_row(
                f"{day.day}",
                str(day.messages),
                str(day.edited),
                str(day.deleted),
                _complete(day),
                styled(f"{day.verified_at.astimezone(UTC):%m-%d %H:%M}" if day.verified_at else "not yet", FAINT),
            )
        console.print(drawn)
        for day in days:
            if day.first_id is not None:
                console.print(styled(f"{day.day}  {day.first_id} to {day.last_id}", FAINT))
            if day.missing:
                console.print(styled(f"{day.day}  missing {_stretches(day)}", FLAG_STYLE))
    if compared is not None:
        console.print(f"{compared.messages} messages compared with Discord: {len(compared.differences)} differences")
        for difference in compared.differences:
            console.print(styled(f"  {difference.message_id}  {difference.what}", FLAG_STYLE))


def _complete(day: CertifiedDay) -> Text:
    if not day.is_complete:
        return styled("no" if day.missing else "not known", FLAG_STYLE)
    until = f", until {day.known_until.astimezone(UTC):%H:%M}" if day.known_until else ""
    return styled(f"yes{until}", "green")


def _stretches(day: CertifiedDay) -> str:
    """The newest ones."""
    shown = [f"{first.astimezone(UTC):%H:%M:%S} to {last.astimezone(UTC):%H:%M:%S}" for first, last in day.missing]
    more = len(shown) - STRETCHES_SHOWN
    return ", ".join(shown[-STRETCHES_SHOWN:]) + (f" and {more} more before" if more > 0 else "")
