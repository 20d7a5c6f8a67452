"""How often Python looks for objects that hold each other."""

import gc

# A decoded message is some fifty containers, which go when the last reference to them goes. At Python's own 700 a page
# of history has the collector run eight times, finding nothing, for a tenth of the page's time.
CONTAINERS_BETWEEN_RUNS = 20_000


def set_up_collector() -> None:
    """To be called once by every program that handles many messages."""
    gc.set_threshold(CONTAINERS_BETWEEN_RUNS)
