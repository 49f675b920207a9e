"""Tidy: what belongs to the project speaks of the project alone, never of where or with what it was made."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

from tests.house.reading import ROOT, name, texts

HERE = "tests/house/test_tidy.py"
# Documents, licences and standards that are named on purpose; everything else a link may lead to is an example.
KNOWN_HOSTS = {
    "www.w3.org",
    "www.apache.org",
    "dashboard.stripe.com",
    "scripts.sil.org",
    "openfontlicense.org",
    "github.com",
    "doi.org",
    "keepachangelog.com",
    "semver.org",
    "www.standardwebhooks.com",
    "schemas.openxmlformats.org",
    "localhost",
}
EXAMPLE = re.compile(r"(.+\.)?example(\.(com|org|net))?|127(\.\d+){0,3}|0\.0\.0\.0", re.IGNORECASE)
HOST = re.compile(r"\b(?:https?|wss?|ftp)://(?:[^\s/@\"']+@)?([A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9])")
HOME = re.compile(r"(?<![\w.~$}-])/(?:root|home|Users|work|workspace|mnt|opt|srv|data)/[\w.-]+|\b[A-Z]:\\\\?Users")
MADE_WITH = re.compile(
    r"co-authored-by|\b(?:language model|chat ?bot|sub-?agent|coding assistant|pair programm\w+ with)\b"
    r"|\b(?:generated|written|made) (?:with|by) (?:an? )?(?:ai|llm|model|assistant|agent)\b|\bLLMs?\b",
    re.IGNORECASE,
)
NEVER_TRACKED = re.compile(
    r"(^|/)(\.venv|__pycache__|\.env|node_modules|\.DS_Store|secrets\.toml|.*\.(pyc|log|dump|orig|rej))(/|$)"
)


def tracked() -> list[str]:
    """The files git knows, where this is a clone; else those that belong to the project."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [path for path in found.stdout.split("\0") if path] or [path for path, _ in texts()]


def tracked_texts() -> Iterator[tuple[str, str]]:
    for path in sorted({ROOT / path for path in tracked()}):
        try:
            yield name(path), path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture, a font; or removed but not yet committed


def found(pattern: re.Pattern[str]) -> dict[str, str]:
    return {path: match[0] for path, text in tracked_texts() if path != HERE and (match := pattern.search(text))}


def test_every_address_is_an_example_or_a_document_named_on_purpose() -> None:
    hosts = {(path, host) for path, text in tracked_texts() for host in HOST.findall(text)}
    assert {(path, host) for path, host in hosts if host not in KNOWN_HOSTS and not EXAMPLE.fullmatch(host)} == set()


def test_no_list_of_packages_says_where_they_come_from() -> None:
    lists = [ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt", ROOT / "pyproject.toml"]
    assert [name(path) for path in lists if re.search(r"^\s*-|^[\w.-]+ @ |://", path.read_text(), re.M)] == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert found(HOME) == {}


def test_no_file_says_what_it_was_made_with() -> None:
    assert found(MADE_WITH) == {}


def test_nothing_that_a_machine_leaves_behind_is_kept() -> None:
    assert [path for path in tracked() if NEVER_TRACKED.search(path)] == []
