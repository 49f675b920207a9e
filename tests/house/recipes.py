"""The recipes of CONTRIBUTING.md as edits: what a person would type, file by file, in a copy of the project."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.foundation.sales import AlertKind
from tests.house.documents import ROOT, Document

Change = Callable[[str], str]
NEXT, BEFORE = "NNNN", "PPPP"
"""Stand for the numbers of the next revision and of the one before it."""
REVISION = f"core/migrations/versions/{NEXT}_name"
LEFT_OUT = (".venv", ".git", ".*_cache", ".hypothesis")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change to one file: `change` gets its text, which is empty for a file that is new."""

    file: str
    change: Change


def new(file: str, text: str) -> Edit:
    """A file that was not there."""
    return Edit(file=file, change=lambda before: text.lstrip("\n") if not before else _clash(file))


def after(file: str, line: str, text: str) -> Edit:
    """`text` behind the one line that begins with `line`, whatever its indentation."""
    return Edit(file=file, change=lambda before: _beside(file, before, line, lambda found: f"{found}\n{text}"))


def inside(file: str, old: str, text: str) -> Edit:
    """`text` in place of `old`, which occurs once."""

    def change(before: str) -> str:
        assert before.count(old) == 1, f"{file} has {old!r} {before.count(old)} times"
        return before.replace(old, text)

    return Edit(file=file, change=change)


def paragraph(heading: str, text: str) -> Edit:
    """A paragraph of the runbook, before the one about R1."""

    def change(before: str) -> str:
        return re.sub(r"^(#+) R1: ", rf"\1 {heading}\n\n{text}\n\n\1 R1: ", before, count=1, flags=re.MULTILINE)

    return Edit(file="docs/runbook.md", change=change)


def revision(first_line: str, sql: str) -> list[Edit]:
    """The two files of a migration: the newest one's Python under the next number, and its own SQL."""
    newest = max((ROOT / "core" / "migrations" / "versions").glob("*.py"))
    number = newest.name[:4]
    python = newest.read_text(encoding="utf-8").partition("\n")[2]
    python = re.sub(r'down_revision = ".*"', f'down_revision = "{BEFORE}"', python.replace(number, NEXT))
    header = "Run once, as stockroom_owner; correct by adding a revision, never by editing this text."
    return [
        new(f"{REVISION}.py", f'"""{first_line}\n{python}'),
        new(f"{REVISION}.sql", f"-- {first_line} {header}\n\n{sql.strip()}\n"),
    ]


def _beside(file: str, before: str, line: str, change: Change) -> str:
    found = re.findall(rf"^ *{re.escape(line)}.*$", before, re.MULTILINE)
    assert len(found) == 1, f"{file} has {len(found)} lines that begin with {line!r}"
    return before.replace(found[0] + "\n", change(found[0]) + "\n")


def _clash(file: str) -> str:
    raise AssertionError(f"{file} is there already")


REASON = [
    *revision(
        "A gift to a customer is a reason of its own.",
        """
insert into stockroom.reasons (movement_type, reason, label, sign, note_required, by_hand) values
    ('adjustment', 'gift', 'Gift to a customer', -1, false, true);""",
    ),
    inside("docs/moving-in.md", "`donation`", "`donation`, `gift`"),
    after("tests/core/foundation/test_errors_in_step.py", '"donation": -1,', '        "gift": -1,'),
]

COLUMN = [
    *revision(
        "Where a variant lies.",
        """
-- The shelf of a variant, as people call it.
alter table public.product_variants
    add column shelf text constraint product_variants_shelf_check check (length(shelf) between 1 and 40);""",
    ),
    inside(
        "core/sql/20_ledger/4_reads.sql",
        "v.last_moved_at, v.last_counted_at,\n",
        "v.last_moved_at, v.last_counted_at, v.shelf,\n",
    ),
    after("core/foundation/model.py", "state: str", "    shelf: str | None = None"),
    after(
        "dashboard/stock/variant.py",
        "moved, counted = words.ago(",
        '    if row.shelf:\n        st.caption(tr("On shelf {shelf}", shelf=words.plain(row.shelf)))',
    ),
]

PAGE = [
    Edit(
        file="core/screens/stock.py",
        change=lambda before: (
            f"{before}\n\n"
            "def labels(connection: Connection, actor: Actor) -> tuple[LevelRow, ...]:\n"
            '    """Return the first variants by SKU, to print their labels."""\n'
            "    return reports.levels(connection, actor, sort=LevelSort.SKU, limit=100).rows\n"
        ),
    ),
    new(
        "dashboard/labels/__init__.py",
        '"""The Labels page.\n\n`listing` draws its table.\n\nUses: nothing of ours.\n"""\n',
    ),
    new(
        "dashboard/labels/listing.py",
        '''
"""The codes to print, one row a variant."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.foundation.model import LevelRow


def show(rows: Sequence[LevelRow]) -> None:
    """Show the SKU and barcode of each variant."""
    st.dataframe(pd.DataFrame({"sku": [row.sku for row in rows], "barcode": [row.barcode for row in rows]}))
''',
    ),
    new(
        "pages/labels.py",
        '''
"""Labels: the codes of all variants, to print."""

from core.screens import stock as screens
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.labels import listing

person = session.actor()
with frame.page("Labels", person):
    listing.show(session.run(screens.labels))
''',
    ),
    after(
        "dashboard/frame/navigation.py",
        'groups["Warehouse"].append(_page("catalog"',
        '    groups["Warehouse"].append(_page("labels", "Labels", "label"))',
    ),
    inside("tests/house/test_law.py", '"settings",\n', '"settings",\n    "labels",\n'),
    inside("ARCHITECTURE.md", "    settings\n    views\n", "    settings\n    labels\n    views\n"),
    new(
        "tests/dashboard/labels/test_labels.py",
        '''
"""Labels: every variant with its codes."""

from __future__ import annotations

from tests.dashboard.tabs import Tabs, table, tabs
from tests.support.builders import Shop

__all__ = ["tabs"]


def test_the_page_shows_the_codes_of_every_variant(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(sku="A-1", barcode="40000000017")
    assert table(tabs.open("Wanda", "labels"), "sku").values.tolist() == [["A-1", "40000000017"]]
''',
    ),
]

_KINDS = (*map(str, AlertKind), "clock_wrong")
ALERT = [
    *revision(
        "A wrong clock is a case of its own kind.",
        f"""
-- What a case can be about is what AlertKind knows.
alter table stockroom.alerts drop constraint alerts_kind_check;
alter table stockroom.alerts add constraint alerts_kind_check check (kind in {_KINDS});""",
    ),
    after("core/foundation/sales.py", 'SLOWDOWN = "slowdown"', '    CLOCK_WRONG = "clock_wrong"'),
    inside(
        "core/sql/40_alerts/1_cases.sql", "'slowdown', 'database_died')", "'slowdown', 'database_died', 'clock_wrong')"
    ),
    after("dashboard/language/sales.py", "AlertKind.SLOWDOWN:", '        AlertKind.CLOCK_WRONG: "Clock is wrong",'),
    paragraph(
        "Clock is wrong",
        "The clock of this machine differs from Stripe's by more than a minute, so signed messages are refused as too\n"
        "old. Turn on time synchronisation. The case ends by itself with the next good message.",
    ),
]

CHECK = [
    after(
        "core/sql/60_proof/3_house_faults.sql",
        "where v.reserved_quantity <> coalesce(h.held, 0);",
        """
-- R14: no variant costs more than it is sold for.
create view stockroom_api.price_faults as
select v.id as variant_id, v.sku, v.price, v.unit_cost
  from public.product_variants v
 where v.unit_cost > v.price;""",
    ),
    inside(
        "core/sql/60_proof/4_runs.sql",
        "'f.sku, f.variant_sequence, f.month')\n",
        "'f.sku, f.variant_sequence, f.month'),\n"
        "    (14, 'R14', 'price_faults', 'public.product_variants', null, null, false, 'f.sku')\n",
    ),
    inside(
        "core/proof/words.py",
        "CHECKS: dict[",
        "def _tell_price(fault: Fault) -> str:\n"
        "    return f\"{fault['sku']} costs {fault['unit_cost']} and is sold for {fault['price']}\"\n\n\nCHECKS: dict[",
    ),
    after("core/proof/words.py", '"R13": (', '    "R14": ("No variant costs more than it is sold for", _tell_price),'),
    paragraph("R14: a variant costs more than it is sold for", "Correct the price or the cost with a catalogue file."),
]

RECIPES = {
    "A movement reason": REASON,
    "A column": COLUMN,
    "A page": PAGE,
    "An alert kind": ALERT,
    "A check": CHECK,
}


def named_files(recipe: str) -> list[str]:
    """The files that a recipe of CONTRIBUTING.md says to change, in its order."""
    section = Document("CONTRIBUTING.md").under(recipe).partition("\n### ")[0]
    steps = re.findall(r"^\d+\. ((?:(?:`[^`]+`|\[.+?\]\(.+?\))(?:, )?)+):", section, re.MULTILINE)
    written = [file for step in steps for file in re.findall(r"[`(]([^`(]+)[`)]", step)]
    return [file.replace("<number>_<name>", "NNNN_name").replace("<name>", "labels") for file in written]


def copy_project(folder: Path) -> Path:
    """Copy everything that belongs to the project and return where it is."""
    return Path(shutil.copytree(ROOT, folder / "project", ignore=shutil.ignore_patterns(*LEFT_OUT)))


def follow(project: Path, edits: list[Edit]) -> list[str]:
    """Change the files of a copy and return which they are."""
    newest = max((project / "core" / "migrations" / "versions").glob("*.py")).name[:4]
    numbers = {NEXT: f"{int(newest) + 1:04}", BEFORE: newest}
    touched = []
    for edit in edits:
        path = project / _numbered(edit.file, numbers)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        changed = _numbered(edit.change(before), numbers)
        assert changed != before, edit.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changed, encoding="utf-8")
        touched.append(path.relative_to(project).as_posix())
    return touched


def _numbered(text: str, numbers: dict[str, str]) -> str:
    for placeholder, number in numbers.items():
        text = text.replace(placeholder, number)
    return text
