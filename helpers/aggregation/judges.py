"""The judges of the open exercises, and the table whose truth they keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from helpers.course import Mistake

from .answers import AnswerTable
from .experiments import score_rules
from .rules import RULES
from .scoring import credits
from .simulate import simulate

LOSS = 5  # points that OW-L has to lose to the majority
MOST_COPYING = 0.6


def breaks_ow_l(settings) -> tuple[bool, str]:
    """Return whether OW-L loses to the majority by 5 points under these settings, and what was measured."""
    if not isinstance(settings, dict) or set(settings) != {"accuracies", "copy", "copy_from"}:
        return False, 'expected a dict with the keys "accuracies", "copy" and "copy_from"'
    accuracies, copy = np.asarray(settings["accuracies"], float), np.asarray(settings["copy"], float)
    if accuracies.shape != copy.shape or accuracies.ndim != 1 or not 5 <= len(accuracies) <= 9:
        return False, "expected 5 to 9 models, with one accuracy and one chance of copying each"
    if accuracies.min() < 0.5:
        return False, f"no model may be right less than half the time; your worst is {accuracies.min():g}"
    if np.sum(copy > 0) > 2 or copy.max() > MOST_COPYING:
        return False, f"at most two models may copy, each with a chance of at most {MOST_COPYING:g}"
    scores = score_rules(lambda seed: simulate(**settings, n_options=4, n_questions=2_000, seed=seed),
                         {name: RULES[name] for name in ("majority_vote", "ow_l")}, range(5))
    lost = float(np.mean(scores["majority_vote"] - scores["ow_l"]))
    found = f"Over five seeds OW-L is {abs(lost):.1f} points {'behind' if lost > 0 else 'ahead of'} the majority"
    return lost >= LOSS, f"{found}; {LOSS} behind is asked for."


BREAKS_MISTAKES = tuple(
    Mistake(name, dict(accuracies=accuracies, copy=copy, copy_from=copy_from), question)
    for name, accuracies, copy, copy_from, question in [
        ("copies the best", [0.85, 0.75, 0.65, 0.55, 0.55, 0.55], [0, 0, 0, 0, 0.6, 0.6], 0,
         "They copy the best model, so that they are often right together. Who would be wrong together?"),
        ("no copying", [0.85, 0.75, 0.65, 0.55, 0.55, 0.55], [0, 0, 0, 0, 0, 0], 3,
         "These models err independently. Is OW-L not at its best there?"),
        ("too little", [0.85, 0.75, 0.65, 0.55, 0.55, 0.55], [0, 0, 0, 0, 0.2, 0.2], 3,
         "The right idea. How often do they have to copy before agreement outweighs accuracy?"),
        ("only one", [0.85, 0.75, 0.65, 0.55, 0.55], [0, 0, 0, 0, 0.6], 3,
         "One copy makes a pair. How many does it take before they confirm each other?"),
        ("many good ones", [0.9, 0.85, 0.8, 0.8, 0.75, 0.55, 0.55, 0.55], [0, 0, 0, 0, 0, 0, 0.6, 0.6], 5,
         "Five good models confirm each other too. Who are the copies up against?"),
    ])  # fmt: skip

ACCURACIES = (0.85, 0.75, 0.7, 0.45, 0.4, 0.4, 0.35)
BIAS = (0, 0, 0, 0.75, 0.8, 0.7, 0.75)
CLOSE = 2  # points behind the best rule that still count as right


def _mystery() -> AnswerTable:
    table = simulate(ACCURACIES, 4, 1_200, 20_251_001, slot_bias=BIAS, missing=0.08)
    return replace(table, models=("Ada", "Bo", "Cy", "Dee", "Eli", "Fay", "Gus"))


def mystery_table() -> AnswerTable:
    """Return the table of the last exercise: 1,200 questions, 7 models, 4 options, no truth."""
    return replace(_mystery(), truth=None)


def score_mystery(decisions) -> tuple[bool, str]:
    """Return whether the decisions come within 2 points of the best rule on the hidden truth, and their score."""
    table = _mystery()
    if getattr(decisions, "tied", None) is None:
        decisions = np.asarray(decisions)
        whole = decisions.dtype.kind == "f" and np.array_equal(decisions, np.floor(decisions))
        decisions = decisions.astype(int) if whole else decisions
    if decisions.shape != (table.n_questions,) or decisions.dtype.kind not in "iu":
        return False, (f"expected one option per question, {table.n_questions} whole numbers, "
                       f"got {decisions.dtype} of shape {decisions.shape}")
    score = 100 * float(np.mean(credits(decisions, table)))
    best = max(100 * float(np.mean(credits(rule(table), table))) for rule in RULES.values())
    return score >= best - CLOSE, f"Right on {score:.1f} % of the hidden answers; the best rule gets {best:.1f} %."


def mystery_mistakes() -> tuple[Mistake, ...]:
    """Return decisions of rules that fail on the table, each with its question."""
    questions = {
        "majority_vote": "Is that the majority? How many of the seven give the same answer whatever the question?",
        "ow_l": "Is that OW-L? Whom does it believe, and why do those models agree?",
        "dawid_skene_one_coin": "Is that one-coin Dawid-Skene? One accuracy per model knows no favourite label.",
        "surprisingly_popular": "Is that SP? It discounts answers that are always expected. Can you do better?",
    }
    table = mystery_table()
    return tuple(Mistake(name, np.asarray(RULES[name](table)), words) for name, words in questions.items())
