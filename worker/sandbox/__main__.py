"""`python -m worker.sandbox`: the sandbox in a process of its own, until SIGTERM or Ctrl-C.

Prints one JSON line with its addresses once it listens."""

import argparse
import asyncio
import signal
import sys

from worker.sandbox.sandbox import Sandbox
from worker.sandbox.wire import dumps


async def _serve(token: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Sandbox(token, port) as sandbox:
        addresses = {
            "api_url": sandbox.api_url,
            "gateway_url": sandbox.gateway_url,
            "control_url": sandbox.control_url,
        }
        sys.stdout.write(dumps(addresses) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worker.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0 picks a free port")
    parser.add_argument("--token", default="sandbox-token", help="the token the bot must log in with")
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(arguments.token, arguments.port))
    except OSError as error:
        parser.exit(69, f"The sandbox cannot listen on port {arguments.port}: {error.strerror}.\n")


main()
