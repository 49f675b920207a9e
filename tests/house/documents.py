"""Read the documents: their headings, code blocks, quotes, tables and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: its language, its text, and the heading above it."""

    heading: str
    language: str
    text: str


class Document:
    """A Markdown file of the project."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = ROOT / name
        self.text = self.path.read_text(encoding="utf-8")

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def prose(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks in order."""
        return [
            Block(heading=self._heading_at(match.start()), language=match[1], text=match[2])
            for match in _FENCE.finditer(self.text)
        ]

    def _heading_at(self, place: int) -> str:
        headings = re.findall(r"^#+ (.+)$", self.text[:place], re.MULTILINE)
        return str(headings[-1]) if headings else ""

    def block(self, language: str) -> str:
        """The one block of that language."""
        (found,) = [block.text for block in self.blocks if block.language == language]
        return found

    def under(self, heading: str) -> str:
        """The text under a heading, up to the next of its rank or above."""
        found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found, f"{self.name} has no heading {heading!r}"
        return found[2]

    @cached_property
    def code(self) -> list[str]:
        """The texts `between backticks`, in order."""
        return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", self.prose)]

    @cached_property
    def italics(self) -> list[str]:
        """The texts *between asterisks*: names and sentences of the screen."""
        plain = re.sub(r"`[^`]+`|\*\*[^*]+\*\*", "", self.prose)
        return [" ".join(span.split()) for span in re.findall(r"\*([^*\s][^*]*)\*", plain)]

    @cached_property
    def links(self) -> list[str]:
        """The targets of links and pictures."""
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    @cached_property
    def anchors(self) -> set[str]:
        """The names by which a link finds a heading, as code hosts make them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def table(self, first_column: str) -> list[list[str]]:
        """The rows of the table whose first column has that name."""
        found = re.search(rf"^\| {re.escape(first_column)} \|.*\n\| -.*\n((?:\|.*\n?)+)", self.text, re.MULTILINE)
        assert found, f"{self.name} has no table that begins with {first_column!r}"
        return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in found[1].splitlines()]


def _if_written(*names: str) -> tuple[Document, ...]:
    return tuple(Document(name) for name in names if (ROOT / name).exists())


README = Document("README.md")
DOCS = tuple(Document(f"docs/{path.name}") for path in sorted((ROOT / "docs").glob("*.md")))
GUIDES = (README, *DOCS)
ARCHITECTURE = Document("ARCHITECTURE.md")
CHANGELOG = Document("CHANGELOG.md")
DOCUMENTS = (*GUIDES, ARCHITECTURE, *_if_written("CONTRIBUTING.md"), CHANGELOG)
MOVING_IN, STRIPE, STOREFRONT, RUNNING, BACKUPS, MONEY = (
    Document(f"docs/{name}.md") for name in ("moving-in", "stripe", "storefront", "running", "backups", "money")
)
