"""The judge of the open exercise: a comparison of three variants within a budget, on recorded trainings."""

from __future__ import annotations

import math
from functools import cache, partial
from statistics import mean

from helpers.course import Mistake

from .experiments import DATA
from .results import Sweep

JUDGED, BUDGET, SEEDS_AT_LEAST, CLOSE = ("lora", "pissa", "randlora"), 60, 3, 2.5


@cache
def recorded() -> Sweep:
    """Return the committed main sweep."""
    return Sweep.load(DATA / "main.json")


def pretended():
    """Return made-up functions `train` and `test`, in which every method has its own hill of rates."""
    def score(method, rate, seed, part):
        return 80 - 9 * abs(math.log10(rate) + 4 - JUDGED.index(method)) + math.sin(99 * rate + 7 * seed + part)

    return partial(score, part=0), partial(score, part=5)


class Desk:
    """Hands out recorded trainings, and writes down what was asked for."""

    def __init__(self):
        sweep = recorded()
        self.rows = {(row["method"], row["rate"], row["seed"]): row for row in sweep.rows if row["method"] in JUDGED}
        self.rates, self.seeds = tuple(map(float, sweep.rates)), tuple(sweep.seeds)
        self.trained: list[tuple] = []
        self.tested: list[tuple] = []
        self.late = 0

    def train(self, method: str, rate: float, seed: int) -> float:
        """Return a training's exact answers on validation; the first call for a training counts against the budget."""
        self.late += bool(self.tested)
        if (method, rate, seed) not in self.trained:
            self.trained.append((method, rate, seed))
        return self.rows[method, rate, seed]["validation_exact"]

    def test(self, method: str, rate: float, seed: int) -> float:
        """Return a training's exact answers on test."""
        self.tested.append((method, rate, seed))
        return self.rows[method, rate, seed]["test_exact"]


def complaint(desk: Desk, answer) -> str | None:
    """Return what is unfair about a comparison, or None."""
    if not isinstance(answer, dict) or set(answer) != set(JUDGED):
        return f"expected a dict with a score for each of {', '.join(JUDGED)}, got {answer!r}"
    counts = {method: sum(each[0] == method for each in desk.trained) for method in JUDGED}
    if sum(counts.values()) > BUDGET:
        return f"{sum(counts.values())} trainings, the budget is {BUDGET}"
    if len(set(counts.values())) > 1:
        return f"the methods do not have equally many trainings: {counts}"
    if desk.late:
        return "something was trained after a test score was seen"
    if untrained := set(desk.tested) - set(desk.trained):
        return f"{sorted(untrained)[0]} was scored on test and never trained; validation can not have chosen it"
    for method in JUDGED:
        mine = {each for each in desk.tested if each[0] == method}
        seeds = [seed for _, _, seed in mine]
        if len(seeds) > len(set(seeds)):
            return f"{method}: two rates of one seed were scored on test; validation has to choose"
        if len(seeds) < SEEDS_AT_LEAST:
            return f"{method}: {len(seeds)} seeds on test; one run or two say little"
        if abs(answer[method] - mean(desk.rows[each]["test_exact"] for each in mine)) > 1e-6:
            return f"{method}: what is returned is not the mean of its test scores"
    return None


def fair(compare) -> tuple[bool, str]:
    """Return whether a comparison is fair, within the budget, and near each method's tuned score."""
    desk = Desk()
    answer = compare(desk.train, desk.test, JUDGED, desk.rates, desk.seeds)
    if wrong := complaint(desk, answer):
        return False, wrong + "."
    tuned = {method: recorded().best(method).score for method in JUDGED}
    far = [method for method in JUDGED if answer[method] < tuned[method] - CLOSE]
    found = ", ".join(f"{method} {answer[method]:.1f} (all 180 give {tuned[method]:.1f})" for method in JUDGED)
    return not far, f"{len(desk.trained)} trainings: {found}." + (f" Too far off: {', '.join(far)}." if far else "")


def one_rate_for_all(train, test, methods, rates, seeds):
    """One rate for all methods: is that the comparison that this notebook is about?"""
    scores = {rate: train("lora", rate, seeds[0]) for rate in rates}
    rate = max(scores, key=scores.get)
    for method in methods:
        for seed in seeds:
            train(method, rate, seed)
    return {method: mean(test(method, rate, seed) for seed in seeds) for method in methods}


def chosen_on_test(train, test, methods, rates, seeds):
    """Which scores chose the rate?"""
    for method in methods:
        for rate in rates[::2]:
            for seed in seeds[:3]:
                train(method, rate, seed)
    return {method: max(mean(test(method, rate, seed) for seed in seeds[:3]) for rate in rates[::2])
            for method in methods}  # fmt: skip


def everything(train, test, methods, rates, seeds):
    """How many trainings is that, with which seeds, and can you look coarsely first?"""
    found = {}
    for method in methods:
        scores = {rate: mean(train(method, rate, seed) for seed in seeds) for rate in rates}
        found[method] = max(scores, key=scores.get)
    return {method: mean(test(method, rate, seed) for seed in seeds) for method, rate in found.items()}


def one_seed(train, test, methods, rates, seeds):
    """One seed: how far apart are two runs of one method?"""
    found = {}
    for method in methods:
        scores = {rate: train(method, rate, seeds[0]) for rate in rates}
        found[method] = max(scores, key=scores.get)
    return {method: test(method, rate, seeds[0]) for method, rate in found.items()}


def more_for_lora(train, test, methods, rates, seeds):
    """Do all methods get equally many tries?"""
    found = {}
    for method in methods:
        tried = rates if method == "lora" else rates[::3]
        scores = {rate: train(method, rate, seeds[0]) for rate in tried}
        found[method] = max(scores, key=scores.get)
        for seed in seeds[1:3]:
            train(method, found[method], seed)
    return {method: mean(test(method, rate, seed) for seed in seeds[:3]) for method, rate in found.items()}


MISTAKES = tuple(Mistake(answer.__name__, answer, answer.__doc__)
                 for answer in (one_rate_for_all, chosen_on_test, everything, one_seed, more_for_lora))  # fmt: skip
