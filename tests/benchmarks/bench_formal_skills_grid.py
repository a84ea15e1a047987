"""How long the grid of module 4 takes, projected from a slice of it: make bench.

On two processes, as it is recorded. The tasks whose skills start no program are timed apart from code_repair.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

from helpers.formal_skills.experiments import ARMS, SEEDS, SLOPPINESS, row, taught
from helpers.formal_skills.sloppy import Sloppy
from helpers.formal_skills.tasks import NAMES

SEVEN = [arm for arm in ARMS if "," not in arm]  # the controls that came later make the grid longer
RUNS = len(NAMES) * len(SLOPPINESS) * len(SEEDS)  # of one arm


def line(what: str, measured: str, target: float = 0.0, seconds: float = 0.0) -> None:
    said = f"   target {target:.0f} s {'met' if seconds < target else 'NOT MET'}" if target else ""
    print(f"{what:<62} {measured:>34}{said}")


def one(arm: str, task: str, p: float, seed: int) -> dict:
    return row(arm, task, p, seed, Sloppy(p, seed))


def test_the_grid():
    seconds, others = {}, tuple(name for name in NAMES if name != "code_repair")  # which starts programs
    print()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(one, ["formal"] * 4, ["ticket_triage"] * 4, [0.0] * 4, range(4)))
        for what, tasks in (("code_repair", ("code_repair",)), ("the five tasks without programs", others)):
            some = list(product(SEVEN, tasks, SLOPPINESS[::2], SEEDS[:2]))
            begin = time.perf_counter()
            list(pool.map(one, *zip(*some), chunksize=4))
            took = time.perf_counter() - begin
            seconds[what] = took * len(SEVEN) * RUNS / len(NAMES) * len(tasks) / len(some)
            line(f"{what}: {len(some)} runs, one of them", f"{took:.1f} s, {1000 * took / len(some):.0f} ms")
    both, apart = sum(seconds.values()), seconds["the five tasks without programs"]
    line("seven arms on two processes, projected", f"{both:.0f} s", 600, both)
    line("of these the five tasks without programs", f"{apart:.0f} s", 60, apart)
    line(f"all {len(ARMS)} arms, projected", f"{both / len(SEVEN) * len(ARMS):.0f} s")


def test_the_learned_driver():
    begin = time.perf_counter()
    driver = taught("evidence_matrix", 0.2)
    taught_in, begin = time.perf_counter() - begin, time.perf_counter()
    for arm in ARMS:
        row(arm, "evidence_matrix", 0.2, SEEDS[0], driver)
    learned = time.perf_counter() - begin
    line("to teach a driver, on one process; a run of it", f"{taught_in:.1f} s, {1000 * learned / len(ARMS):.0f} ms")
