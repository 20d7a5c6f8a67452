"""JSON read value by value, so that a file larger than memory can be read to wherever it breaks.

Python's own decoder reads the values: it takes every string that JSON can escape, lone surrogates too, at which the
streaming parsers written in C give up."""

import json
from typing import Any, TextIO

CHUNK_CHARACTERS = 1 << 20
VALUE_LIMIT_CHARACTERS = 1 << 24  # what is longer is damaged: Discord's messages stay below 100,000

_BLANKS = " \t\r\n"


class BrokenJsonError(Exception):
    """The text ends in the middle, or is no JSON from here on."""


class JsonStream:
    """A position in a text of JSON."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANKS:
                    return self._text[self._at]
                self._at += 1
            if not self._fill():
                return ""

    def skip(self, character: str) -> bool:
        """Goes past the character if it is the next one."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def expect(self, character: str) -> None:
        if not self.skip(character):
            raise BrokenJsonError

    def value(self) -> Any:
        """The next value, whole. Raises BrokenJsonError."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise BrokenJsonError from error
            except ValueError as error:
                if len(self._text) - self._at > VALUE_LIMIT_CHARACTERS or not self._fill():
                    raise BrokenJsonError from error
                continue
            # A number that ends where the text read so far ends may go on.
            if end == len(self._text) and isinstance(value, int | float) and self._fill():
                continue
            self._at = end
            return value

    def _fill(self) -> bool:
        """Reads on; twice as much as is pending, so that a long value is not scanned again for every little piece."""
        pending = self._text[self._at :]
        chunk = self._file.read(max(CHUNK_CHARACTERS, len(pending)))
        self._text, self._at = pending + chunk, 0
        return bool(chunk)
