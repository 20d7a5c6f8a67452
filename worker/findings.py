"""What a check-up finds: one line each, with what to do about it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "wrong", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is what to do, empty where there is nothing to do."""

    subject: str
    state: State
    said: str
    advice: str = ""
