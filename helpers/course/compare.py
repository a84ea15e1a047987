"""Comparing an answer with the reference: kind, shape, dtype, NaN, then values, each with its own words.

Broadcasting never decides: nothing is compared by value before its shape is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from numbers import Rational

import numpy as np

from helpers.course.describe import as_numpy, describe, is_scalar, is_tensor, kind_of, shown


@dataclass(frozen=True)
class Difference:
    """How an answer first differs: what was expected, what came, and a remark that may help."""

    expected: str
    came: str
    remark: str = ""
    where: str = ""

    def inside(self, place: str) -> Difference:
        """The same difference, found in `place` of a larger answer."""
        return Difference(self.expected, self.came, self.remark, place + (f", {self.where}" if self.where else ""))


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
    """What is expected, without giving a number away: kind and shape."""
    return f"{_article(kind_of(expected))} (one number)" if is_scalar(expected) else describe(expected)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _fractions(expected: Fraction, came) -> Difference | None:
    if isinstance(came, bool) or not isinstance(came, Rational):
        return Difference("an exact Fraction", describe(came), "Work with fractions.Fraction from the start.")
    return None if came == expected else Difference(str(expected), str(came))


def _scalars(expected, came, tolerance: float) -> Difference | None:
    if not is_scalar(came):
        remark = "Is an axis left over? Index or sum it away." if hasattr(came, "shape") else ""
        return Difference(describe_expected(expected), describe(came), remark)
    wanted, kind = kind_of(expected), kind_of(came)
    if wanted != kind and (wanted, kind) not in {("float", "int"), ("complex", "float"), ("complex", "int")}:
        return Difference(describe_expected(expected), describe(came))
    return _values(np.asarray(as_numpy(expected)), np.asarray(as_numpy(came)), tolerance)


def _arrays(expected, came, tolerance: float) -> Difference | None:
    if is_tensor(expected) and not is_tensor(came):
        return Difference(describe(expected), describe(came), "Is a tensor turned into something else on the way?")
    array, problem = _as_array(came)
    if array is None:
        return Difference(describe(expected), describe(came), problem)
    wanted = as_numpy(expected)
    if array.shape != wanted.shape:
        got = (
            describe(came)
            if isinstance(came, np.ndarray) or is_tensor(came)
            else f"{describe(came)}, shape {array.shape}"
        )
        return Difference(describe(expected), got, "The shape differs; is a sum over the right axis?")
    written = isinstance(came, (list, tuple)) and kind_of(wanted) == "float" and kind_of(array) == "int"
    if kind_of(array) != kind_of(wanted) and array.size and not written:
        return Difference(describe(expected), describe(array), "The kind of number differs.")
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
        return None, "Its rows have different lengths."
    if array.dtype == object:
        return None, "It holds None or other things that are not numbers."
    return array, ""


def _values(expected: np.ndarray, came: np.ndarray, tolerance: float) -> Difference | None:
    """The first entry that differs, of two arrays of one shape; NaN must stand in the same places."""
    nan, nan_came = _nan(expected), _nan(came)
    if (nan_came & ~nan).any():
        place = _first(nan_came & ~nan)
        return Difference("a number", "NaN (not a number)", "Is there a 0 / 0, or the log of 0?", _at(place))
    if (nan & ~nan_came).any():
        place = _first(nan & ~nan_came)
        return Difference("NaN (undefined here)", shown(came[place].item()), "", _at(place))
    wrong = ~(_close(expected, came, tolerance) | nan)
    if not wrong.any():
        return None
    place, count = _first(wrong), int(wrong.sum())
    remark = f"{count} of {wrong.size} entries differ." if wrong.size > 1 else ""
    return Difference(shown(expected[place].item()), shown(came[place].item()), remark, _at(place))


def _nan(array: np.ndarray) -> np.ndarray:
    return np.isnan(array) if array.dtype.kind in "fc" else np.zeros(array.shape, dtype=bool)


def _close(expected: np.ndarray, came: np.ndarray, tolerance: float) -> np.ndarray:
    equal = expected == came
    if expected.dtype.kind not in "fc":
        return equal
    finite = np.isfinite(expected) & np.isfinite(came)
    gap = np.abs(np.where(finite, came, 0) - np.where(finite, expected, 0))
    return equal | (finite & (gap <= tolerance * np.maximum(1, np.abs(np.where(finite, expected, 0)))))


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def _at(place: tuple[int, ...]) -> str:
    return f"at [{', '.join(map(str, place))}]" if place else ""


def _sequences(expected, came, tolerance: float) -> Difference | None:
    if not isinstance(came, (tuple, list, np.ndarray)) or is_scalar(came):
        return Difference(describe(expected), describe(came), "Does every part get returned, separated by commas?")
    if len(came) != len(expected):
        return Difference(
            f"{len(expected)} values in {describe(expected).split(' of ')[0]}", f"{len(came)} in {describe(came)}"
        )
    for number, (wanted, got) in enumerate(zip(expected, came, strict=True), start=1):
        found = difference(wanted, got, tolerance)
        if found:
            return found.inside(f"in value {number} of {len(expected)}")
    return None


def _dicts(expected: dict, came, tolerance: float) -> Difference | None:
    if not isinstance(came, dict):
        return Difference(f"a dict with keys {', '.join(map(repr, expected))}", describe(came))
    if came.keys() != expected.keys():
        missing = [key for key in expected if key not in came]
        extra = [key for key in came if key not in expected]
        remark = f"Missing: {missing}." if missing else f"Not asked for: {extra}."
        return Difference(f"keys {shown(list(expected))}", f"keys {shown(list(came))}", remark)
    found = ((key, difference(expected[key], came[key], tolerance)) for key in expected)
    return next((gap.inside(f"under key {key!r}") for key, gap in found if gap), None)


def _others(expected, came, tolerance: float) -> Difference | None:
    if type(came) is not type(expected):
        return Difference(describe(expected), describe(came))
    if is_dataclass(expected):
        ours, theirs = ({f.name: getattr(x, f.name) for f in fields(x)} for x in (expected, came))
        return _dicts(ours, theirs, tolerance)
    return None if bool(expected == came) else Difference(shown(expected), shown(came))


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
