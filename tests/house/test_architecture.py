"""ARCHITECTURE.md is true: its map, its diagrams, its flows in their order, and its glossary."""

from __future__ import annotations

import re

import pytest

from core import ORDER
from core.foundation.model import MovementType
from tests.house.calls import exists, first_visits
from tests.house.documents import ARCHITECTURE
from tests.house.reading import ROOT, packages
from tests.house.test_law import SCREENS, used_packages

MOST_BYTES = 12_000
# Used by nearly every package, so the page says that it leaves these edges out.
NOT_DRAWN = {"core": {"people", "database", "foundation"}, "dashboard": {"frame", "door", "language"}}
FLOWS = ("Adjust", "Paid order", "Refund", "Hold to order", "Alert", "Proof", "Backup")
_FULL = re.compile(r"([\w/]+\.py:|(?:stockroom_api|stockroom|public)\.)([\w.]+)")


def test_the_page_is_short_enough_to_be_read_at_once() -> None:
    assert len(ARCHITECTURE.text.encode()) <= MOST_BYTES


# ---------------------------------------------------------------- the map and the diagrams


def test_the_first_column_of_the_map_is_what_lies_in_the_project() -> None:
    rooms = {line.split()[0] for line in ARCHITECTURE.block("").splitlines() if re.match(r"\w+/", line)}
    assert {room for room in rooms if not (ROOT / room).is_dir()} == set()
    assert {"core/", "dashboard/", "pages/", "tests/"} <= rooms
    layers = re.search(r"^tests/ +(.+)$", ARCHITECTURE.block(""), re.MULTILINE)
    assert layers
    assert set(layers[1].split(", ")) == {path.name for path in (ROOT / "tests").iterdir() if any(path.rglob("*.py"))}


def diagram(heading: str) -> dict[str, list[str]]:
    """The Mermaid flowchart under a heading: each node with those its edges lead to, in the order of the lines."""
    (text,) = [block.text for block in ARCHITECTURE.blocks if (block.heading, block.language) == (heading, "mermaid")]
    first, *lines = text.splitlines()
    assert re.fullmatch(r"flowchart (TD|LR)", first)
    drawn = [line.strip().partition(" --> ") for line in lines]
    return {node: edges.split(" & ") if edges else [] for node, _, edges in drawn}


@pytest.mark.parametrize(
    ("heading", "room", "order"),
    [("The packages of core", "core", ORDER), ("The screens of dashboard", "dashboard", SCREENS)],
)
def test_a_diagram_draws_every_package_in_order_with_its_imports(
    heading: str, room: str, order: tuple[str, ...]
) -> None:
    hidden = NOT_DRAWN[room]
    imported = {path.name: used_packages(path) for path in packages(room)}
    drawn = diagram(heading)
    assert tuple(drawn) == order
    assert drawn == {node: [used for used in imported[node] if used not in hidden] for node in order}
    introduction = ARCHITECTURE.under(heading).partition("```")[0]
    assert {f"`{node}`" for node in hidden} <= set(re.findall(r"`\w+`", introduction))


def test_each_package_of_core_has_one_sentence() -> None:
    sentences = re.findall(r"^- `(\w+)`: (.+)$", ARCHITECTURE.under("The packages of core"), re.MULTILINE)
    assert tuple(node for node, _ in sentences) == ORDER
    assert [sentence for _, sentence in sentences if not re.fullmatch(r"[A-Z][^.]*(?:\.\w+[^.]*)*\.", sentence)] == []


# ---------------------------------------------------------------- the flows


def segments(flow: str) -> list[list[str]]:
    """The functions that a flow names, in full, cut where a step in bold begins something new.

    A bare name belongs to the module or schema named before it.
    """
    found = re.search(rf"^### {flow}\n(.*?)(?=^##)", ARCHITECTURE.text, re.MULTILINE | re.DOTALL)
    assert found, f"no flow {flow}"
    parts, owner = list[list[str]](), ""
    for item in re.findall(r"^\d+\. (.+)$", found[1], re.MULTILINE):
        if item.startswith("**"):
            parts.append([])
        for span in re.findall(r"`([^`]+)`", item):
            full = _FULL.fullmatch(span)
            owner, bare = (full[1], full[2]) if full else (owner, span)
            parts[-1].append(owner + bare)
    return parts


def steps(flow: str) -> list[str]:
    """Every function that a flow names."""
    return [step for part in segments(flow) for step in part]


def test_there_is_a_section_for_each_flow_and_no_other() -> None:
    assert tuple(re.findall(r"^### (.+)$", ARCHITECTURE.text, re.MULTILINE)) == FLOWS


@pytest.mark.parametrize("flow", FLOWS)
def test_every_function_of_a_flow_exists(flow: str) -> None:
    assert len(steps(flow)) > 5
    assert [step for step in steps(flow) if not exists(step)] == []


@pytest.mark.parametrize("flow", FLOWS)
def test_the_functions_of_a_flow_run_in_the_order_in_which_they_are_named(flow: str) -> None:
    """From the step in bold on, following the code, each is reached, and first reached in this order."""
    for part in segments(flow):
        assert first_visits(part[0], part) == part


@pytest.mark.parametrize("flow", FLOWS)
def test_only_what_is_started_from_outside_is_in_bold(flow: str) -> None:
    parts = segments(flow)
    reached = [
        later[0]
        for n, part in enumerate(parts)
        for later in parts[n + 1 :]
        if later[0] in first_visits(part[0], [*part, later[0]])
    ]
    assert reached == []


# ---------------------------------------------------------------- the words


def test_the_glossary_explains_every_word_once() -> None:
    terms = [term for row in ARCHITECTURE.table("say") for term in row[0].split(", ")]
    assert len(terms) == len(set(terms))
    for row in ARCHITECTURE.table("say"):
        assert len(row[0].split(", ")) == len(row[1].split("; ")), row
    types = next(row[1].split("; ")[1] for row in ARCHITECTURE.table("say") if "movement type" in row[0])
    assert set(types.split(", ")) == set(MovementType)
