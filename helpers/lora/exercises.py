"""The exercises of module 3: references, cases, typical mistakes, hints; judges.py judges the open one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch

from helpers.course import Case, Exercise, solution_from, typical

from . import judges
from . import mistakes_rates as by_rate
from . import mistakes_starts as starts

CLOSE = 1e-4


def _draws(seed, *shapes):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=rng) for shape in shapes]


def _layer(seed, alpha, texts=4, n=6, m=5, rank=2):
    return (*_draws(seed, (texts, n), (m, n), (rank, n), (m, rank)), alpha)


def _adam(seed, step, rates, shape=(3, 2)):
    part, gradient, first, second = _draws(seed, *[(len(rates), *shape)] * 4)
    return part, gradient, 0.1 * first, 0.01 * second.abs(), step, torch.tensor(rates)


def _symmetric(seed, values):
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))[0]
    return lambda vector: turn @ (np.array(values) * (turn.T @ vector))


def _tiny(seed):
    part, gradient, first, second, step, rates = _adam(seed, 3, [0.1, 0.2])
    return part, 1e-8 * gradient, 1e-8 * first, 1e-16 * second, step, rates


def _diagonal(values):
    return lambda vector: np.array(values) * vector


def _start(seed, size):
    return np.random.default_rng(seed).standard_normal(size)


def _scores(seed, rates=5, seeds=3):
    rng = np.random.default_rng(seed)
    hill = 80 - 6 * np.abs(np.arange(rates) - rng.uniform(1, rates - 2))[:, None]
    return hill + 9 * rng.standard_normal((rates, seeds)), hill + 9 * rng.standard_normal((rates, seeds))


def _same_split(result):
    """Return what does not depend on the signs of singular vectors: B A, the frozen rest, and A's and B's lengths."""
    a, b, rest = result
    return b @ a, rest, (a * a).sum(1), (b * b).sum(0)


def _solution(name):
    return solution_from("lora", name)


_RATES = np.array([1e-4, 1e-3, 1e-2, 1e-1])
_KNOWN = np.array([1.0, 2.0, 10.0, 60.0]), np.array([2e-4, 1.1e-4, 2e-5, 1.1e-5])

exercises = SimpleNamespace(
    forward=Exercise(
        "forward", "LoRA's forward pass", 1, starts.forward,
        cases=[Case(_layer(1, 2.0), "alpha = rank"), Case(_layer(2, 8.0), "a larger alpha"),
               Case(_layer(3, 3.0, rank=4), "rank 4"), Case(_layer(4, 1.0, texts=1, n=3, m=7, rank=1), "rank 1")],
        mistakes=typical(starts.forward_without_scale, starts.forward_scaled_by_alpha, starts.forward_rank_stabilised,
                         starts.forward_by_columns, starts.forward_change_alone),
        hints=["Two products and a sum: the frozen weight's, and the adapter's.",
               "x @ a.T has as many columns as the rank; multiply that by b.T.",
               "The scale is alpha / len(a)."],
        tolerance=CLOSE, solution=_solution("forward")),
    gradients=Exercise(
        "gradients", "The first gradients", 2, starts.gradients,
        cases=[Case((*_draws(1, (5, 6), (2, 6), (5, 2)), 1.0), "both moved"),
               Case((*_draws(2, (4, 3), (1, 3)), torch.zeros(4, 1), 2.0), "LoRA's start: B = 0"),
               Case((*_draws(3, (3, 7), (3, 7), (3, 3)), 0.5), "scale one half")],
        mistakes=typical(starts.gradients_swapped, starts.gradients_unscaled, starts.gradients_squared_scale,
                         starts.gradients_without_zero, starts.gradients_negative),
        hints=["The weight is W + s B A. If W moves by dW, the loss moves by the sum of gradient * dW.",
               "Put dW = s dB A: which matrix is multiplied with dB entry by entry?",
               "scale * gradient @ a.T for B; for A the transpose of B stands on the left."],
        tolerance=CLOSE, solution=_solution("gradients")),
    pissa=Exercise(
        "pissa", "PiSSA's start", 2, starts.pissa,
        cases=[Case((_draws(1, (6, 5))[0], 2), "tall"), Case((_draws(2, (4, 7))[0], 3), "wide"),
               Case((_draws(3, (5, 5))[0], 5), "full rank: nothing is left")],
        mistakes=typical(starts.pissa_keeps_the_weight, starts.pissa_values_in_b, starts.pissa_twice_the_values,
                         starts.pissa_without_values, starts.milora_instead),
        hints=["torch.linalg.svd(weight, full_matrices=False) gives left, values, right; values fall.",
               "A gets the root of each value times its row of right, B the root times its column of left.",
               "The third result is weight - b @ a."],
        tolerance=1e-3, normalise=_same_split, solution=_solution("pissa")),
    milora=Exercise(
        "milora", "MiLoRA's start", 1, starts.milora,
        cases=[Case((_draws(4, (6, 5))[0], 2), "tall"), Case((_draws(5, (4, 7))[0], 3), "wide"),
               Case((_draws(6, (6, 6))[0], 1), "one direction")],
        mistakes=typical(starts.pissa_instead, starts.milora_keeps_the_weight, starts.milora_without_values,
                         starts.milora_values_in_b),
        hints=["MiLoRA leaves the large directions alone.", "It is PiSSA from the other end.",
               "The last `rank` values, columns of left and rows of right: [-rank:]."],
        tolerance=1e-3, normalise=_same_split, solution=_solution("milora")),
    adam=Exercise(
        "adam", "Adam with one rate a replica", 3, starts.adam,
        cases=[Case(_adam(1, 1, [0.1, 0.01]), "the first step"), Case(_adam(2, 7, [0.3, 0.02, 0.001]), "three rates"),
               Case(_adam(3, 400, [1.0]), "one replica, late"), Case(_tiny(4), "gradients as small as epsilon")],
        mistakes=typical(starts.adam_one_rate, starts.adam_uncorrected, starts.adam_of_all_replicas,
                         starts.adam_climbs, starts.adam_corrects_what_it_keeps),
        hints=["Moments are kept for every replica: nothing is averaged over the first axis.",
               "Divide the first moment by 1 - 0.9**step and the second by 1 - 0.999**step before you use them.",
               "rates.view(-1, 1, 1) lines the rates up with the first axis."],
        tolerance=CLOSE, solution=_solution("adam")),
    lanczos=Exercise(
        "lanczos", "Lanczos", 3, by_rate.lanczos,
        cases=[Case((_symmetric(1, [5.0, 1.0, 0.5, -0.2, -1.0, 3.0]), _start(1, 6), 6), "a small one, in full"),
               Case((_symmetric(2, [*np.linspace(-1, 1, 30), 2.5]), _start(2, 31), 25), "a large gap"),
               Case((_symmetric(3, [*np.linspace(-9, 1, 20), 1.7]), _start(3, 21), 21), "negative ones are larger"),
               Case((_symmetric(5, np.linspace(-3, 2, 20)), _start(5, 20), 3), "too few steps to be exact"),
               Case((_diagonal([3.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0]), 3), "the start is an eigenvector")],
        mistakes=typical(by_rate.power_iteration, by_rate.rayleigh, by_rate.smallest,
                         by_rate.diagonal_alone),
        hints=["Keep all vectors. Each new one is times(last), made orthogonal to the others, over its length.",
               "The tridiagonal matrix has last @ times(last) on its diagonal, and the lengths beside it.",
               "np.linalg.eigvalsh of that matrix, the last value. Stop when a length is (almost) zero."],
        tolerance=1e-3, solution=_solution("lanczos")),
    trap=Exercise(
        "trap", "Find the trap", 2, by_rate.trap,
        cases=[Case((_RATES, np.array([20.0, 50.0, 84.0, 70.0]), np.array([40.0, 78.0, 60.0, 0.0])), "second loses"),
               Case((_RATES, np.array([81.0, 70.0, 10.0, 0.0]), np.array([30.0, 66.0, 85.0, 60.0])), "the first loses"),
               Case((_RATES, np.array([10.0, 30.0, 60.0, 90.0]), np.array([30.0, 60.0, 80.0, 89.0])), "a close race"),
               Case((_RATES, np.array([5.0, 40.0, 80.0, 75.0]), np.array([35.0, 79.0, 50.0, 1.0])), "far apart"),
               Case((_RATES, np.array([60.0, 80.0, 30.0, 0.0]), np.array([20.0, 60.0, 80.0, 70.0])), "equal peaks")],
        mistakes=typical(by_rate.trap_of_the_winner, by_rate.trap_at_the_losers_best, by_rate.trap_at_the_winners_best,
                         by_rate.trap_of_the_second, by_rate.trap_either_way, by_rate.trap_in_a_tie),
        hints=["First find out which method is worse when both are tuned.",
               "Then: at which rate is that one furthest ahead?",
               "rates[(loser - winner).argmax()]"],
        solution=_solution("trap")),
    tuned=Exercise(
        "tuned", "Tuned, and scored", 2, by_rate.tuned,
        cases=[Case(_scores(1), "five rates, three seeds"), Case(_scores(2, 8, 2), "eight rates"),
               Case(_scores(3, 4, 6), "six seeds")],
        mistakes=typical(by_rate.tuned_on_test, by_rate.tuned_reports_validation, by_rate.tuned_one_rate,
                         by_rate.tuned_best_seed, by_rate.tuned_along_seeds),
        hints=["Both tables are (rates, seeds).", "For each seed: which rate is best on validation?",
               "test[validation.argmax(axis=0), np.arange(seeds)].mean()"],
        solution=_solution("tuned")),
    predict=Exercise(
        "predict", "A new variant's rate from its curvature", 2, by_rate.predict,
        cases=[Case((*_KNOWN, 5.0), "in between"), Case((*_KNOWN, 300.0), "beyond"),
               Case((np.array([0.5, 4.0, 30.0]), np.array([1e-2, 6e-3, 1e-3]), 0.2), "flatter than all")],
        mistakes=typical(by_rate.predict_inverse, by_rate.predict_linear, by_rate.predict_half_log,
                         by_rate.predict_swapped, by_rate.predict_nearest),
        hints=["Both span powers of ten: work with their logarithms.", "np.polyfit(x, y, 1) gives slope and level.",
               "np.exp of level + slope * log(new)."],
        tolerance=1e-6, solution=_solution("predict")),
    compare=Exercise(
        "compare", "A fair comparison", 4, judge=judges.fair, mistakes=judges.MISTAKES,
        cases=[Case((*judges.pretended(), judges.JUDGED, (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2), (0, 1, 2, 3)),
                    "mistakes are told apart here")],
        hints=["Twelve rates, five seeds and three methods are 180 trainings. Look coarsely first, with one seed.",
               "Give every method the same list of questions: every second rate, then the neighbours of the best.",
               "Score on test only at the end, one rate a method, three seeds or more."],
        solution=_solution("compare")),
)  # fmt: skip
