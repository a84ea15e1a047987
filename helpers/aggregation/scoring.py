"""How good the decisions are, with an interval; the only file besides the pictures that looks at the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .answers import AnswerTable
from .rules import RULES

RESAMPLES = 2_000


@dataclass(frozen=True)
class Score:
    """An accuracy or a difference of two, with its bootstrap 95 % interval; all as fractions of 1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2%} [{self.low:.2%}, {self.high:.2%}]"


def credits(decisions, table: AnswerTable) -> Float[np.ndarray, " scored"]:
    """Return each decision's chance of being right, over the questions whose truth is known.

    1 or 0, and 1/n where n options tied for the best and the truth is among them (decisions of a rule know their ties;
    a plain array has none). No decision (-1) earns 0. Raises ValueError without truth.
    """
    if table.truth is None or not np.any(table.truth >= 0):
        raise ValueError("this table has no truth, so nothing can be scored; give AnswerTable(..., truth=...)")
    if np.shape(decisions) != table.truth.shape:
        raise ValueError(f"expected one decision per question, shape {table.truth.shape}, got {np.shape(decisions)}")
    known = table.truth >= 0
    tied = getattr(decisions, "tied", None)
    if tied is None:
        return (np.asarray(decisions) == table.truth)[known].astype(float)
    among_best = tied[known, table.truth[known]]
    return among_best / np.maximum(tied[known].sum(axis=1), 1)


def accuracy(decisions, table: AnswerTable, seed: int = 0) -> Score:
    """Return the share of right decisions, ties credited exactly, with a bootstrap 95 % interval over questions."""
    return bootstrap(credits(decisions, table), seed)


def bootstrap(values: Float[np.ndarray, " questions"], seed: int = 0) -> Score:
    """Return the mean with the percentile 95 % interval of 2,000 resamples.

    Credits take few distinct values, so that a resample is one multinomial draw of their counts.
    """
    distinct, counts = np.unique(np.round(values, 12), return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), RESAMPLES)
    low, high = np.percentile(draws @ distinct / len(values), [2.5, 97.5])
    return Score(float(np.mean(values)), float(low), float(high))


@dataclass(frozen=True)
class Row:
    """One rule's result: its accuracy, and its lift over the majority on the same questions (paired interval)."""

    rule: str
    accuracy: Score
    lift: Score


@dataclass(frozen=True)
class Comparison:
    """Rules side by side on one table, the most accurate first; draws itself."""

    rows: tuple[Row, ...]
    questions: int

    def __repr__(self) -> str:
        width = max([4, *(len(row.rule) for row in self.rows)])
        lines = [f"{'rule':<{width}}  accuracy [95 %]          lift over majority [95 %]"]
        lines += [f"{row.rule:<{width}}  {str(row.accuracy):<23}  {_signed(row.lift)}" for row in self.rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        body = "".join(f"<tr><td>{row.rule}</td><td>{row.accuracy}</td><td>{_signed(row.lift)}</td></tr>"
                       for row in self.rows)
        return ("<table><tr><th>rule</th><th>accuracy [95 %]</th><th>lift over majority [95 %]</th></tr>"
                f"{body}</table>")

    def plot(self):
        """Return a figure of the accuracies with their intervals."""
        from .pictures import draw_comparison
        return draw_comparison(self)


def compare(table: AnswerTable, rules=None, seed: int = 0) -> Comparison:
    """Return accuracy and lift over the majority of each rule, with intervals.

    rules: names of `RULES`, functions, or a dict of name -> function (table, *, seed); left out, all of `RULES` that
    the table allows (OW-L asks for three models).
    """
    if rules is None:
        rules = [name for name in RULES if table.n_answering >= 3 or not name.startswith("ow_l")]
    rules = _named(rules)
    majority = credits(RULES["majority_vote"](table, seed=seed), table)
    rows = []
    for name, rule in rules.items():
        earned = credits(rule(table, seed=seed), table)
        rows.append(Row(name, bootstrap(earned, seed), bootstrap(earned - majority, seed)))
    return Comparison(tuple(sorted(rows, key=lambda row: -row.accuracy.value)), len(majority))


def _named(rules) -> dict:
    if isinstance(rules, dict):
        return rules
    if unknown := [rule for rule in rules if isinstance(rule, str) and rule not in RULES]:
        raise ValueError(f"no rule {unknown[0]!r}; there are {', '.join(RULES)}, or pass a function")
    return {rule if isinstance(rule, str) else rule.__name__: RULES[rule] if isinstance(rule, str) else rule
            for rule in rules}


def _signed(score: Score) -> str:
    return f"{100 * score.value:+.2f} pp [{100 * score.low:+.2f}, {100 * score.high:+.2f}]"
