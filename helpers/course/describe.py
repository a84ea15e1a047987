"""Values in a learner's words: what kind of thing, which shape, and the value itself where it is short."""

from __future__ import annotations

import sys
from numbers import Number

import numpy as np

KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex", "U": "text", "S": "bytes", "O": "object"}
SHORT = 60  # characters


def is_tensor(value) -> bool:
    """Whether the value is a torch tensor; never imports torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_numpy(value) -> np.ndarray:
    """A tensor or array-like as an array, half precision widened."""
    if is_tensor(value):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    return np.asarray(value)


def is_scalar(value) -> bool:
    """Whether the value is one number or bool: Python's, numpy's, or an array or tensor without axes."""
    if is_tensor(value) or isinstance(value, np.ndarray):
        return value.ndim == 0
    return isinstance(value, (Number, np.generic))


def kind_of(value) -> str:
    """The kind of the value's numbers in a word: bool, int, float, complex, text or object."""
    dtype = value.dtype if isinstance(value, (np.ndarray, np.generic)) else as_numpy(value).dtype
    return KINDS.get(dtype.kind, str(dtype))


def describe(value) -> str:
    """What the value is: "an int array of shape (3, 2)", "a tuple of 2 values", "the float 0.5"."""
    if value is None or value is ...:
        return "None" if value is None else "... (still to be written)"
    if isinstance(value, np.ndarray) or is_tensor(value):
        noun = "tensor" if is_tensor(value) else "array"
        return f"{_a(kind_of(value))} {noun} of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list, dict, set, frozenset)):
        return f"{_a(type(value).__name__)} of {len(value)} value{'' if len(value) == 1 else 's'}"
    if is_scalar(value):
        return f"the {type(value).__name__} {shown(value)}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if callable(value):
        return f"a function ({getattr(value, '__name__', 'without a name')})"
    return f"a value of type {type(value).__name__}"


def brief(value) -> str:
    """The value itself where it is short, else what it is."""
    text = shown(value)
    return text if len(text) <= SHORT and "object at 0x" not in text else describe(value)


def shown(value) -> str:
    """The value on one line, as Python would write it."""
    if isinstance(value, np.ndarray):
        return _one_line(np.array2string(value, separator=", ", threshold=20))
    if is_tensor(value):
        return f"tensor({shown(as_numpy(value))})"
    if isinstance(value, np.generic):
        return shown(value.item()) if not isinstance(value.item(), np.generic) else str(value)
    if isinstance(value, float):
        return f"{value:.10g}" if value % 1 else repr(value)
    if isinstance(value, (tuple, list)) and len(value) <= 8:
        inside = ", ".join(map(shown, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    text = _one_line(repr(value))
    return text if len(text) <= 4 * SHORT else text[: 4 * SHORT] + " ..."


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _a(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun
