"""Remarks that often help when an array differs: on its shape, and on its values."""

from __future__ import annotations

import numpy as np


def on_shapes(expected: tuple[int, ...], came: tuple[int, ...]) -> str:
    """A question about two shapes that differ."""
    if [n for n in came if n != 1] == [n for n in expected if n != 1]:
        return "Only axes of length 1 differ; is keepdims or a reshape the reason?"
    if len(came) > 1 and came == expected[::-1]:
        return "The axes stand in reverse order; is a transpose missing?"
    if len(came) != len(expected):
        return f"Expected axes: {len(expected)}, yours: {len(came)}; is a sum missing, or one too many?"
    return "The lengths differ; does the sum run over the right axis?"


def on_values(expected: np.ndarray, came: np.ndarray, wrong: np.ndarray) -> str:
    """What the entries that differ have in common, else how many there are; "" for a single number."""
    if expected.dtype.kind in "fc" and _nearly(expected[wrong], came[wrong]):
        return "Very close: is a value rounded on the way, or in float32?"
    if expected.size == 1:
        return ""
    if expected.dtype.kind in "iuf" and np.array_equal(np.sort(expected, axis=None), np.sort(came, axis=None)):
        return "These are the right values in another order."
    factor = _factor(expected, came)
    if factor is not None:
        return f"Every entry is {factor:.6g} times the expected one."
    count = int(wrong.sum())
    return f"{count} of {wrong.size} entries differ{'s' if count == 1 else ''}."


def _nearly(expected: np.ndarray, came: np.ndarray) -> bool:
    return bool(np.isfinite(came).all() and np.allclose(came, expected, rtol=1e-3, atol=1e-6))


def _factor(expected: np.ndarray, came: np.ndarray) -> float | None:
    """The one number that turns every expected entry into the one that came, None where there is none."""
    used = expected != 0
    if expected.dtype.kind not in "iuf" or used.sum() < 2 or not np.isfinite(came).all() or (came[~used] != 0).any():
        return None
    ratios = came[used] / expected[used]
    return float(ratios[0]) if ratios[0] != 0 and np.allclose(ratios, ratios[0], rtol=1e-9) else None
