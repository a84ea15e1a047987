"""The experiments of the notebook; each returns accuracies in percent or differences in points, one per seed."""

from __future__ import annotations

import numpy as np

from .answers import AnswerTable
from .dawid_skene import fit_one_coin
from .diagnosis import diagnose
from .rules import RULES, estimate_accuracies, linear_weights
from .scoring import bootstrap, credits
from .simulate import simulate
from .votes import majority_vote, optimal_weight, weighted_vote

TABLE_2 = (0.6, 0.7, 0.8, 0.9)  # the paper's four models
OPTIONS = (2, 4, 6, 8, 10)
COPYING = dict(accuracies=(0.85, 0.75, 0.65, 0.55, 0.55, 0.55), n_options=4, n_questions=3_000, copy_from=3)
BIAS = dict(accuracies=(0.85, 0.75, 0.65, 0.4, 0.4, 0.4), n_options=4, n_questions=2_000)


def percent_right(rule, table: AnswerTable, seed: int) -> float:
    """Return the rule's accuracy on the table in percent, ties credited exactly."""
    return 100 * float(np.mean(credits(rule(table, seed=seed), table)))


def score_rules(make_table, rules: dict, seeds) -> dict[str, np.ndarray]:
    """Return rule -> accuracies in percent (seeds,), each seed one table `make_table(seed)`."""
    tables = [(seed, make_table(seed)) for seed in seeds]
    return {name: np.array([percent_right(rule, table, seed) for seed, table in tables])
            for name, rule in rules.items()}


def oracle(accuracies):
    """Return the rule that knows the accuracies (OW*)."""
    return lambda table, *, seed=0: optimal_weight(table, accuracies, seed=seed)


def rebuild_table_2(seeds, rules: dict, n_questions: int = 10_000) -> dict[str, np.ndarray]:
    """Return rule -> accuracies in percent (seeds, K = 2, 4, 6, 8, 10) for the paper's four models and the "oracle"."""
    rules = rules | {"oracle": oracle(TABLE_2)}
    columns = [score_rules(lambda seed, k=k: simulate(TABLE_2, k, n_questions, seed), rules, seeds) for k in OPTIONS]
    return {name: np.stack([column[name] for column in columns], axis=1) for name in rules}


def copying_table(strength: float, seed: int) -> AnswerTable:
    """Return six models of which the last two copy the fourth with the given chance."""
    return simulate(**COPYING, copy=[0, 0, 0, 0, strength, strength], seed=seed)


def biased_table(strength: float, shuffle: str, seed: int) -> AnswerTable:
    """Return six models of which the last three take the first option they see with the given chance."""
    return simulate(**BIAS, slot_bias=[0, 0, 0, strength, strength, strength], shuffle=shuffle, seed=seed)


def fifty_labels(make_table, seeds, labels: int = 50) -> dict[str, np.ndarray]:
    """Return rule -> accuracies in percent (seeds,) on the questions after the first `labels`, whose truth is used.

    "labels" is OW with accuracies counted on those, one right and one wrong answer added to each model's count.
    """
    scores = {"majority_vote": [], "ow_l": [], "labels": []}
    for seed in seeds:
        table = make_table(seed)
        known, rest = table.subset(questions=range(labels)), table.subset(questions=range(labels, table.n_questions))
        right = np.sum(known.answers == known.truth[:, None], axis=0)
        counted = (right + 1) / (np.sum(known.answers >= 0, axis=0) + 2)
        for name, rule in (("majority_vote", majority_vote), ("ow_l", RULES["ow_l"]), ("labels", oracle(counted))):
            scores[name].append(percent_right(rule, rest, seed))
    return {name: np.array(values) for name, values in scores.items()}


def regret_by_questions(accuracies, n_options: int, sizes, seeds, fresh: int = 4_000) -> dict[str, np.ndarray]:
    """Return rule -> loss to the oracle in points (seeds, sizes), weights fitted on `size` questions without labels
    and applied to fresh ones; estimated accuracies are kept half a question away from 0 and 1."""
    regret = {}
    for row, seed in enumerate(seeds):
        test = simulate(accuracies, n_options, fresh, [seed, 1])
        best = percent_right(oracle(accuracies), test, seed)
        for column, size in enumerate(sizes):
            train = simulate(accuracies, n_options, size, [seed, 2])
            for name, rule in fitted_rules(train).items():
                regret.setdefault(name, np.empty((len(seeds), len(sizes))))
                regret[name][row, column] = percent_right(rule, test, seed) - best
    return regret


def fitted_rules(train: AnswerTable) -> dict:
    """Return label-free rules whose weights are already fixed by the answers in `train`."""
    weights = linear_weights(train)
    estimates = {name: estimate_accuracies(train, name) for name in ("ow_l", "ow_i")}
    estimates["dawid_skene_one_coin"] = fit_one_coin(train)[0]
    half = 0.5 / train.n_questions
    return {"majority_vote": RULES["majority_vote"],
            "isp_linear": lambda table, *, seed=0: weighted_vote(table, weights, seed=seed),
            } | {name: oracle(np.clip(x, half, 1 - half)) for name, x in estimates.items()}


def ensemble_lifts(table: AnswerTable, ensembles, rules: dict, seed: int = 0) -> dict[str, np.ndarray]:
    """Return rule -> lift over the majority in points (ensembles,), on the questions that all members answered.

    Also "best": the lift of the ensemble's most accurate member, chosen with the truth.
    """
    lifts = {name: [] for name in (*rules, "best")}
    for members in ensembles:
        part = table.subset(models=members)
        part = part.subset(questions=np.all(part.answers >= 0, axis=1))
        majority = percent_right(RULES["majority_vote"], part, seed)
        for name, rule in rules.items():
            lifts[name].append(percent_right(rule, part, seed) - majority)
        lifts["best"].append(100 * np.max(np.mean(part.answers == part.truth[:, None], axis=0)) - majority)
    return {name: np.array(values) for name, values in lifts.items()}


def mean_lift(table: AnswerTable, ensembles, rule, seed: int = 0):
    """Return the rule's lift over the majority, averaged over ensembles, as a `Score` in fractions of 1.

    The interval resamples questions, since ensembles overlap: they are no independent repetitions. Every model must
    have answered every question.
    """
    parts = [table.subset(models=members) for members in ensembles]
    earned = [credits(rule(part, seed=seed), part) - credits(majority_vote(part, seed=seed), part) for part in parts]
    return bootstrap(np.mean(earned, axis=0), seed)


def random_table(seed: int) -> AnswerTable:
    """Return a simulated table drawn at random: how many models, options and questions, how good, copying or biased."""
    rng = np.random.default_rng([seed, 3])
    n_models = int(rng.integers(4, 10))
    weak = rng.random(n_models) < 0.4  # these may copy one model or favour a label
    ill = rng.choice(["nothing", "copying", "bias"])
    return simulate(rng.uniform(0.35, 0.92, n_models), int(rng.choice([2, 4, 10])),
                    int(rng.choice([300, 1_000, 3_000])), seed=seed,
                    copy=rng.uniform(0.2, 1) * weak * (ill == "copying"), copy_from=int(np.argmax(weak)),
                    slot_bias=rng.uniform(0.2, 1) * weak * (ill == "bias"),
                    shuffle=str(rng.choice(["none", "shared", "per_model"])))


def diagnosis_trial(seeds) -> dict[str, np.ndarray]:
    """Return "trusted" (tables, rules), a bool per verdict, and "loss", points behind the best rule of that table."""
    trusted, loss = [], []
    for seed in seeds:
        table = random_table(seed)
        trust = diagnose(table).trust
        right = np.array([percent_right(rule, table, seed) for rule in RULES.values()])
        trusted.append([trust[name] for name in RULES])
        loss.append(right.max() - right)
    return {"trusted": np.array(trusted), "loss": np.array(loss)}
