"""Each command of the Dockerfile and of compose.yaml, run as a plain script in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml  # type: ignore[import-untyped]

from core.foundation.addresses import libpq_url
from tests.support.dashboards import free_port
from tests.support.servers import Server, administer, drop_database, new_folder

ROOT = Path(__file__).resolve().parents[3]
NAME = "in_containers"

pytestmark = pytest.mark.slow


@dataclass
class Image:
    """What the Dockerfile makes: a folder with the project, its variables, and its commands."""

    folder: Path
    variables: dict[str, str]
    commands: list[str]
    start: list[str]

    def run(self, command: list[str] | str, **more: str) -> subprocess.Popen[str]:
        """Start a command as a container does: with the variables it names, and no others."""
        variables = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **self.variables, **more}
        words = shlex.split(command) if isinstance(command, str) else command
        return subprocess.Popen(
            words, cwd=self.folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def instructions() -> list[tuple[str, str]]:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The copy, after each RUN was run. pip finds all packages in place and asks nobody."""
    folder = new_folder()
    said = instructions()
    shutil.copytree(ROOT, folder / "app", ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache"))
    variables = dict(pair.split("=") for word, rest in said if word == "ENV" for pair in rest.split())
    start: list[str] = next(json.loads(rest) for word, rest in said if word == "CMD")
    commands = [rest for word, rest in said if word == "RUN"]
    yield Image(folder / "app", variables | {"STOCKROOM_DATA": str(folder / "data")}, commands, start)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found


@pytest.fixture(scope="module")
def urls(embedded: Server) -> Iterator[dict[str, str]]:
    """An empty database, as the file .env names it."""
    administer(embedded, f"create database {NAME}")
    yield {
        "DATABASE_URL": libpq_url(embedded.url(NAME, "stockroom_app")),
        "STOCKROOM_OWNER_URL": libpq_url(embedded.url(NAME)),
    }
    drop_database(embedded, NAME, at_once=True)


def environment(service: dict[str, Any], urls: dict[str, str]) -> dict[str, str]:
    """The variables of a service, with those of .env put in."""

    def put(match: re.Match[str]) -> str:
        return urls.get(match[1], match[2] or "")

    return {name: re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", put, value) for name, value in service["environment"].items()}


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def passes(process: subprocess.Popen[str]) -> bool:
    process.communicate(timeout=60)
    return process.returncode == 0


def test_the_image_is_built_by_commands_that_work(image: Image) -> None:
    for command in image.commands:
        finish(image.run(command, PIP_NO_INDEX="1", PIP_DRY_RUN="1", PIP_BREAK_SYSTEM_PACKAGES="1"))
    assert list((image.folder / "core/__pycache__").glob("*.pyc"))


def test_the_services_migrate_serve_work_and_stop_as_the_file_says(
    image: Image, services: dict[str, Any], urls: dict[str, str]
) -> None:
    assert "up to date" in finish(image.run(services["migrate"]["command"], **environment(services["migrate"], urls)))
    assert "STOCKROOM_OWNER_URL" not in environment(services["first"], urls), "the owner's account only migrates"
    assert services["second"] == services["first"]
    port = free_port()
    started = time.monotonic()
    dashboard = image.run(image.start, STOCKROOM_PORT=str(port), **environment(services["first"], urls))
    worker = image.run(services["worker"]["command"], **environment(services["worker"], urls))
    try:
        assert worker.stdout is not None
        assert "The worker is ready" in worker.stdout.readline()
        kind, *check = services["first"]["healthcheck"]["test"]
        assert kind == "CMD"
        check = [word.replace("8501", str(port)) for word in check]
        while not passes(image.run(check)):
            assert time.monotonic() - started < 90, "the health check does not pass"
            assert dashboard.poll() is None, dashboard.communicate()
            time.sleep(0.3)
        for process in (worker, dashboard):
            process.send_signal(signal.SIGTERM)
        assert "The worker has stopped." in finish(worker)
        assert f"http://127.0.0.1:{port}/welcome?token=" in finish(dashboard)
    finally:
        for process in (worker, dashboard):
            process.kill()
            process.communicate()


def test_the_proxy_gets_what_its_file_reads_and_is_the_one_that_is_trusted(services: dict[str, Any]) -> None:
    proxy, dashboard = services["proxy"], services["first"]
    read = set(re.findall(r"\{\$(\w+):", (ROOT / "docs/Caddyfile").read_text(encoding="utf-8")))
    assert set(proxy["environment"]) <= read
    assert proxy["volumes"][0] == "./docs/Caddyfile:/etc/caddy/Caddyfile:ro"
    assert proxy["environment"]["DASHBOARDS"].split() == ["first:8501", "second:8501"]
    assert dashboard["environment"]["STOCKROOM_TRUSTED_PROXIES"] == proxy["networks"]["shop"]["ipv4_address"]


def test_a_database_that_the_owner_has_set_up_is_served_with_the_apps_rights(urls: dict[str, str]) -> None:
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        assert connection.execute("select count(*) from stockroom_api.levels").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from stockroom.users")
