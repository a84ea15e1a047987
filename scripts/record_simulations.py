"""Record the simulations that notebook 2 shows before it runs anything: `python scripts/record_simulations.py`.

Writes helpers/aggregation/data/simulations.json: the central picture (Table 2 and copying, 20 seeds) and the explorer's
grid (copying models x label bias, 10 seeds; the diagnosis on the first 3). About four minutes on one core.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from helpers.aggregation import RULES, diagnose, simulate
from helpers.aggregation.experiments import OPTIONS, copying_table, rebuild_table_2, score_rules
from helpers.aggregation.real_answers import DATA

SEEDS = range(20)
STRENGTHS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
ACCURACIES = [0.85, 0.75, 0.65, 0.6, 0.5, 0.5, 0.5, 0.5]  # the last four are the ones that copy or favour a label
COPIES = [0, 1, 2, 3]


def means(scores: dict) -> dict:
    """Return rule -> mean over the seeds, rounded to 0.01 points."""
    return {name: np.round(np.mean(values, axis=0), 2).tolist() for name, values in scores.items()}


def explorer_table(copies: int, bias: float, seed: int):
    """Return eight models: `copies` of the last three repeat the fifth, and the last four favour the first option."""
    copying = [0.9 if 5 <= model < 5 + copies else 0 for model in range(8)]
    biased = [bias if model >= 4 else 0 for model in range(8)]
    return simulate(ACCURACIES, 4, 2_000, seed, copy=copying, copy_from=4, slot_bias=biased)


def explorer_cell(copies: int, bias: float) -> dict:
    """Return the mean accuracy of each rule, and the share of seeds in which the diagnosis trusts it."""
    scores = score_rules(lambda seed: explorer_table(copies, bias, seed), RULES, range(10))
    verdicts = [diagnose(explorer_table(copies, bias, seed)).trust for seed in range(3)]
    trusted = {name: round(float(np.mean([trust[name] for trust in verdicts])), 2) for name in RULES}
    return {"copies": copies, "bias": bias, "accuracy": means(scores), "trusted": trusted}


def main() -> None:
    """Write the file."""
    copying = [score_rules(lambda seed, chance=chance: copying_table(chance, seed), RULES, SEEDS)
               for chance in STRENGTHS]
    recorded = {
        "seeds": len(SEEDS),
        "table_2": {"options": list(OPTIONS), "accuracy": means(rebuild_table_2(SEEDS, RULES))},
        "copying": {"chance": STRENGTHS, "accuracy": [means(scores) for scores in copying]},
        "explorer": [explorer_cell(copies, bias) for copies in COPIES for bias in STRENGTHS],
    }
    Path(DATA, "simulations.json").write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
