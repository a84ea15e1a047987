"""Speed of the aggregation rules against crowd-kit on MMLU-Pro's ten-option part, as ratios in one run: make bench.

CPU seconds, the best of several repetitions in turn (ours, theirs, ours, ...), so that a busy moment hits both. A
missed target is printed, never raised: seconds depend on the machine. One thread for both sides, because threads that
wait for each other count as CPU seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from helpers.aggregation import AnswerTable, dawid_skene, inverse_surprising_popularity, ow_l
from helpers.aggregation.dawid_skene import fit_confusion, fit_one_coin

MILLION = """
import json, resource, sys, time
import numpy as np
from helpers.aggregation import ow_l, simulate
table = simulate(np.linspace(0.3, 0.9, 20), 10, 1_000_000, seed=0)
before = time.process_time()
ow_l(table)
seconds = time.process_time() - before
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
print(json.dumps([seconds, peak]))
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def table(request) -> AnswerTable:
    if "MMLU_PRO_TABLE" not in os.environ:
        print("\nMMLU_PRO_TABLE is not set: it names the table on which the rules are timed", end="")
    whole = AnswerTable.from_csv(request.getfixturevalue("mmlu_pro_table"))
    return whole.subset(questions=whole.n_options == 10)


@pytest.fixture(scope="module")
def frame(table):
    """The same answers in crowd-kit's long form, made before the clock starts."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: it comes with the peers extra")
    question, model = np.nonzero(table.answers >= 0)
    answers = table.answers[question, model].astype(int)
    return pandas.DataFrame({"task": question, "worker": model, "label": answers})


@pytest.fixture(scope="module")
def peers():
    return pytest.importorskip("crowdkit.aggregation", reason="crowd-kit is not installed: make test installs it")


def cpu_seconds(function) -> float:
    before = time.process_time()
    function()
    return time.process_time() - before


def best_in_turn(ours, theirs, rounds: int) -> tuple[float, float]:
    """Return the least CPU seconds of each, measured in turn after one run that is not counted."""
    ours()
    pairs = [(cpu_seconds(ours), cpu_seconds(theirs)) for _ in range(rounds)]
    return tuple(map(min, zip(*pairs)))


def report(what, measured, target, met) -> None:
    print(f"\n{what:<58} {measured:<34} target {target:<10} {'met' if met else 'MISSED'}", end="")


def report_ratio(what, ours, theirs, target=None) -> None:
    ratio = theirs / ours
    measured = f"{ratio:7.1f} x  ({ours:.4f} s to {theirs:.3f} s)"
    if target is None:
        print(f"\n  {what:<56} {measured}", end="")
    else:
        report(what, measured, f">= {target} x", ratio >= target)


@pytest.mark.filterwarnings("ignore")
def test_ow_l_against_mmsr(table, frame, peers):
    ours, theirs = best_in_turn(lambda: ow_l(table), lambda: peers.MMSR().fit_predict(frame), 3)
    report_ratio("OW-L against crowd-kit's MMSR", ours, theirs, 100)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("one_coin, target", [(True, 10), (False, 3)], ids=["one-coin", "full"])
def test_dawid_skene_against_crowd_kit(table, frame, peers, one_coin, target):
    """As each comes out of the box: ours until no probability moves by 1e-8, theirs until its bound stops rising."""
    name = "OneCoinDawidSkene" if one_coin else "DawidSkene"
    kind = getattr(peers, name)
    ours, theirs = best_in_turn(lambda: dawid_skene(table, one_coin=one_coin),
                                lambda: kind().fit_predict(frame), 3)
    report_ratio(f"{'one-coin' if one_coin else 'full'} Dawid-Skene against crowd-kit's {name}", ours, theirs, target)

    fit = fit_one_coin if one_coin else fit_confusion
    few, many = (seconds_for_steps(steps, table, frame, fit, kind) for steps in (2, 12))
    report_ratio("the same, per EM step", *((long - short) / 10 for short, long in zip(few, many)))


def seconds_for_steps(steps, table, frame, fit, kind) -> tuple[float, float]:
    """Return the CPU seconds of exactly so many EM steps, ours and theirs, on equal terms."""
    return best_in_turn(lambda: fit(table, "estimated", 0.0, steps=steps, tolerance=0.0),
                        lambda: kind(n_iter=steps, tol=-np.inf).fit(frame), 3)


def test_literal_isp(table):
    inverse_surprising_popularity(table)
    seconds = min(cpu_seconds(lambda: inverse_surprising_popularity(table)) for _ in range(5))
    report("literal ISP", f"{seconds:7.3f} s", "< 0.3 s", seconds < 0.3)


def test_a_million_questions():
    """In a process of its own, whose peak memory also holds Python, numpy and the simulation of the answers."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    runs = [subprocess.run([sys.executable, "-c", MILLION], check=True, stdout=subprocess.PIPE, env=environment)
            for _ in range(3)]
    seconds, peak = map(min, zip(*(json.loads(run.stdout) for run in runs)))
    report("a million questions, 20 models, 10 options, by OW-L", f"{seconds:7.3f} s", "< 2 s", seconds < 2)
    report("peak memory of that process", f"{peak:7.2f} GiB", "< 1.5 GB", peak * 1.0737 < 1.5)
    print()
