"""The scenes: each puts a database under load, does its harm, and judges what is there at the end."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.chaos.pairs import pair
from tests.chaos.places import (
    Embedded,
    Own,
    Place,
    embedded_in,
    kill_backend,
    kill_in_recovery,
    kill_postmaster,
    kill_server,
    own,
)
from tests.chaos.plan import plan
from tests.chaos.postman import Postman
from tests.chaos.programs import Programs
from tests.chaos.surroundings import LOG, TABLES, NotHere, moved_clock, small_disk
from tests.support.servers import new_folder
from tests.support.shared.tally import Crowd, judge

VARIANTS = 5
_BEGAN = "select backend_start from pg_stat_activity where backend_type = 'checkpointer'"
Harm = Callable[[], None]


@dataclass
class Report:
    """What a scene did: by kind of harm the seconds until people and Stripe were answered, and what was wrong then."""

    scene: str
    waits: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    operations: int = 0
    payments: int = 0
    faults: list[str] = field(default_factory=list)
    skipped: str = ""


@dataclass
class Load:
    """A database under load, and the programs that serve it."""

    report: Report
    crowd: Crowd
    postman: Postman
    programs: Programs

    def until_silent(self) -> None:
        """Wait until nobody was answered for a second."""
        end = time.monotonic() + 60
        while True:
            seen = len(self.crowd.tally.answered)
            time.sleep(1)
            if len(self.crowd.tally.answered) == seen:
                return
            assert time.monotonic() < end, "the database answers all the same"

    def suffer(self, kind: str, harm: Harm, *, stripe: bool = True) -> None:
        """Do the harm, and note how long it takes until people, and Stripe, are answered again."""
        began = time.monotonic()
        harm()
        self.crowd.until_answered(20)
        people = time.monotonic() - began
        if stripe:
            self.postman.until_accepted(2)
        self.report.waits[kind].append((people, time.monotonic() - began))


@contextmanager
def under_load(report: Report, place: Place, folder: Path) -> Iterator[Load]:
    """Put a database under load; at the end, judge it."""
    shop = place.shop
    variants = [shop.variant(100_000, sku=f"CHAOS-{number}") for number in range(VARIANTS)]
    programs = Programs(place.environment, folder)
    try:
        programs.until_ready()
        crowd = Crowd(shop.engine, variants, pause=0.02)
        postman = Postman(shop, programs.url, [f"CHAOS-{number}" for number in range(VARIANTS)])
        with crowd.at_work(), postman.at_work():
            crowd.until_answered(20)
            postman.until_accepted(2)
            yield Load(report, crowd, postman, programs)
            crowd.until_answered(20)
    finally:
        programs.end()
    shop.engine.dispose()
    shop.owner.dispose()
    report.operations, report.payments = len(crowd.tally.answered), len(postman.accepted)
    report.faults += postman.faults() + judge(crowd.tally, shop)


@contextmanager
def logs() -> Iterator[Path]:
    """A folder for the logs of the programs, or for the data, too."""
    folder = new_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(load: Load, harms: Mapping[str, Harm], seed: int, until: float) -> None:
    """Do each harm once, then any, until the time is over."""
    for number, kind in enumerate(plan(seed, list(harms))):
        if number >= len(harms) and time.monotonic() > until:
            return
        load.suffer(kind, harms[kind])


def everything(load: Load, place: Place) -> None:
    """Kill all programs and the whole server."""
    load.programs.dashboard.kill()
    load.programs.worker.kill()
    kill_server(place)


def harms_of(load: Load, place: Place) -> dict[str, Harm]:
    """Return the kills that every place knows."""
    return {
        "worker": load.programs.worker.kill,
        "dashboard": load.programs.dashboard.kill,
        "backend": partial(kill_backend, place),
        "postmaster": partial(kill_postmaster, place),
        "postmaster in recovery": partial(kill_in_recovery, place),
        "whole server": partial(kill_server, place),
        "everything": partial(everything, load, place),
    }


def kills_on_own(seed: int, seconds: float) -> Report:
    """Kills on a server of one's own, through PgBouncer in transaction mode."""
    report, until = Report("own database, PgBouncer"), time.monotonic() + seconds
    with own() as place, logs() as folder, under_load(report, place, folder) as load:
        assert isinstance(place, Own)
        pooler: dict[str, Harm] = {"PgBouncer": place.kill_pooler} if place.pooler else {}
        sweep(load, harms_of(load, place) | pooler, seed, until)
        if not place.pooler:
            report.skipped = "PgBouncer is not installed"
    return report


def kills_on_embedded(seed: int, seconds: float) -> Report:
    """Kills on the embedded server, which its users start again."""
    report, until = Report("embedded database"), time.monotonic() + seconds
    with logs() as folder, embedded_in(folder) as place, under_load(report, place, folder) as load:
        assert isinstance(place, Embedded)
        sweep(load, harms_of(load, place), seed, until)
    return report


def promotions(_: int, __: float) -> Report:
    """A replica is promoted after its primary was lost, and then the next one after that."""
    report = Report("two hosts")
    with pair() as place, logs() as folder, under_load(report, place, folder) as load:
        load.suffer("primary lost, replica promoted", place.fail_over)
        place.repair()
        load.crowd.until_answered(50)
        load.suffer("primary lost, replica promoted", place.fail_over)
    return report


def full_disk(_: int, __: float) -> Report:
    """The disk of the embedded server is full for a while."""
    report = Report("embedded database, small disk")
    try:
        with (
            small_disk() as disk,
            embedded_in(disk.folder) as place,
            logs() as folder,
            under_load(report, place, folder) as load,
        ):
            assert isinstance(place, Embedded)
            began = place.shop.sql(_BEGAN)
            for what, use_up in (("disk full", TABLES), ("disk full, log too", LOG)):
                disk.fill(place, use_up)
                load.until_silent()
                load.suffer(f"{what}, then room again", disk.make_room)
            place.shop.owner.dispose()
            assert place.shop.sql(_BEGAN) != began, "the server did not die of the full disk"
    except NotHere as error:
        report.skipped = str(error)
    return report


def jumping_clock(_: int, __: float) -> Report:
    """The clock of server, dashboard and worker jumps. Stripe's messages are refused while it is hours off."""
    report = Report("own database, clock")
    try:
        with moved_clock() as clock, own() as place, logs() as folder, under_load(report, place, folder) as load:
            for hours in (26, -26, 0):
                load.crowd.until_answered(50)
                load.suffer(f"clock {hours:+} hours", partial(clock.set, hours * 3600), stripe=hours == 0)
                seen = float(place.shop.sql("select extract(epoch from clock_timestamp())"))
                assert abs(seen - time.time() - hours * 3600) < 60, "the server's clock did not jump"
            for minutes in (4, -4, 0):
                load.suffer(f"clock {minutes:+} minutes", partial(clock.set, minutes * 60))
    except NotHere as error:
        report.skipped = str(error)
    return report


SCENES: dict[str, Callable[[int, float], Report]] = {
    "own": kills_on_own,
    "embedded": kills_on_embedded,
    "promoted": promotions,
    "full": full_disk,
    "clock": jumping_clock,
}
