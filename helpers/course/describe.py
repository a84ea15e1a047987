"""Values in a learner's words: what kind of thing, which shape, and the value itself where it is short."""

from __future__ import annotations

import sys
from numbers import Number
from pathlib import PurePath

import numpy as np

KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex", "U": "text", "S": "bytes"}
SHORT, LONG = 120, 240  # characters


def is_tensor(value) -> bool:
    """Whether the value is a torch tensor; never imports torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_numpy(value) -> np.ndarray:
    """A tensor or array-like as an array; half precision, which numpy lacks, is widened."""
    if is_tensor(value):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    return np.asarray(value)


def is_scalar(value) -> bool:
    """Whether the value is one number or bool: Python's, numpy's, or an array or tensor without axes."""
    if is_tensor(value) or isinstance(value, np.ndarray):
        return value.ndim == 0
    return isinstance(value, (Number, np.number, np.bool_))


def kind_of(value) -> str:
    """The kind of the value's numbers in a word: bool, int, float, complex, text, or the type's own name."""
    if type(value) in (bool, int, float, complex):
        return type(value).__name__
    return KINDS.get(as_numpy(value).dtype.kind, type(value).__name__)


def describe(value) -> str:
    """What the value is: "an int array of shape (3, 2)", "a tuple of 2 values", "the float 0.5"."""
    if value is None or value is ...:
        return "None" if value is None else "..., still to be written"
    if is_scalar(value):
        return f"the {type(value).__name__} {shown(value)}"
    if isinstance(value, np.ndarray) or is_tensor(value):
        kind = "object" if value.dtype == object else kind_of(value)
        noun = "tensor" if is_tensor(value) else "masked array" if np.ma.is_masked(value) else "array"
        return f"{a(kind)} {noun} of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list, dict, set, frozenset)):
        return f"{a(type(value).__name__)} of {len(value)} value{'' if len(value) == 1 else 's'}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, PurePath):
        return f"the path {value}"
    if callable(value):
        return f"a function ({getattr(value, '__name__', 'without a name')})"
    return f"a value of type {type(value).__name__}"


def brief(value) -> str:
    """The value itself where it is short, else what it is."""
    text = shown(value)
    return text if len(text) <= SHORT and " at 0x" not in text and " ...," not in text else describe(value)


def shown(value) -> str:
    """The value on one line, as Python would write it."""
    if isinstance(value, np.ndarray):
        text = np.array2string(value, separator=", ", threshold=20)
    elif is_tensor(value):
        text = f"tensor({shown(as_numpy(value))})"
    elif isinstance(value, (np.number, np.bool_)):
        text = shown(value.item())
    elif isinstance(value, float):
        text = repr(value) if len(repr(value)) <= 12 else f"{value:.10g}"
    elif type(value) in (tuple, list):
        ends = "[]" if isinstance(value, list) else "()"
        text = ", ".join(map(shown, value)) + ("," if type(value) is tuple and len(value) == 1 else "")
        text = ends[0] + text + ends[1]
    else:
        text = repr(value)
    text = " ".join(text.split())
    return text if len(text) <= LONG else text[:LONG] + " ..."


def a(noun: str) -> str:
    """The noun with its article."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun
