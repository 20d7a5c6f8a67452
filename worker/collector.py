"""Holds Python's collector of cycles back in programs that make and drop millions of small objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# A decoded message is some fifty containers, which go when the last reference to them goes. At Python's own 700 a page
# of history has the collector run eight times, finding nothing, for a tenth of the page's time.
FOR_MESSAGES = 20_000
FOR_ROWS = 200_000  # more than a batch of the import makes, which would lose a quarter of its time


@contextmanager
def rare_collections(containers: int) -> Iterator[None]:
    """A collection whenever there are so many more than at the last one, and none of what was loaded before."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(containers, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
