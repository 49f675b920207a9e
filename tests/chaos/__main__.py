"""`python -m tests.chaos`: run the scenes and print what each did; exit code 1 if something is wrong at the end.

`--only NAME ...` runs some, `--seed` repeats a run's choices, `--seconds` is how long each of the sweeps goes on.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time

from tests.chaos.scenes import SCENES, Report


def main() -> int:
    """Run the scenes."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SCENES, default=list(SCENES))
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--seconds", type=float, default=40, help="of each sweep of kills")
    wanted = parser.parse_args()
    logging.getLogger("stockroom").setLevel(logging.CRITICAL)  # the outages are on purpose
    print(
        f"seed {wanted.seed}\n\n| scene | harm | times | people wait | Stripe waits |\n| --- | --- | --- | --- | --- |",
        flush=True,
    )
    began, reports = time.monotonic(), list[Report]()
    for name in wanted.only:
        try:
            reports.append(SCENES[name](wanted.seed, wanted.seconds))
        except AssertionError as error:
            reports.append(Report(name, faults=[f"ended before its time: {error}"]))
        for kind, waits in reports[-1].waits.items():
            people, stripe = (max(column) for column in zip(*waits, strict=True))
            print(f"| {reports[-1].scene} | {kind} | {len(waits)} | {people:.1f} s | {stripe:.1f} s |", flush=True)
    print("\n| scene | answered operations | accepted payments | faults |\n| --- | --- | --- | --- |")
    for report in reports:
        print(f"| {report.scene} | {report.operations:,} | {report.payments:,} | {len(report.faults)} |")
    for report in reports:
        for line in ([report.skipped] if report.skipped else []) + report.faults[:20]:
            print(f"{report.scene}: {line}")
    print(f"\n{time.monotonic() - began:.0f} seconds")
    return 1 if any(report.faults for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
