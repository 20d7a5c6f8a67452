"""Transport compression of the gateway: one context a connection, shared by all its messages, never reset.

Source: Discord's developer documentation, "Gateway", "Transport Compression"."""

import sys
import zlib
from collections.abc import Callable

from worker.exits import ConfigError

Compress = Callable[[str], bytes]


def compressor(name: str) -> Compress | None:
    """A new connection's compressor; None when the client asked for none.

    Raises ConfigError for a name that Discord does not know, and for zstd-stream where no zstd is installed."""
    if not name:
        return None
    makers = {"zlib-stream": _zlib_stream, "zstd-stream": _zstd_stream}
    if name not in makers:
        raise ConfigError(f"The gateway knows no compression called {name!r}.")
    return makers[name]()


def _zlib_stream() -> Compress:
    context = zlib.compressobj()
    return lambda text: context.compress(text.encode()) + context.flush(zlib.Z_SYNC_FLUSH)


def _zstd_stream() -> Compress:
    """Each payload ends with a flushed block; the frame never ends, or clients could not go on reading it."""
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415  not before 3.14

        context = zstd.ZstdCompressor()
        return lambda text: context.compress(text.encode(), mode=zstd.ZstdCompressor.FLUSH_BLOCK)
    try:
        import zstandard  # noqa: PLC0415  may be missing
    except ImportError:
        raise ConfigError("zstd-stream needs the package zstandard, which is not installed.") from None
    stream = zstandard.ZstdCompressor().compressobj()
    return lambda text: stream.compress(text.encode()) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
