"""Which rule to trust on this table, asked of the answers alone: no truth is read here.

A *reading* is one story that explains the agreement table: an accuracy per model, and pairs that agree more than that.
Three honest experts beside three copies of one weak model read as well the other way round, as one expert cloned beside
three weak models that happen to agree. A rule deserves trust when it does well under every reading that fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from .advice import BIASED, FEW, advise
from .agreement import chance_corrected_agreement, effective_options, fit_rank_one, joint_counts
from .answers import AnswerTable
from .dawid_skene import fit_confusion
from .rules import RULES, estimate_accuracies
from .votes import optimal_weights, vote_scores

SLACK = 0.05  # readings that explain this share of pairs fewer than the best one are possible even if it explains all
TWINS = 0.8  # models that agree more than this may be two good ones or one and its copy
REGRET = 0.02  # a trusted rule may lose this much to the best rule under every reading
RESAMPLES = 8  # readings are also taken from resampled questions, so that few questions mean many readings
STARTS = 24


@dataclass(frozen=True)
class Diagnosis:
    """What the answers alone say about the models, and about the rules.

    excess: (models, models), agreement beyond what independent errors explain, 0 to 1, NaN on the diagonal.
    slot_bias: (models,), chance that a model picks its favourite label whatever the question.
    dictator: index of a model that OW-L weighs at least as much as all others together, or None.
    trust: rule name -> whether its worst expected loss to the best decisions, over all readings, is at most 2 pp.
    regret: rule name -> that worst expected loss, empty with fewer than three models or 50 questions.
    readings: accuracies (models,) of each story that fits the table. advice: all this in words.
    """

    excess: Float[np.ndarray, "models models"]
    slot_bias: Float[np.ndarray, " models"]
    dictator: int | None
    trust: dict[str, bool]
    regret: dict[str, float]
    readings: tuple[np.ndarray, ...]
    advice: str

    def __repr__(self) -> str:
        return self.advice

    def plot(self):
        """Return a figure of the excess agreement and the worst expected loss of each rule."""
        from .pictures import draw_diagnosis
        return draw_diagnosis(self)


def diagnose(table: AnswerTable, seed: int = 0) -> Diagnosis:
    """Return excess agreement, label bias, a dictator warning, the rules to trust and advice; never reads the truth.

    Raises ValueError where no two models answered the same question.
    """
    if not isinstance(table, AnswerTable):
        raise ValueError(f"expected an AnswerTable, got {type(table).__name__}; AnswerTable.from_csv reads a file")
    if not np.any(np.triu(joint_counts(table)[0], 1)):
        raise ValueError("no two models answered the same question, so there is nothing to compare; add answers")
    confusion, skene = fit_confusion(table)
    slot_bias = label_bias(confusion)
    centred = bool(np.max(slot_bias) > BIASED)
    readings = plausible_readings(table, centred, seed)
    agreement = chance_corrected_agreement(table, centred)
    excess = agreement - np.outer(readings[0], readings[0])
    posteriors = [reading_posterior(table, y, agreement) for y in readings]
    if centred:  # a model with a favourite label is worth more when it says something else: Dawid-Skene's story
        posteriors.append(skene)
    enough = table.n_answering >= 3 and table.n_questions >= FEW
    regret = worst_regret(table, posteriors, seed) if enough else {}
    trust = {rule: regret.get(rule, 1.0) <= REGRET for rule in RULES}
    options = effective_options(table)
    accuracies = tuple((1 + (options - 1) * y) / options for y in readings)
    dictator = find_dictator(table)
    return Diagnosis(excess, slot_bias, dictator, trust, regret, accuracies,
                     advise(table, excess, slot_bias, dictator, regret, trust))


def label_bias(confusion: Float[np.ndarray, "models options options"]) -> Float[np.ndarray, " models"]:
    """Return each model's chance of picking its favourite label whatever the question.

    confusion: P(answer | truth) of full Dawid-Skene; how much more often do errors land on that label than on others?
    """
    options = confusion.shape[1]
    wrong = np.where(np.eye(options, dtype=bool), 0.0, confusion)  # (model, truth, answer)
    on_label = wrong.sum(axis=1)  # (model, label)
    elsewhere = wrong.sum(axis=(1, 2))[:, None] - on_label
    return np.max(on_label / (options - 1) - elsewhere / (options - 1) ** 2, axis=1)


def tolerances(table: AnswerTable) -> Float[np.ndarray, "models models"]:
    """Return how far an agreement may lie from a reading and still be explained: 3 standard errors and 0.02."""
    both, same = joint_counts(table)
    rate = same / np.maximum(both, 1)
    options = effective_options(table)
    error = np.sqrt(np.maximum(rate * (1 - rate), 1e-4) / np.maximum(both, 1))
    return 3 * error * options / (options - 1) + 0.02


def novelty(agreement) -> Float[np.ndarray, " models"]:
    """Return how much each model adds, 1 alone to 1/n for one of n identical models: near-copies must not outvote."""
    return 1 / (1 + np.sum(np.maximum(np.nan_to_num(agreement), 0) ** 4, axis=1))


def plausible_readings(table: AnswerTable, centred: bool, seed: int) -> list[np.ndarray]:
    """Return the skills y (models,) of every reading that explains nearly as many pairs as the best, the best first.

    Pairs that hardly ever differ count for no reading: two perfect models and two copies of one look the same.
    """
    rng = np.random.default_rng(seed)
    found = fit_readings(table, centred, rng)
    for _ in range(RESAMPLES):
        resample = table.subset(questions=rng.integers(0, table.n_questions, table.n_questions))
        found += fit_readings(resample, centred, rng)
    agreement, tolerance = chance_corrected_agreement(table, centred), tolerances(table)
    weight = np.outer(novelty(agreement), novelty(agreement)) * np.triu(~np.isnan(without_twins(agreement)), 1)
    fits = [np.abs(np.nan_to_num(agreement) - np.outer(y, y)) <= tolerance for y in found]
    explained = np.array([np.sum(weight * fit) for fit in fits]) / max(weight.sum(), 1e-300)
    enough = 2 * explained.max() - 1 - SLACK  # the more the best one leaves unexplained, the more others are possible
    return [found[i] for i in np.argsort(-explained, kind="stable") if explained[i] >= enough]


def without_twins(agreement):
    """Return the agreement with pairs that hardly ever differ unknown; unchanged where too few others are left."""
    others = np.where(agreement > TWINS, np.nan, agreement)
    return others if np.sum(~np.isnan(others)) >= 6 else agreement


def fit_readings(table: AnswerTable, centred: bool, rng) -> list[np.ndarray]:
    """Return different skills y (models,) that each fit many pairs: one start from all pairs, others from triples."""
    everything = chance_corrected_agreement(table, centred)
    lowest = -1 / (effective_options(table) - 1)
    triples = list(combinations(range(table.n_models), 3))
    fits = []
    for agreement in (everything, without_twins(everything)):
        chosen = rng.permutation(len(triples))[:STARTS]
        starts = [fit_rank_one(agreement, lowest)]
        starts += [start for i in chosen if (start := triple_start(agreement, triples[i])) is not None]
        for start in starts:
            y = median_fit(agreement, start, lowest)
            if all(np.max(np.abs(y - other)) > 0.1 for other in fits):
                fits.append(y)
    return fits


def triple_start(agreement, triple) -> np.ndarray | None:
    """Return the skills that solve three models exactly, y_i^2 = c_ij c_ik / c_jk, 0 elsewhere; None if none do."""
    i, j, k = triple
    pairs = agreement[[i, i, j], [j, k, k]]
    if not np.all(pairs > 0.02):  # also where NaN
        return None
    y = np.zeros(len(agreement))
    y[list(triple)] = np.sqrt([pairs[0] * pairs[1] / pairs[2], pairs[0] * pairs[2] / pairs[1],
                               pairs[1] * pairs[2] / pairs[0]])
    return np.minimum(y, 1)


def median_fit(agreement, y, lowest: float, sweeps: int = 40) -> np.ndarray:
    """Return skills near the start with y_i the median over j of c_ij / y_j: up to half of a model's pairs may lie."""
    weights = np.broadcast_to(novelty(agreement), agreement.shape)
    for _ in range(sweeps):
        usable = ~np.isnan(agreement) & (np.abs(y) > 0.1)
        new = row_medians(agreement / np.where(usable, y, 1), np.where(usable, weights, 0))
        new = np.clip(np.where(usable.any(axis=1), new, 0), lowest, 1)
        if np.max(np.abs(new - y)) < 1e-6:
            break
        y = (y + new) / 2  # half steps: full ones can swing between two states
    return y


def row_medians(values, weights) -> np.ndarray:
    """Return the weighted median of each row, the mean of the two middle values where the weight splits evenly."""
    order = np.argsort(np.where(weights > 0, values, np.inf), axis=1)
    values, weights = np.take_along_axis(values, order, 1), np.take_along_axis(weights, order, 1)
    share = np.cumsum(weights, axis=1) / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    lower, upper = (share >= 0.5 - 1e-9).argmax(axis=1), (share > 0.5 + 1e-9).argmax(axis=1)
    rows = np.arange(len(values))
    return (values[rows, lower] + values[rows, upper]) / 2


def worst_regret(table, posteriors, seed) -> dict[str, float]:
    """Return each rule's largest expected loss to the best decisions, over the stories' posteriors."""
    decisions = {name: rule(table, seed=seed) for name, rule in RULES.items()}
    losses = dict.fromkeys(decisions, 0.0)
    for posterior in posteriors:
        best = float(np.mean(posterior.max(axis=1)))
        for name, chosen in decisions.items():
            losses[name] = max(losses[name], best - expected_accuracy(chosen, posterior))
    return losses


def reading_posterior(table, y, agreement) -> Float[np.ndarray, "questions options"]:
    """Return P(option | answers) if the reading holds; models that copy each other share a vote."""
    options = effective_options(table)
    excess = np.nan_to_num(agreement - np.outer(y, y))
    copying = np.clip(excess / np.maximum(1 - np.outer(y, y), 0.05), 0, 1)
    weights = optimal_weights((1 + (options - 1) * y) / options, table.n_options)
    scores = vote_scores(table, weights / (1 + copying.sum(axis=1)))
    scores[np.arange(scores.shape[1]) >= table.n_options[:, None]] = -np.inf
    posterior = np.exp(scores - scores.max(axis=1, keepdims=True))
    return posterior / posterior.sum(axis=1, keepdims=True)


def expected_accuracy(decisions, posterior) -> float:
    """Return the mean posterior probability of the decisions, ties shared."""
    tied = decisions.tied
    return float(np.mean((posterior * tied).sum(axis=1) / np.maximum(tied.sum(axis=1), 1)))


def find_dictator(table: AnswerTable) -> int | None:
    """Return the model whose OW-L weight is at least that of all others together (Proposition 2 of 2510.01499)."""
    if table.n_answering < 3:
        return None
    accuracies = np.nan_to_num(estimate_accuracies(table, "ow_l"), nan=1 / effective_options(table))
    weights = np.abs(optimal_weights(accuracies, np.array([effective_options(table)])))
    strongest = int(np.argmax(weights))
    return strongest if weights[strongest] >= weights.sum() - weights[strongest] else None
