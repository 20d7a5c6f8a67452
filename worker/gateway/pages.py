"""Long answers as pages: texts that fit into an embed, and onto a phone without much scrolling."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

PAGE_LENGTH = 1800  # characters; an embed's description may have 4,096
LINE_LENGTH = 1750  # of one line: with a head before it, an embed still holds it


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a head, which is said again where they go on on another page."""

    head: str
    lines: tuple[str, ...]


def packed(sections: Iterable[Section]) -> list[str]:
    """The sections in their order; one that has room on one page is never broken over two."""
    pages: list[str] = []
    for section in sections:
        whole = "\n".join([section.head, *section.lines])
        if pages and len(pages[-1]) + 2 + len(whole) <= PAGE_LENGTH:
            pages[-1] += f"\n\n{whole}"
        elif len(whole) <= PAGE_LENGTH:
            pages.append(whole)
        else:
            page = f"{pages.pop()}\n\n{section.head}" if pages else section.head
            pages += _broken(page, section)
    return pages


def _broken(page: str, section: Section) -> Iterator[str]:
    """The lines of a long section: on what is left of a page that has its head, then on pages of their own."""
    for line in section.lines:
        if len(line) > LINE_LENGTH:
            raise ValueError(f"a line of {len(line)} characters")
        if len(page) + 1 + len(line) > PAGE_LENGTH:
            yield page
            page = f"{section.head} *(continued)*"
        page += f"\n{line}"
    yield page


def fitted(lines: Sequence[str]) -> str:
    """As many of the lines as one page has room for, and how many more there are."""
    text = ""
    for number, line in enumerate(lines):
        if len(text) + 1 + len(line) > PAGE_LENGTH:
            return f"{text}\n… and {len(lines) - number} more"
        text += f"\n{line}" if text else line
    return text
