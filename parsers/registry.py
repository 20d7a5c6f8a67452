"""The formats that texts can be read in. Each module of `parsers.formats` defines one as its `FORMAT`."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from parsers import formats
from parsers.reading import Reading


@dataclass(frozen=True, slots=True)
class Format:
    """A way of writing plans.

    `version` grows with every change that can change a reading. `day_plan` says whether a later plan for the same day
    takes the place of an earlier one. `looks_like` is asked of every message and must cost a few microseconds; `read`
    gets the text and the time of the post in the channel's time zone, and says `not_a_plan` where `looks_like` was
    too hopeful."""

    name: str
    version: int
    day_plan: bool
    looks_like: Callable[[str], bool]
    read: Callable[[str, datetime], Reading]


@cache
def registered() -> Mapping[str, Format]:
    """Every format by its name, in the order of the names: the order in which detection asks them."""
    modules = [
        importlib.import_module(f"{formats.__name__}.{found.name}") for found in pkgutil.iter_modules(formats.__path__)
    ]
    found = [module.FORMAT for module in modules]
    return {item.name: item for item in sorted(found, key=lambda item: item.name)}
