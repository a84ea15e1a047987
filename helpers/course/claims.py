"""Claims: what a paper says, what we measured, and a verdict by a rule written before the number was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from math import floor, isfinite, log10, sqrt

import numpy as np

from helpers.course.session import SESSION, check_module

REPRODUCED, PARTLY, NOT, REVERSED, NEW = "reproduced", "partly", "not reproduced", "reversed", "new"
OF_GUESSES = {NEW: "holds", PARTLY: "partly", NOT: "does not hold", REVERSED: "the opposite holds"}


@dataclass(frozen=True)
class Rule:
    """A rule in words, the decision that it makes, `decide(ours, low, high)`, which gives a verdict, and in a few words
    where our figure has to lie.
    """

    text: str
    decide: Callable[[float, float, float], str]
    aim: str


@dataclass(frozen=True)
class Claim:
    """One headline claim: the paper's words in ours, its figure (None where it says nothing), and the rule."""

    id: str
    module: str
    claim: str
    paper: str | None
    rule: Rule
    unit: str = ""


def above(threshold: float = 0.0, unit: str = "") -> Rule:
    """Rule: the whole 95 % interval lies above the threshold."""

    def decide(ours: float, low: float, high: float) -> str:
        if low > threshold:
            return REPRODUCED
        if high < threshold:
            return REVERSED
        return PARTLY if ours > threshold else NOT

    return Rule(_sided("above", "below", threshold, unit), decide, f"above {_with(threshold, unit)}")


def below(threshold: float = 0.0, unit: str = "") -> Rule:
    """Rule: the whole 95 % interval lies below the threshold."""
    mirrored = above(-threshold).decide
    return Rule(
        _sided("below", "above", threshold, unit),
        lambda ours, low, high: mirrored(-ours, -high, -low),
        f"below {_with(threshold, unit)}",
    )


def near(value: float, tolerance: float, unit: str = "") -> Rule:
    """Rule: our figure is at most `tolerance` from `value`; at most twice that is "partly"."""
    if not tolerance > 0:
        raise ValueError(f"near expects a tolerance above 0, got {tolerance}; for an exact figure use equals({value})")
    slack = 1e-12 * max(1.0, abs(value))  # 1.1 - 1.0 is a little more than 0.1 in floating point

    def decide(ours: float, low: float, high: float) -> str:
        distance = abs(ours - value) - slack
        return REPRODUCED if distance <= tolerance else PARTLY if distance <= 2 * tolerance else NOT

    once, twice, value_text = _with(tolerance, unit), _with(2 * tolerance, unit), _with(value, unit)
    text = f"reproduced if our figure is within {once} of {value_text}; partly if within {twice}; else not reproduced"
    return Rule(text, decide, f"within {once} of {value_text}")


def equals(value: float, unit: str = "") -> Rule:
    """Rule: our figure is exactly `value`, and so are both ends of its interval."""

    def decide(ours: float, low: float, high: float) -> str:
        if ours != float(value):
            return NOT
        return REPRODUCED if low == high else PARTLY

    shown = _with(value, unit)
    text = f"reproduced if exactly {shown} in every seed; partly if only on average; else not reproduced"
    return Rule(text, decide, f"exactly {shown}")


def _sided(side: str, other: str, threshold: float, unit: str) -> str:
    shown = _with(threshold, unit)
    return (
        f"reproduced if the whole 95 % interval lies {side} {shown}; partly if only our figure does; "
        f"reversed if the whole interval lies {other}; else not reproduced"
    )


def _with(value: float, unit: str) -> str:
    return f"{float(value):.6g} {unit}".rstrip()


@dataclass(frozen=True)
class Measured:
    """A claim with our figure, its 95 % interval, the number of seeds and the verdict."""

    claim: Claim
    ours: float
    low: float
    high: float
    seeds: int
    verdict: str

    @property
    def outcome(self) -> str:
        """The verdict in the words that are shown: a guess of ours holds, a figure of the paper is reproduced."""
        return self.verdict if self.claim.paper else OF_GUESSES[self.verdict]

    def row(self) -> dict:
        """The claim as a row of `claims.json`."""
        about = self.claim
        return {
            "id": about.id, "module": about.module, "claim": about.claim, "paper": about.paper,
            "ours": self.ours, "low": self.low, "high": self.high, "seeds": self.seeds,
            "rule": about.rule.text, "verdict": self.verdict,
        }  # fmt: skip

    def figure(self) -> str:
        """Our figure with its interval, rounded to what the interval's width can carry, four digits at most."""
        ours, low, high = _rounded(self.ours, self.low, self.high)
        return f"{ours} {self.claim.unit}".rstrip() + ("" if self.low == self.high else f" [{low}, {high}]")

    def __repr__(self) -> str:
        paper = self.claim.paper or "says nothing"
        return f"[{self.outcome}] ours {self.figure()} ({_seeds(self.seeds)}); paper {paper}; claim: {self.claim.claim}"

    def _repr_html_(self) -> str:
        return ClaimsTable((self,))._repr_html_()


@dataclass(frozen=True)
class ClaimsTable:
    """Measured claims, shown as one table."""

    rows: tuple[Measured, ...]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.rows)) or "no claims measured yet"

    def remarks(self) -> list[str]:
        """How the table is to be read, as far as its rows need it."""
        kinds = {row.claim.rule.aim.split()[0] for row in self.rows}
        guesses = any(row.claim.paper is None for row in self.rows)
        said = (
            (True, "What the paper reports and what we measured, by a rule written before the number."),
            (guesses, "Where the paper says nothing, the claim is a guess of ours."),
            (kinds & {"above", "below"}, "Above, below: the whole interval has to lie there (partly: only our figure "
             "does; reversed, or the opposite: the whole interval lies beyond)."),
            ("within" in kinds, "Within: our figure has to lie there (partly: within twice that)."),
            ("exactly" in kinds, "Exactly: in every seed (partly: on average)."),
        )  # fmt: skip
        return [words for needed, words in said if needed]

    def _repr_html_(self) -> str:
        heads = ("claim", "paper", "ours [95 % interval]", "seeds", "verdict", "rule")
        lines = [_line("th", heads)] + [_line("td", _cells(row)) for row in self.rows]
        return (
            f"<table>\n<caption>{' '.join(self.remarks())}</caption>\n"
            + "\n".join(lines)
            + "\n</table>"
        )


def claims_table(*measured: Measured) -> ClaimsTable:
    """The measured claims as one table, as `finish` shows them."""
    return ClaimsTable(measured)


def record(claim, samples=None, *, ours=None, low=None, high=None, seeds=None) -> Measured:
    """The claim measured and kept for `finish`; an earlier figure for the same id is replaced.

    Give either `samples`, one number per seed (mean and 95 % Student-t interval), or `ours`, `low`, `high` and `seeds`.
    Raises ValueError where the numbers are empty, not finite or out of order.
    """
    check_module(claim.module)
    explicit = (ours, low, high, seeds)
    if (samples is None) == all(part is None for part in explicit):
        raise ValueError(f"claim {claim.id!r} expects samples, or else ours, low, high and seeds; got both or neither")
    ours, low, high, seeds = _given(claim.id, explicit) if samples is None else _interval(claim.id, samples)
    verdict = claim.rule.decide(ours, low, high)
    if claim.paper is None and verdict == REPRODUCED:
        verdict = NEW
    measured = Measured(claim, ours, low, high, seeds, verdict)
    SESSION.measured[claim.id] = measured
    return measured


def _interval(name: str, samples) -> tuple[float, float, float, int]:
    values = np.asarray(samples, dtype=float)
    if values.ndim != 1 or values.size < 2:
        raise ValueError(
            f"claim {name!r} expects one number per seed from at least 2 seeds, got shape {values.shape}; "
            "run more seeds, or give ours, low, high and seeds yourself"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"claim {name!r} expects finite samples, got {values[~np.isfinite(values)][0]}")
    from scipy.special import stdtrit  # 0.1 s, and only here

    mean, seeds = float(values.mean()), values.size
    half = float(stdtrit(seeds - 1, 0.975) * values.std(ddof=1) / sqrt(seeds)) if np.ptp(values) else 0.0
    mean = mean if half else float(values[0])  # equal samples: their mean may differ in the last bit
    return mean, mean - half, mean + half, seeds


def _given(name: str, explicit: tuple) -> tuple[float, float, float, int]:
    if any(part is None for part in explicit):
        raise ValueError(f"claim {name!r} expects all of ours, low, high and seeds; got {explicit}")
    ours, low, high, seeds = (*map(float, explicit[:3]), int(explicit[3]))
    if not all(map(isfinite, (ours, low, high))) or seeds < 1:
        raise ValueError(f"claim {name!r} expects finite numbers from at least 1 seed, got {explicit}")
    if not low <= ours <= high:
        raise ValueError(f"claim {name!r} expects low <= ours <= high, got {low} <= {ours} <= {high}")
    return ours, low, high, seeds


def _rounded(ours: float, low: float, high: float) -> tuple[str, ...]:
    if low == high:
        return (f"{ours:.0f}" if ours == round(ours) else f"{ours:.4g}",) * 3
    carried = 1 - floor(log10((high - low) / 2))
    digits = 3 - floor(log10(max(abs(low), abs(high))))
    decimals = max(min(carried, digits), 0)
    return tuple(f"{value:z.{decimals}f}" for value in (ours, low, high))  # z: no minus before zero


def _seeds(count: int) -> str:
    return f"{count} seed" if count == 1 else f"{count} seeds"


def _cells(row: Measured) -> tuple[str, ...]:
    about = row.claim
    return about.claim, about.paper or "says nothing", row.figure(), str(row.seeds), row.outcome, about.rule.aim


def _line(tag: str, cells) -> str:
    return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"
