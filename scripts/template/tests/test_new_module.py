"""Coins: the estimate against a posterior mean, the experiment against exact errors. To replace: your oracles."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.integrate import quad

from helpers.new_module import plain_mean, shrunken_mean, toss
from helpers.new_module.experiments import FLIPS, WEIGHT, expected_errors, percent_saved
from helpers.new_module.explorer import figure_and_update


@pytest.mark.parametrize("heads, flips, weight", [(0, 3, 2.0), (7, 10, 2.0), (5, 5, 1.0), (2, 9, 4.5)])
def test_shrinking_gives_the_mean_of_a_posterior(heads, flips, weight):
    """The prior is Beta(weight / 2, weight / 2); both integrals are taken numerically."""

    def density(p):
        return p ** (heads + weight / 2 - 1) * (1 - p) ** (flips - heads + weight / 2 - 1)

    mean = quad(lambda p: p * density(p), 0, 1)[0] / quad(density, 0, 1)[0]
    assert shrunken_mean(np.array([heads]), flips, weight) == pytest.approx([mean], rel=1e-6)


@pytest.mark.parametrize("heads", [[-1, 2], [0, 4]])
def test_impossible_counts_are_refused(heads):
    with pytest.raises(ValueError, match="from 0 to flips = 3, got"):
        shrunken_mean(np.array(heads), 3, 2.0)


def test_coins_are_the_same_for_the_same_seed():
    heads = toss(0.3, 1_000, 20, seed=1)
    assert (heads == toss(0.3, 1_000, 20, seed=1)).all() and (heads != toss(0.3, 1_000, 20, seed=2)).any()
    assert plain_mean(heads, 20).mean() == pytest.approx(0.3, abs=0.02)


def exact_errors(bias: Fraction, flips: int, weight: int) -> tuple[Fraction, Fraction]:
    """The errors of both means, every outcome weighed with its probability, in exact fractions."""
    plain = shrunken = Fraction(0)
    for heads in range(flips + 1):
        chance = comb(flips, heads) * bias**heads * (1 - bias) ** (flips - heads)
        plain += chance * (Fraction(heads, flips) - bias) ** 2
        shrunken += chance * (Fraction(2 * heads + weight, 2 * (flips + weight)) - bias) ** 2
    return plain, shrunken


@pytest.mark.parametrize("bias", [Fraction(7, 10), Fraction(9, 10)])
def test_the_experiment_finds_what_is_exact(bias):
    plain, shrunken = exact_errors(bias, FLIPS, int(WEIGHT))
    measured = percent_saved(float(bias), range(100))
    assert measured.mean() == pytest.approx(float(100 * (1 - shrunken / plain)), abs=4 * measured.std() / 10)


@pytest.mark.parametrize("flips, weight", [(5, 1), (10, 2), (3, 10)])
def test_the_formulas_are_exact(flips, weight):
    biases = [Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)]
    exact = np.array([exact_errors(bias, flips, weight) for bias in biases], dtype=float).T
    assert expected_errors(np.array(biases, dtype=float), flips, weight) == pytest.approx(exact)


def test_the_explorer_tells_where_shrinking_helps():
    exact = [exact_errors(Fraction(place, 100), 5, 1) for place in range(101)]
    figure, update = figure_and_update()
    assert f" {np.mean([shrunken < plain for plain, shrunken in exact]):.0%} of all biases" in update(5, 1)
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    assert np.array(drawn) == pytest.approx(np.array(exact, dtype=float).T)
