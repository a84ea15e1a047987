"""The table of answers: what it takes, what it refuses and in which words, and what its copies keep."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import config

from helpers.aggregation import AnswerTable, majority_vote, simulate


@pytest.fixture(autouse=True)
def as_learners_run_it():
    """Learners run without the tests' check of types, so that the table's own words must reach them."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int64, np.uint8, float, object, list, tuple])
def test_whole_numbers_of_any_type_are_taken(kind):
    rows = [[0, 1, 2], [2, 2, 0]]
    answers = kind(rows) if kind in (list, tuple) else np.array(rows, dtype=kind)
    table = AnswerTable(answers, 3, truth=[0, 2])
    assert np.array_equal(table.answers, rows) and table.answers.dtype.kind == "i"
    assert majority_vote(table)[1] == 2


def test_bools_are_options_0_and_1():
    assert AnswerTable(np.array([[True, False]]), 2).answers.tolist() == [[1, 0]]


def test_options_may_be_one_number_or_one_per_question():
    for n_options in ([3, 5], (3, 5), np.array([3, 5], np.int8), np.array([3.0, 5.0])):
        assert AnswerTable([[0, 1], [4, 2]], n_options).n_options.tolist() == [3, 5]
    assert AnswerTable([[0, 1], [1, 2]], np.int64(3)).n_options.tolist() == [3, 3]


def test_the_table_is_its_own_and_cannot_be_written_to():
    answers = np.array([[0, 1], [1, 1]])
    table = AnswerTable(answers, 2, truth=np.array([0, 1]))
    answers[:] = 0
    assert table.answers.tolist() == [[0, 1], [1, 1]]
    for field in (table.answers, table.n_options, table.truth):
        with pytest.raises(ValueError, match="read-only"):
            field[0] = 1
    with pytest.raises(AttributeError):
        table.truth = None


def test_missing_answers_and_unknown_truth_are_minus_one():
    table = AnswerTable([[-1, 1], [-1, -1]], 2, truth=[1, -1])
    assert (table.n_questions, table.n_models) == (2, 2)
    assert "25.0% answered" in repr(table) and "truth known" in repr(table)


def test_no_questions_is_a_table():
    table = AnswerTable(np.empty((0, 3)), 4)
    assert table.n_questions == 0 and table.relabelled(0).n_models == 3
    assert "0 questions" in repr(table)


@pytest.mark.parametrize("wrong, words", [
    (dict(answers=[[0, np.nan]]), "NaN"), (dict(answers=[[0, np.inf]]), "NaN"), (dict(answers=[[None, 1]]), "None"),
    (dict(answers=[[0, 0.5]]), "fractions"), (dict(answers=[["A", "B"]]), "from_csv reads letters"),
    (dict(answers=[[0, 1], [1]]), "equal length"), (dict(answers=[0, 1]), r"\(questions, models\)"),
    (dict(answers=np.zeros((2, 3, 2))), r"\(questions, models\)"), (dict(answers=[[], []]), "at least one model"),
    (dict(answers=[[0, 2]]), r"answers\[0, 1\] is option 2, but question 0 has only 2"),
    (dict(answers=[[0, -2]]), "between -1 and"), (dict(answers=[[0, 10**9]]), "between -1 and"),
    (dict(n_options=1), "at least 2 options"), (dict(n_options=0), "2 options"), (dict(n_options=-3), "n_options"),
    (dict(n_options=[2, 2]), "one per question"), (dict(n_options=[[2]]), "one per question"),
    (dict(n_options=2.5), "whole"), (dict(n_options=np.nan), "whole"), (dict(n_options=None), "n_options"),
    (dict(n_options=10**6), "n_options"),
    (dict(truth=[0, 1]), "one entry per question"), (dict(truth=[2]), "truth"), (dict(truth=[-2]), "truth"),
    (dict(truth=[np.nan]), "truth"), (dict(truth=0), "truth"),
    (dict(models=["a"]), "2 different names"), (dict(models=["a", "a"]), "different"), (dict(models=[1, "1"]), "diff"),
])  # fmt: skip
def test_nonsense_is_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        AnswerTable(**{"answers": [[0, 1]], "n_options": 2} | wrong)


def test_relabelling_renames_alike_for_models_and_truth():
    table = simulate((0.6, 0.7, 0.8), np.tile([2, 3, 7], 400), 1_200, 0, missing=0.2)
    new = table.relabelled(1)
    assert np.array_equal(new.answers < 0, table.answers < 0)
    given = table.answers >= 0
    for one, other in ((0, 1), (1, 2)):
        both = given[:, one] & given[:, other]
        assert np.array_equal((table.answers[:, one] == table.answers[:, other])[both],
                              (new.answers[:, one] == new.answers[:, other])[both])
    assert np.array_equal((new.answers == new.truth[:, None])[given], (table.answers == table.truth[:, None])[given])
    assert np.all(new.answers < new.n_options[:, None])
    assert not np.array_equal(new.answers, table.answers)
    assert np.array_equal(new.answers, table.relabelled(1).answers)
    assert not np.array_equal(new.answers, table.relabelled(2).answers)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_every_renaming_is_alike_likely(k):
    table = AnswerTable(np.tile(np.arange(k), (20_000, 1)), k)
    orders = table.relabelled(0).answers
    assert np.array_equal(np.sort(orders, axis=1), table.answers), "each question's renaming is a permutation"
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    expected = 20_000 / len(counts)
    assert len(counts) == [2, 6, 120][[2, 3, 5].index(k)]
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected))


def test_relabelling_keeps_an_unknown_truth_unknown():
    table = AnswerTable([[0, 1], [1, 1]], 2, truth=[-1, 1])
    assert table.relabelled(0).truth[0] == -1
    assert AnswerTable([[0, 1]], 2).relabelled(0).truth is None


def test_subsets():
    table = AnswerTable([[0, 1, 2], [1, 1, -1], [2, 0, 0]], [3, 4, 5], truth=[0, 1, 2], models=["a", "b", "c"])
    part = table.subset(models=["c", 0, -2], questions=[2, 0])
    assert part.models == ("c", "a", "b") and part.answers.tolist() == [[0, 2, 0], [2, 0, 1]]
    assert part.truth.tolist() == [2, 0] and part.n_options.tolist() == [5, 3]
    assert table.subset(questions=[True, False, True]).truth.tolist() == [0, 2]
    assert table.subset(questions=table.n_options > 9).n_questions == 0
    assert table.subset(questions=[]).n_questions == 0
    assert table.subset(models=np.array([1])).models == ("b",)
    assert np.array_equal(table.subset().answers, table.answers)
    assert AnswerTable([[0, 1]], 2).subset(models=[1]).truth is None


@pytest.mark.parametrize("models, words", [
    (["d"], "no model 'd'"), ([3], "below 3"), ([-4], "below 3"), ([0, 0], "different names"), ([], "at least one"),
    ([True, False, True], "True"), (np.array([True, False, True]), "True"),
])  # fmt: skip
def test_subsets_of_models_that_are_not_there(models, words):
    with pytest.raises(ValueError, match=words):
        AnswerTable([[0, 1, 2]], 3, models=["a", "b", "c"]).subset(models=models)


def test_subset_with_a_mask_of_the_wrong_length():
    with pytest.raises(IndexError):
        AnswerTable([[0, 1, 2]], 3).subset(questions=[True, False])
