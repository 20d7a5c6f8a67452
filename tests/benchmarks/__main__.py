"""Runs benchmarks by name, or all: `python -m tests.benchmarks ingest`. Each prints ratios measured in its own run."""

import asyncio
import importlib
import logging
import sys
from pathlib import Path

import structlog

from worker.collector import FOR_MESSAGES, rare_collections


def main() -> None:
    known = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    chosen = sys.argv[1:] or known
    if unknown := set(chosen) - set(known):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name in chosen:
        print(f"-- {name}", flush=True)
        with rare_collections(FOR_MESSAGES):  # as in the worker
            asyncio.run(importlib.import_module(f"tests.benchmarks.{name}").main())


main()
