"""References and typical wrong answers to the exercises on eigenvalues, traps and the choice of a rate."""

from __future__ import annotations

import numpy as np


def lanczos(times, start, steps):
    vectors, alphas, betas = [start / np.linalg.norm(start)], [], []
    for _ in range(steps):
        new = times(vectors[-1])
        alphas.append(float(vectors[-1] @ new))
        for _ in range(2):
            new = new - np.array(vectors).T @ (np.array(vectors) @ new)
        size = float(np.linalg.norm(new))
        if size < 1e-10 or len(vectors) == len(start):
            break
        betas.append(size)
        vectors.append(new / size)
    count = len(alphas)
    betas = betas[: count - 1]
    return float(np.linalg.eigvalsh(np.diag(alphas) + np.diag(betas, 1) + np.diag(betas, -1))[-1])


def power_iteration(times, start, steps):
    """Power iteration finds the eigenvalue of largest size, which may be negative. Which one is asked for?"""
    vector = start / np.linalg.norm(start)
    for _ in range(50 * steps):
        vector = times(vector)
        vector = vector / max(np.linalg.norm(vector), 1e-300)
    return float(vector @ times(vector))


def rayleigh(times, start, steps):
    """That is the curvature along the start alone. How do the next vectors come in?"""
    vector = start / np.linalg.norm(start)
    return float(vector @ times(vector))


def smallest(times, start, steps):
    """eigvalsh gives ascending values. Which end did you take?"""
    return -lanczos(lambda vector: -times(vector), start, steps)


def diagonal_alone(times, start, steps):
    """A tridiagonal matrix has two more diagonals. What stands there?"""
    vectors = [start / np.linalg.norm(start)]
    alphas = []
    for _ in range(steps):
        new = times(vectors[-1])
        alphas.append(float(vectors[-1] @ new))
        new = new - np.array(vectors).T @ (np.array(vectors) @ new)
        if np.linalg.norm(new) < 1e-10:
            break
        vectors.append(new / np.linalg.norm(new))
    return max(alphas)


def trap(rates, first, second):
    gaps = second - first if first.max() >= second.max() else first - second
    return float(rates[gaps.argmax()])


def trap_of_the_winner(rates, first, second):
    """At that rate the better method is ahead by most. Where is the *worse* one?"""
    gaps = first - second if first.max() >= second.max() else second - first
    return float(rates[gaps.argmax()])


def trap_at_the_losers_best(rates, first, second):
    """That is where the worse method is best. Is it furthest ahead there?"""
    loser = second if first.max() >= second.max() else first
    return float(rates[loser.argmax()])


def trap_at_the_winners_best(rates, first, second):
    """Who is ahead at the better method's best rate, and does that mislead anybody?"""
    winner = first if first.max() >= second.max() else second
    return float(rates[winner.argmax()])


def trap_of_the_second(rates, first, second):
    """Which of the two is worse when tuned? It is not always the second."""
    return float(rates[(second - first).argmax()])


def trap_either_way(rates, first, second):
    """The largest distance may be in favour of the better method. Is that a trap?"""
    return float(rates[np.abs(first - second).argmax()])


def trap_in_a_tie(rates, first, second):
    """If both peak equally, the second counts as the worse one. Which does yours take?"""
    gaps = second - first if first.max() > second.max() else first - second
    return float(rates[gaps.argmax()])


def tuned(validation, test):
    return float(np.mean([test[column.argmax(), seed] for seed, column in enumerate(validation.T)]))


def tuned_on_test(validation, test):
    """Which scores may choose the rate?"""
    return float(test.max(axis=0).mean())


def tuned_reports_validation(validation, test):
    """The rate was chosen to make validation look good. On which scores do you report?"""
    return float(validation.max(axis=0).mean())


def tuned_one_rate(validation, test):
    """You took one rate for all seeds. What does each seed choose on its own?"""
    return float(test[validation.mean(axis=1).argmax()].mean())


def tuned_best_seed(validation, test):
    """Did you report the luckiest seed?"""
    return float(max(test[column.argmax(), seed] for seed, column in enumerate(validation.T)))


def tuned_along_seeds(validation, test):
    """Which axis is the rate?"""
    return float(np.mean([test[place, row.argmax()] for place, row in enumerate(validation)]))


def predict(curvatures, rates, new):
    slope, level = np.polyfit(np.log(curvatures), np.log(rates), 1)
    return float(np.exp(level + slope * np.log(new)))


def predict_inverse(curvatures, rates, new):
    """That takes the exponent -1 for granted. What do the points say?"""
    return float(np.exp(np.mean(np.log(rates) + np.log(curvatures))) / new)


def predict_linear(curvatures, rates, new):
    """A straight line through rates and eigenvalues? Both span powers of ten; in which scale do they lie on a line?"""
    slope, level = np.polyfit(curvatures, rates, 1)
    return float(level + slope * new)


def predict_half_log(curvatures, rates, new):
    """One axis is logarithmic. And the other?"""
    slope, level = np.polyfit(np.log(curvatures), rates, 1)
    return float(level + slope * np.log(new))


def predict_swapped(curvatures, rates, new):
    """What is predicted from what?"""
    slope, level = np.polyfit(np.log(rates), np.log(curvatures), 1)
    return float(np.exp((np.log(new) - level) / slope))


def predict_nearest(curvatures, rates, new):
    """The nearest known method's rate: what about values in between and beyond?"""
    return float(rates[np.abs(np.log(curvatures) - np.log(new)).argmin()])
