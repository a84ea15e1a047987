"""Comparing answers: what differs in kind, shape, dtype, NaN or value is refused, and what is right is not."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers.course.compare import comparable, difference
from helpers.course.describe import brief, describe, shown
from helpers.course.remarks import on_shapes

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)
FLOATS = hnp.arrays(float, SHAPES, elements=st.floats(-1e6, 1e6) | st.just(np.nan) | st.just(np.inf))
ANY = FLOATS | hnp.arrays(int, SHAPES, elements=st.integers(-9, 9)) | hnp.arrays(bool, SHAPES)
Pair = namedtuple("Pair", "low high")
EYE = np.eye(2)


@given(ANY)
def test_an_array_equals_itself_and_its_list(array):
    assert difference(array, array.copy()) is None
    assert difference(array, array.tolist(), 1e-9) is None
    assert difference(array, np.asfortranarray(array)) is None
    assert difference(array, array[..., None]) and difference(array[..., None], array)
    assert difference(array, array[None]) and difference(array, array[0])


@given(ANY, ANY)
def test_another_shape_or_kind_is_refused(one, other):
    assume(one.shape != other.shape or one.dtype.kind != other.dtype.kind)
    assert difference(one, other, 1e9)


@given(FLOATS, st.data(), st.floats(1e-6, 1e3))
def test_one_changed_entry_is_refused_and_named(array, data, step):
    place = data.draw(st.sampled_from(list(np.ndindex(array.shape))))
    changed = array.copy()
    changed[place] = 7.0 if not np.isfinite(array[place]) else array[place] + step * max(1, abs(array[place]))
    found = difference(array, changed, 1e-9)
    assert found.where == f"at [{', '.join(map(str, place))}]"
    assert difference(changed, array, 1e-9)


@given(FLOATS, st.data())
def test_one_nan_is_refused_and_named(array, data):
    place = data.draw(st.sampled_from(list(np.ndindex(array.shape))))
    assume(not np.isnan(array[place]))
    changed = array.copy()
    changed[place] = np.nan
    assert difference(array, changed, 1e9).came == "NaN (not a number)"
    assert difference(changed, array, 1e9).expected == "NaN (undefined here)"


@pytest.mark.parametrize(
    "expected, came",
    [
        (EYE, np.ones((2, 1))), (EYE, np.ones(2)), (EYE, 1.0), (EYE, np.ones((1, 2, 2))), (np.ones(3), 1.0),
        (np.ones(1), 1.0), (1.0, np.ones(1)), (1.0, [1.0]), (np.ones((2, 1)), np.ones((1, 2))), (np.ones(0), 1.0),
    ],
)  # fmt: skip
def test_broadcasting_never_decides(expected, came):
    assert np.all(np.asarray(expected) == 1) or expected is EYE
    found = difference(expected, came, 1e-9)
    assert found and not found.is_value


@pytest.mark.parametrize(
    "expected, came",
    [
        (0.5, np.float64(0.5)), (0.5, np.float32(0.5)), (np.float64(2), 2), (2.0, np.int64(2)), (3, np.int8(3)),
        (True, np.True_), (0.5, np.array(0.5)), (np.array(0.5), 0.5), (1 / 3, 1 / 3 + 1e-12), (np.inf, np.inf),
        (np.nan, float("nan")), (np.array([1.0, 2.0]), [1, 2]), (np.array([0, 1]), (0, 1)), (np.arange(3), range(3)),
        (np.array([1e12]), np.array([1e12 + 1])), ((1, 2), [1, 2]), (Pair(1, EYE), (1, EYE)),
        ([1, 2], np.array([1, 2])),
        ({"a": 1.0}, {"a": 1}), ("yes", np.str_("yes")), (Fraction(1, 2), Fraction(2, 4)), (Fraction(2), 2),
        (None, None), ({1, 2}, {2, 1}), (np.array(["a", "b"]), ["a", "b"]), (np.zeros((0, 2)), np.zeros((0, 2))),
        (np.zeros(0), []), (0.0, -0.0), (1j, 1j), (2**70, 2**70),
    ],
)  # fmt: skip
def test_right_answers_pass(expected, came):
    assert difference(expected, came, 1e-9) is None


@pytest.mark.parametrize(
    "expected, came, told",
    [
        (1.0, "1.0", "the text '1.0'"), (1.0, None, "None"), (1, True, "the bool True"), (1, 1.0, "the float 1.0"),
        (True, 1, "the int 1"), (0.5, Fraction(1, 2), "the Fraction"), (1.0, np.inf, "inf"), (np.inf, -np.inf, "-inf"),
        (np.inf, 1e300, "1e+300"), (EYE, [[1, 0], [0]], "a list of 2 values"), (EYE, None, "None"),
        (EYE, "ab", "the text"),
        (np.arange(2), np.array([0, None]), "object array"), (np.arange(2), [0, None], "a list"),
        (np.arange(2), [0.0, 1.0], "of kind float"), (np.arange(2), np.array([False, True]), "a bool array"),
        (np.arange(2.0), np.arange(2), "an int array"), (np.arange(2), ["0", "1"], "of kind text"),
        (np.arange(2), np.ma.array([0, 1], mask=[0, 1]), "an int masked array"),
        (np.arange(2), len, "a function (len)"),
        (np.arange(2), {0: 0, 1: 1}, "a dict"), (np.arange(2), (i for i in range(2)), "type generator"),
        ((1, 2), (1, 2, 3), "(1, 2, 3)"),
        ((1, 2), (1, 2) * 50, "a tuple of 100"), ((1, 2), 1, "the int 1"), ((1, 2), (1, ...), "still to be written"),
        ({"a": 1}, {"b": 1}, "keys ['b']"), ({"a": 1}, {"a": 1, "b": 2}, "keys ['a', 'b']"), ({"a": 1}, [1], "a list"),
        ({"a": 1}, {"a": 2}, "2"), ("yes", "no", "'no'"), ("yes", 1, "the int 1"), (Fraction(1, 3), 1 / 3, "the float"),
        (Fraction(1, 3), Fraction(1, 4), "1/4"), (None, 0, "the int 0"), ({1}, {2}, "{2}"), (1.0, 1 + 1j, "complex"),
        (10, 2**70, "118059"), (0.1, 0.1 + 1e-8, "0.10000001"), (2**70, 2**70 + 1, "1180591620717411303425"),
    ],
)  # fmt: skip
def test_wrong_answers_are_refused_in_words(expected, came, told):
    found = difference(expected, came, 1e-9)
    assert told in found.came and "Error" not in found.came + found.remark and found.expected != found.came


def test_the_place_is_found_inside():
    found = difference({"a": (1, np.arange(4))}, {"a": (1, np.array([0, 1, 5, 3]))})
    assert found.where == "under key 'a', in value 2 of 2, at [2]"
    assert (found.expected, found.came, found.remark) == ("2", "5", "1 of 4 entries differs.")


@pytest.mark.parametrize(
    "came, remark",
    [
        ([4.0, 2.0, 1.0], "right values in another order"),
        ([2.0, 4.0, 8.0], "Every entry is 2 times"),
        ([-1.0, -2.0, -4.0], "Every entry is -1 times"),
        ([1.00001, 2.0, 4.0], "Very close: is a value rounded"),
        ([0.0, 0.0, 0.0], "3 of 3 entries differ."),
        ([1.0, 2.0, 5.0], "1 of 3 entries differs."),
    ],
)
def test_remarks_on_values(came, remark):
    assert remark in difference(np.array([1.0, 2.0, 4.0]), np.array(came), 1e-9).remark


@pytest.mark.parametrize(
    "expected, came, remark",
    [((3,), (3, 1), "length 1"), ((2, 3), (3, 2), "reverse order"), ((3,), (3, 4), "Expected axes: 1, yours: 2"),
     ((3, 2), (3, 4), "right axis")],
)  # fmt: skip
def test_remarks_on_shapes(expected, came, remark):
    assert remark in on_shapes(expected, came)


def test_tensors_are_expected_as_tensors():
    torch = pytest.importorskip("torch")
    expected = torch.tensor([[1.0, 2.0]])
    assert difference(expected, expected.clone().requires_grad_()) is None
    assert difference(expected, expected.bfloat16()) is None
    assert difference(expected.numpy(), expected) is None and difference(2.0, torch.tensor(2.0)) is None
    assert difference(expected, expected.numpy()).came == "a float array of shape (1, 2)"
    assert difference(expected, expected.T).expected == "a float tensor of shape (1, 2)"
    assert difference(expected, expected.long()).came == "an int tensor of shape (1, 2)"
    assert difference(expected, expected + 1).where == "at [0, 0]"


@dataclass(frozen=True)
class Table:
    answers: np.ndarray
    name: str = "t"


def test_dataclasses_are_compared_by_field():
    assert difference(Table(EYE), Table(EYE.copy())) is None
    assert difference(Table(EYE), Table(EYE * 2)).where == "under key 'answers', at [0, 0]"
    assert difference(Table(EYE), EYE).came == "a float array of shape (2, 2)"


def test_only_what_has_a_value_is_compared_after_a_call():
    generator = np.random.default_rng(0)
    args = [EYE, Table(EYE), {"a": [1, generator]}, np.array([None, 1]), generator]
    assert difference(comparable(args), comparable([each for each in args])) is None
    assert comparable(generator) is None and comparable(Table) is None


@pytest.mark.parametrize(
    "value, text",
    [(np.eye(2), "[[1., 0.], [0., 1.]]"),
     (np.zeros((50, 4)), "a float array of shape (50, 4)"), (1 / 3, "0.3333333333"),
     (np.float64(0.25), "0.25"), ((1, 0.5), "(1, 0.5)"), ((1,), "(1,)"), ([np.int64(1)], "[1]"),
     ("a" * 199, "the text '"),
     (object(), "a value of type object"), (list(range(99)), "a list of 99 values"), (1e-7, "1e-07")],
)  # fmt: skip
def test_values_are_shown_briefly(value, text):
    assert brief(value).startswith(text) and "\n" not in shown(value)


def test_descriptions_have_their_articles():
    assert describe(np.arange(3)) == "an int array of shape (3,)" and describe([1]) == "a list of 1 value"
    assert describe(...) == "..., still to be written" and describe(np.bool_(True)).startswith("the bool")
