"""Holds Python's collector of cycles back while rows by the million are made and dropped."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS_A_COLLECTION = 200_000  # more than a batch makes; Python's own is 700


@contextmanager
def rare_collections() -> Iterator[None]:
    """Rows are freed as soon as nothing refers to them, and cycles are few; to look for them as often as Python does,
    each time also through all that was loaded, costs a quarter of an import's time."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_A_COLLECTION, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
