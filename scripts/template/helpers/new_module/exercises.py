"""The exercises. To replace: references, cases that catch every mutant, four mistakes or more, three hints."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from helpers.course import Case, Exercise, solution_from, typical

from .coins import shrunken_mean


def not_shrunken(heads, flips, weight):
    """Is that the plain mean? Where does the weight enter?"""
    return heads / np.maximum(flips, 1)


def all_heads(heads, flips, weight):
    """Should all of the added flips be heads, or half of them?"""
    return (heads + weight) / (flips + weight)


def weight_each_side(heads, flips, weight):
    """How many flips did you add in all: weight, or twice as many?"""
    return (heads + weight) / (flips + 2 * weight)


def no_added_heads(heads, flips, weight):
    """You added flips: which of them were heads?"""
    return heads / np.maximum(flips + weight, 1)


exercises = SimpleNamespace(
    shrunken=Exercise(
        "shrunken", "The shrunken mean", 1, shrunken_mean,
        cases=[Case((np.array([0, 3, 10]), 10, 2.0), "ten flips"),
               Case((np.array([0, 0]), 0, 1.0), "coins that nobody tossed"),
               Case((np.array([7, 1, 2]), 7, 0.0), "no weight"),
               Case((np.array([1, 4]), 5, 3.5), "a weight that is no whole number")],
        mistakes=typical(not_shrunken, all_heads, weight_each_side, no_added_heads),
        hints=["Add flips to every coin before you divide.",
               "weight flips are added, and half of them show heads.",
               "Heads become heads + weight / 2; how many flips are there now?"],
        solution=solution_from("new_module", "shrunken")),
)  # fmt: skip
