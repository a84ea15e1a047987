"""The words of a diagnosis: what was seen, which rule follows from it, and what to do when none does."""

from __future__ import annotations

import numpy as np

from .answers import AnswerTable

CLOSE = 0.1  # excess agreement worth a sentence
BIASED = 0.1  # label bias worth a sentence, and worth removing
FEW = 50  # questions below which agreement rates are mostly noise


def advise(table: AnswerTable, excess, slot_bias, dictator, regret, trust) -> str:
    """Return the advice as sentences, one a line, the verdict first."""
    if table.n_questions < FEW:
        return (f"Trust no rule: {table.n_questions} questions are too few to compare models; below {FEW} agreement is "
                f"mostly noise. Take the majority for now, and collect more answers.")
    lines = [verdict(table, regret, trust)]
    lines += [close_pairs(table, excess)] if np.nanmax(excess, initial=0) > CLOSE else []
    lines += [biased_models(table, slot_bias)] if np.max(slot_bias) > BIASED else []
    if dictator is not None:
        name = table.models[dictator]
        lines.append(f"OW-L listens to {name} alone: it weighs at least as much as all others together.")
    return "\n".join(lines)


def verdict(table: AnswerTable, regret, trust) -> str:
    """Return which rule to use, or that none is to be trusted and the least bad one."""
    if not regret:
        return ("Trust no rule: fewer than three models answer, and two of them give one agreement rate for two "
                "unknown accuracies. Score some questions by hand and use optimal_weight.")
    least = min(regret, key=regret.get)
    if not any(trust.values()):
        return (f"Trust no rule on these answers: more than one story explains them, and the least risky rule, "
                f"{least}, could lose {100 * regret[least]:.0f} points to the best one. Score about 50 of the "
                f"{table.n_questions:,} questions by hand, then use optimal_weight, or keep the best single model.")
    trusted = sorted((rule for rule in trust if trust[rule]), key=regret.get)
    others = f" So do {', '.join(trusted[1:])}." if trusted[1:] else ""
    untested = ""
    if table.n_answering == 3:
        untested = " With three models any agreement fits, so this rests on their erring independently."
    return (f"Use {trusted[0]}: under every story that explains these answers it loses at most "
            f"{100 * regret[trusted[0]]:.1f} points to the best rule.{others}{untested}")


def close_pairs(table: AnswerTable, excess, most: int = 3) -> str:
    """Return the pairs that agree most beyond independence, and what that may mean."""
    rows, columns = np.triu_indices(table.n_models, 1)
    values = np.nan_to_num(excess[rows, columns])
    order = np.argsort(-values)[:most]
    pairs = "; ".join(f"{table.models[rows[k]]} and {table.models[columns[k]]} ({values[k]:.2f})"
                      for k in order if values[k] > CLOSE)
    return (f"In the likeliest story {int(np.sum(values > CLOSE))} of {len(values)} pairs agree more than "
            f"independent models would, most of all {pairs}. Do they share training data, or a habit? Count them as "
            f"less than full votes.")


def biased_models(table: AnswerTable, slot_bias) -> str:
    """Return the models that favour a label, and the cure."""
    biased = [f"{table.models[i]} ({slot_bias[i]:.0%})" for i in np.argsort(-slot_bias) if slot_bias[i] > BIASED]
    others = " and others" if len(biased) > 4 else ""
    return (f"{', '.join(biased[:4])}{others}: such shares of their answers go to one label whatever the question. "
            f"Show each model its own order of options; for answers already recorded, centre: ow_l_centred.")
