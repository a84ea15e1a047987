"""The module's claims. To replace: what the paper claims, its figure, and the rule, before the number is known."""

from __future__ import annotations

from helpers.course import Claim, below, near

_ROWS = [  # the id is unique in the whole course; the paper's figure is None where it says nothing
    ("new_module_near", "Coins with heads seven times in ten: what shrinking saves of the mean squared error",
     "25.3 % by the formula", near, (25.3, 1), "%"),
    ("new_module_far", "Coins with heads nine times in ten: shrinking saves less than nothing", None,
     below, (0,), "%"),
]  # fmt: skip

CLAIMS = {name: Claim(name, "new_module", claim, paper, rule(*numbers, unit), unit)
          for name, claim, paper, rule, numbers, unit in _ROWS}  # fmt: skip
