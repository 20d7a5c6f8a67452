"""How an error is told in a log line, or as a reason that is kept."""


def named(error: BaseException) -> str:
    """The name of its class and what it says, which can be nothing: a TimeoutError says nothing."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")
