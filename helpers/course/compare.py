"""Comparing an answer with the reference: kind, shape, dtype, NaN, then values, each with its own words.

Broadcasting never decides: nothing is compared by value before its shape is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction
from numbers import Rational
from pathlib import PurePath

import numpy as np

from helpers.course.describe import a, as_numpy, brief, describe, is_scalar, is_tensor, kind_of, shown
from helpers.course.remarks import on_shapes, on_values


@dataclass(frozen=True)
class Difference:
    """How an answer first differs: what was expected, what came, and a remark that may help."""

    expected: str
    came: str
    remark: str = ""
    where: str = ""
    is_value: bool = False  # the kind is right and only the value differs

    def inside(self, place: str) -> Difference:
        """The same difference, found in `place` of a larger answer."""
        return replace(self, where=place + (f", {self.where}" if self.where else ""))


def difference(expected, came, tolerance: float = 0.0) -> Difference | None:
    """The first difference between the reference's value and the answer's, None where there is none."""
    if came is ... and expected is not ...:
        return Difference(describe_expected(expected), describe(came))
    if isinstance(expected, Fraction):
        return _fractions(expected, came)
    if is_scalar(expected):
        return _scalars(expected, came, tolerance)
    if isinstance(expected, np.ndarray) or is_tensor(expected):
        return _arrays(expected, came, tolerance)
    if isinstance(expected, (tuple, list)):
        return _sequences(expected, came, tolerance)
    if isinstance(expected, dict):
        return _dicts(expected, came, tolerance)
    return _others(expected, came, tolerance)


def describe_expected(expected) -> str:
    """What is expected: its kind and shape, never its value."""
    if is_scalar(expected):
        kind = kind_of(expected)
        return "True or False" if kind == "bool" else f"one number ({a(kind)})"
    if isinstance(expected, PurePath):
        return "a path"
    return "a text" if isinstance(expected, str) else describe(expected)


def _fractions(expected: Fraction, came) -> Difference | None:
    if isinstance(came, bool) or not isinstance(came, Rational):
        return Difference("an exact fraction", describe(came), "Did a float slip in? Start from Fraction.")
    return None if came == expected else Difference(str(expected), str(came), is_value=True)


def _scalars(expected, came, tolerance: float) -> Difference | None:
    if not is_scalar(came):
        remark = "Is an axis left over?" if hasattr(came, "shape") else ""
        return Difference(describe_expected(expected), describe(came), remark)
    kinds = kind_of(expected), kind_of(came)
    if kinds[0] != kinds[1] and kinds not in {("float", "int"), ("complex", "float"), ("complex", "int")}:
        return Difference(describe_expected(expected), describe(came))
    return _values(as_numpy(expected), as_numpy(came), tolerance)


def _arrays(expected, came, tolerance: float) -> Difference | None:
    if is_tensor(expected) and not is_tensor(came):
        return Difference(describe(expected), describe(came))
    array, problem = _as_array(came)
    if array is None:
        return Difference(describe(expected), describe(came), problem)
    wanted, is_array = as_numpy(expected), hasattr(came, "shape")
    if array.shape != wanted.shape:
        got = describe(came) + ("" if is_array else f", as an array of shape {array.shape}")
        return Difference(describe(expected), got, on_shapes(wanted.shape, array.shape))
    kinds = kind_of(wanted), kind_of(array)
    if kinds[0] != kinds[1] and array.size and (is_array or kinds != ("float", "int")):
        return Difference(describe(expected), describe(came) if is_array else f"{describe(came)} of kind {kinds[1]}")
    return _values(wanted, array, tolerance)


def _as_array(came) -> tuple[np.ndarray | None, str]:
    """The answer as an array, or None and what stands in the way. Lists and tuples of numbers are welcome."""
    if is_scalar(came) or not (isinstance(came, (list, tuple, range)) or hasattr(came, "__array__")):
        return None, ""
    if np.ma.is_masked(came):
        return None, "Some entries are masked; fill them."
    try:
        array = as_numpy(came)
    except (ValueError, TypeError):
        return None, "Its rows differ in length."
    if array.dtype == object:
        return None, "It holds None or other things that are not numbers."
    return array, ""


def _values(expected: np.ndarray, came: np.ndarray, tolerance: float) -> Difference | None:
    """The first entry that differs, of two arrays of one shape; NaN must stand in the same places."""
    nan, nan_came = _nan(expected), _nan(came)
    if (nan_came & ~nan).any():
        place = _first(nan_came & ~nan)
        return Difference("a number", "NaN (not a number)", "Is there 0 / 0 or the log of 0 on the way?", _at(place))
    if (nan & ~nan_came).any():
        place = _first(nan & ~nan_came)
        return Difference("NaN (undefined here)", shown(came.item(place)), "", _at(place))
    wrong = np.asarray(~(_close(expected, came, tolerance) | nan))
    if not wrong.any():
        return None
    place = _first(wrong)
    pair = shown(expected.item(place)), shown(came.item(place))
    if pair[0] == pair[1]:
        pair = repr(expected.item(place)), repr(came.item(place))
    return Difference(*pair, on_values(expected, came, wrong), _at(place), is_value=True)


def _nan(array: np.ndarray) -> np.ndarray:
    return np.asarray(np.isnan(array)) if array.dtype.kind in "fc" else np.zeros(array.shape, dtype=bool)


def _close(expected: np.ndarray, came: np.ndarray, tolerance: float) -> np.ndarray:
    """Where two arrays agree: relative above 1, absolute below; infinity only equals itself."""
    equal = np.asarray(expected == came)
    if expected.dtype.kind not in "fc":
        return equal
    finite = np.isfinite(expected) & np.isfinite(came)
    wanted, got = np.where(finite, expected, 0), np.where(finite, came, 0)
    return np.asarray(equal | (finite & (np.abs(got - wanted) <= tolerance * np.maximum(1, np.abs(wanted)))))


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def _at(place: tuple[int, ...]) -> str:
    return f"at [{', '.join(map(str, place))}]" if place else ""


def _sequences(expected, came, tolerance: float) -> Difference | None:
    if isinstance(came, (set, frozenset)):
        remark = "A set has no order. Is a list asked for? sorted(...) makes one."
        return Difference(describe(expected), describe(came), remark)
    if is_scalar(came) or not isinstance(came, (tuple, list, np.ndarray)):
        return Difference(describe(expected), describe(came), "Is every part returned, with commas between?")
    if len(came) != len(expected):
        return Difference(brief(expected), brief(came))
    for number, (wanted, got) in enumerate(zip(expected, came, strict=True), start=1):
        found = difference(wanted, got, tolerance)
        if found:
            return found.inside(f"in value {number} of {len(expected)}")
    return None


def _dicts(expected: dict, came, tolerance: float) -> Difference | None:
    if not isinstance(came, dict):
        return Difference(f"a dict with keys {shown(list(expected))}", describe(came))
    missing, extra = ([key for key in one if key not in other] for one, other in ((expected, came), (came, expected)))
    if missing or extra:
        remark = f"Missing: {shown(missing)}." if missing else f"Not asked for: {shown(extra)}."
        return Difference(f"keys {shown(list(expected))}", f"keys {shown(list(came))}", remark)
    found = ((key, difference(expected[key], came[key], tolerance)) for key in expected)
    return next((gap.inside(f"under key {key!r}") for key, gap in found if gap), None)


def _others(expected, came, tolerance: float) -> Difference | None:
    both_text = isinstance(expected, str) and isinstance(came, str)
    if not both_text and type(came) is not type(expected):
        return Difference(describe_expected(expected), describe(came))
    if is_dataclass(expected):
        mine, theirs = ({f.name: getattr(each, f.name) for f in fields(each)} for each in (expected, came))
        return _dicts(mine, theirs, tolerance)
    return None if bool(expected == came) else Difference(shown(expected), shown(came), is_value=True)


def comparable(value):
    """The part of an argument that can be compared after a call: numbers, text, arrays and containers of them."""
    if isinstance(value, (list, tuple)):
        return [comparable(each) for each in value]
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: comparable(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, np.ndarray):
        return comparable(value.tolist()) if value.dtype == object else value
    return value if is_scalar(value) or is_tensor(value) or isinstance(value, (str, set)) else None
