"""What must hold on every table: searched by hypothesis among small, awkward ones."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from aggregation_oracles import renamed
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import config

from helpers.aggregation import RULES, AnswerTable, accuracy, dawid_skene, estimate_accuracies, simulate, weighted_vote
from helpers.aggregation.answers import random_orders

FIXED = ("majority_vote", "surprisingly_popular", "inverse_surprising_popularity")  # no search for a fit in these
RENAMED = ("majority_vote", "ow_l", "dawid_skene_one_coin", "dawid_skene")  # blind to the options' names
TIMES = int(os.environ.get("FUZZ_TIMES", "1"))  # make test-long asks for more
quick = settings(max_examples=60 * TIMES, deadline=None, derandomize=True)
slow = settings(max_examples=15 * TIMES, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


@contextmanager
def unchecked():
    """The check of types draws from Python's random numbers, which a strategy must not."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)


@st.composite
def tables(draw, least_models=1, most_models=5):
    """Small tables with missing answers, few or many options, sometimes with a silent or constant model."""
    n_questions = draw(st.integers(1, 12))
    n_models = draw(st.integers(least_models, most_models))
    n_options = draw(arrays(np.int64, n_questions, elements=st.integers(2, 5)))
    if draw(st.booleans()):
        n_options[:] = n_options[0]
    raw = draw(arrays(np.int64, (n_questions, n_models), elements=st.integers(-1, 4)))
    truth = draw(arrays(np.int64, n_questions, elements=st.integers(0, 4))) % n_options
    with unchecked():
        return AnswerTable(np.where(raw < 0, -1, raw % n_options[:, None]), n_options, truth)


@st.composite
def sensible_tables(draw):
    """Simulated tables with enough questions that every fit has one clear answer."""
    accuracies = draw(st.lists(st.floats(0.7, 0.95), min_size=3, max_size=6))
    n_options, seed, missing = draw(st.sampled_from([2, 3, 5])), draw(seeds), draw(st.floats(0, 0.3))
    with unchecked():
        return simulate(accuracies, n_options, 500, seed, missing=missing)


def decide(name, table, seed=0):
    """The rule's decisions, or None where it says in words that there are too few models."""
    try:
        return RULES[name](table, seed=seed)
    except ValueError as refusal:
        assert "at least 3 models" in str(refusal)
        return None


@pytest.mark.parametrize("name", RULES)
@quick
@given(table=tables(), seed=st.integers(0, 1000))
@example(table=AnswerTable(np.full((3, 3), -1), 2, np.zeros(3, int)), seed=0)
@example(table=AnswerTable(np.array([[0, -1, -1], [-1, 1, -1], [-1, -1, 2]]), 3, np.zeros(3, int)), seed=0)
@example(table=AnswerTable(np.zeros((5, 4), int), 2, np.zeros(5, int)), seed=0)
def test_every_rule_decides_soundly(name, table, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decisions = decide(name, table, seed)
    assume(decisions is not None)
    assert decisions.shape == (table.n_questions,) and decisions.dtype.kind == "i"
    nobody = np.all(table.answers < 0, axis=1)
    assert np.array_equal(decisions == -1, nobody)
    assert np.all(decisions < table.n_options)
    rows = np.flatnonzero(~nobody)
    assert np.all(decisions.tied[rows, decisions[rows]]), "the choice is one of the best"
    assert not np.any(decisions.tied[nobody])
    assert not np.any(decisions.tied & (np.arange(decisions.tied.shape[1]) >= table.n_options[:, None]))


@pytest.mark.parametrize("name", RULES)
@quick
@given(table=tables(), seed=seeds)
def test_truth_is_never_read(name, table, seed):
    """None, or a permuted truth: the same decisions, bit for bit."""
    rng = np.random.default_rng(seed)
    decisions = decide(name, table)
    assume(decisions is not None)
    for truth in (None, rng.integers(0, table.n_options), np.full(table.n_questions, -1)):
        assert np.array_equal(RULES[name](AnswerTable(table.answers, table.n_options, truth)), decisions)


@pytest.mark.parametrize("method", ["ow_l", "ow_i", "em"])
@quick
@given(table=tables(least_models=3), seed=seeds)
def test_estimates_never_read_the_truth_either(method, table, seed):
    assume(np.sum(np.any(table.answers >= 0, axis=0)) >= 3)
    hidden = AnswerTable(table.answers, table.n_options)
    found = estimate_accuracies(table, method)
    assert np.array_equal(found, estimate_accuracies(hidden, method), equal_nan=True)
    silent = np.all(table.answers < 0, axis=0)
    assert np.array_equal(np.isnan(found), silent)
    assert np.all((found[~silent] >= 0) & (found[~silent] <= 1))


@pytest.mark.parametrize("name", RULES)
@quick
@given(table=tables(), one=st.integers(0, 99), other=st.integers(0, 99))
def test_the_seed_only_breaks_ties(name, table, one, other):
    first = decide(name, table, one)
    assume(first is not None)
    second = decide(name, table, other)
    assert np.array_equal(first.tied, second.tied)
    clear = first.tied.sum(axis=1) <= 1
    assert np.array_equal(first[clear], second[clear])


def test_ties_are_broken_evenly_and_anew_for_each_question():
    table = AnswerTable(np.tile([0, 1, 3], (30_000, 1)), 4)
    counts = np.bincount(RULES["majority_vote"](table, seed=5), minlength=4)
    assert counts[2] == 0 and np.all(np.abs(counts[[0, 1, 3]] - 10_000) < 400)


@pytest.mark.parametrize("name", FIXED)
@quick
@given(table=tables(), seed=seeds)
def test_the_order_of_models_and_questions_does_not_matter(name, table, seed):
    rng = np.random.default_rng(seed)
    models, questions = rng.permutation(table.n_models), rng.permutation(table.n_questions)
    shuffled = table.subset(models=models, questions=questions)
    assert np.array_equal(RULES[name](shuffled).tied, RULES[name](table).tied[questions])


@pytest.mark.parametrize("name", sorted(set(RULES) - set(FIXED)))
@slow
@given(table=sensible_tables(), seed=seeds)
def test_nor_for_the_rules_that_fit(name, table, seed):
    """Fits end where their steps stop, so that near-ties may fall either way: 1 question in 100 may."""
    rng = np.random.default_rng(seed)
    models, questions = rng.permutation(table.n_models), rng.permutation(table.n_questions)
    shuffled = RULES[name](table.subset(models=models, questions=questions)).tied
    assert np.mean(np.any(shuffled != RULES[name](table).tied[questions], axis=1)) <= 0.01


@pytest.mark.parametrize("name", RENAMED)
@slow
@given(table=sensible_tables(), seed=seeds)
def test_renaming_the_options_renames_the_decisions(name, table, seed):
    """One renaming for all questions; for all but full Dawid-Skene also one per question."""
    k = int(table.n_options[0])
    orders = random_orders(table.n_options, k, np.random.default_rng(seed))
    if name == "dawid_skene":
        orders = np.broadcast_to(orders[:1], orders.shape)
    before, after = RULES[name](table).tied, RULES[name](renamed(table, orders)).tied
    assert np.mean(np.any(np.take_along_axis(after, orders, axis=1) != before, axis=1)) <= 0.01


@quick
@given(table=tables(), seed=seeds)
def test_majority_survives_any_renaming_exactly(table, seed):
    orders = random_orders(table.n_options, int(table.n_options.max()), np.random.default_rng(seed))
    new = renamed(table, orders)
    before, after = RULES["majority_vote"](table).tied, RULES["majority_vote"](new).tied
    assert np.array_equal(np.take_along_axis(after, orders, axis=1), before)
    assert np.array_equal(table.relabelled(seed).answers, new.answers), "relabelled draws the same renaming"


@quick
@given(table=tables(), scale=st.floats(1e-12, 1e12), data=st.data())
def test_weights_have_no_scale(table, scale, data):
    weights = np.array(data.draw(st.lists(st.integers(-4, 4), min_size=table.n_models, max_size=table.n_models)))
    assert np.array_equal(weighted_vote(table, weights).tied, weighted_vote(table, scale * weights / 7).tied)


@slow
@given(table=tables(), sensible=sensible_tables())
def test_a_silent_model_changes_nothing(table, sensible):
    """For the rules that fit, on tables with one clear fit: two camps of equal strength are split by rounding."""
    for name in RULES:
        shorter = table if name in FIXED else sensible
        longer = AnswerTable(np.column_stack([shorter.answers, np.full(shorter.n_questions, -1)]), shorter.n_options)
        assert np.array_equal(RULES[name](longer), RULES[name](shorter)), name
    assert np.array_equal(dawid_skene(longer, smoothing=0.0), dawid_skene(shorter, smoothing=0.0))


@quick
@given(table=tables(least_models=3), seed=seeds)
def test_scores_do_not_depend_on_the_seed(table, seed):
    values = {accuracy(RULES["majority_vote"](table, seed=s), table).value for s in (0, 1, seed)}
    assert len(values) == 1 and 0 <= values.pop() <= 1
