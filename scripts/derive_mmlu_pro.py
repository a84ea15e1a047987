"""Derive the tables about 29 LLMs on MMLU-Pro that ship with the course: `python scripts/derive_mmlu_pro.py [TABLE]`.

TABLE is the CSV of recorded answers; without it `load_mmlu_pro` finds or fetches it. Writes
helpers/aggregation/data/mmlu_pro.json: results per rule with intervals, the 29 x 29 agreement table and what it hides,
the 16 strong/weak ensembles. No answer and no question is copied. About two minutes on one core.
"""

from __future__ import annotations

import json
import sys
from itertools import product
from pathlib import Path

import numpy as np

from helpers.aggregation import RULES, diagnose, estimate_accuracies, inverse_surprising_popularity
from helpers.aggregation.agreement import chance_corrected_agreement, joint_counts
from helpers.aggregation.experiments import ensemble_lifts, oracle
from helpers.aggregation.real_answers import DATA, load_mmlu_pro
from helpers.aggregation.scoring import bootstrap, credits

DRAWS = 20  # relabellings of the options, over which each question's credit is averaged
PAIRS = [("gemini-1.5-pro-002", "gemini-1.5-flash-002"), ("Meta-Llama-3_1-70B-Instruct", "Meta-Llama-3_1-8B-Instruct"),
         ("Qwen1.5-72B-Chat", "Qwen1.5-7B-Chat"), ("Mixtral-8x7B-Instruct-v0.1", "Mistral-7B-Instruct-v0.2")]


def interval(values) -> list[float]:
    """Return [mean, low, high] in percent, 95 % bootstrap over questions."""
    score = bootstrap(values)
    return [round(100 * part, 3) for part in (score.value, score.low, score.high)]


def rule_results(table) -> dict:
    """Return per rule its accuracy and its lift over the majority and over the best single model."""
    accuracies = np.sum(table.answers == table.truth[:, None], axis=0) / np.sum(table.answers >= 0, axis=0)
    rules = RULES | {"isp_linear": lambda t, *, seed=0: inverse_surprising_popularity(t, seed=seed, form="linear"),
                     "oracle": oracle(accuracies)}
    draws = [table.relabelled(seed) for seed in range(DRAWS)]
    earned = {name: np.mean([credits(rule(draw, seed=seed), draw) for seed, draw in enumerate(draws)], axis=0)
              for name, rule in rules.items()}
    right = table.answers == table.truth[:, None]  # a blank is wrong
    earned["best_single"] = right[:, right.mean(axis=0).argmax()].astype(float)
    return {name: {"accuracy": interval(values), "over_majority": interval(values - earned["majority_vote"]),
                   "over_best_single": interval(values - earned["best_single"])} for name, values in earned.items()}


def ensemble_rows(table) -> dict:
    """Return the 16 ensembles of one strong or weak model per family, and each rule's lift over the majority."""
    ensembles = list(product(*PAIRS))
    lifts = ensemble_lifts(table, ensembles, RULES | {"oracle": _informed})
    names = ["".join("SW"[family.index(model)] for family, model in zip(PAIRS, members, strict=True))
             for members in ensembles]
    return {"families": [list(pair) for pair in PAIRS], "names": names,
            "lift": {rule: np.round(values, 3).tolist() for rule, values in lifts.items()}}


def _informed(table, *, seed=0):
    return oracle(np.mean(table.answers == table.truth[:, None], axis=0))(table, seed=seed)


def derive(table) -> dict:
    """Return everything that the file holds."""
    table = table.subset(questions=table.n_options == 10)
    answered = table.answers >= 0
    found = diagnose(table)
    return {
        "source": "TIGER-AI-Lab/MMLU-Pro @ f418b11, Apache-2.0; the questions with ten options",
        "questions": table.n_questions, "answers": int(answered.sum()), "draws": DRAWS, "models": list(table.models),
        "true_accuracy": np.round(np.sum(table.answers == table.truth[:, None], 0) / answered.sum(0), 4).tolist(),
        "estimated_accuracy": {name: np.round(estimate_accuracies(table, name), 4).tolist()
                               for name in ("ow_l", "ow_i", "em")},
        "agreement": np.round(np.nan_to_num(chance_corrected_agreement(table), nan=1.0), 4).tolist(),
        "jointly_answered": joint_counts(table)[0].astype(int).tolist(),
        "excess": np.round(np.nan_to_num(found.excess), 4).tolist(),
        "slot_bias": np.round(found.slot_bias, 4).tolist(), "advice": found.advice,
        "regret": {rule: round(100 * loss, 2) for rule, loss in found.regret.items()},
        "rules": rule_results(table), "unshuffled": {
            name: round(100 * float(np.mean(credits(rule(table), table))), 3) for name, rule in RULES.items()},
        "ensembles": ensemble_rows(table.relabelled(0)),  # as the paper asks
    }


def main(path: str | None = None) -> None:
    """Write the file."""
    derived = derive(load_mmlu_pro(path))
    Path(DATA, "mmlu_pro.json").write_text(json.dumps(derived) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
