"""A process that uses the embedded server until its standard input ends: python embedded_user.py HOME [PROGRAMS].

It says "ready" once the server answers it and ends with a plain error like the worker would."""

import signal
import sys
from pathlib import Path

from worker.db.embedded import EmbeddedServer
from worker.exits import WorkerError


def main(home: str, programs: str | None = None) -> None:
    signal.signal(signal.SIGINT, lambda *_: None)  # a worker that still drains
    server = EmbeddedServer(Path(home), programs_folder=Path(programs) if programs else None, durable=False)
    try:
        server.start()
    except WorkerError as error:
        sys.exit(str(error))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
