"""Simulated models whose accuracies, copying and label bias are known, because you chose them."""

from __future__ import annotations

import numpy as np

from .answers import NO_ANSWER, AnswerTable, options_per_question, random_orders

SHUFFLES = ("none", "shared", "per_model")


def simulate(accuracies, n_options, n_questions, seed, copy=0.0, copy_from=None, slot_bias=0.0, missing=0.0,
             shuffle="none") -> AnswerTable:
    """Return answers of simulated models, with the truth (Proposition 1 of 2510.01499 when nothing else is set).

    accuracies: chance of the right option, one per model; a wrong model picks each other option alike.
    copy: chance that a model repeats the answer of model `copy_from` instead of giving its own.
    slot_bias: chance that a model takes the option it sees first, whatever the question.
    missing: chance of no answer. Each of these is one number or one per model; so is `copy_from` (an index).
    shuffle: whether the models saw the options in one order ("none"), in one random order per question ("shared") or
    each in its own ("per_model"). Answers are mapped back, so that option k is the same answer for all.
    """
    rng = np.random.default_rng(seed)
    accuracies = _chances(accuracies, "accuracies", np.size(accuracies))
    n_models = len(accuracies)
    copy, slot_bias, missing = (_chances(value, name, n_models) for value, name in
                                ((copy, "copy"), (slot_bias, "slot_bias"), (missing, "missing")))
    source = _copied_models(copy, copy_from, n_models)
    if shuffle not in SHUFFLES:
        raise ValueError(f"shuffle must be one of {SHUFFLES}, got {shuffle!r}")
    n_options = options_per_question(n_options, n_questions).astype(int)
    truth = rng.integers(0, n_options)
    wrong = rng.integers(0, n_options - 1, size=(n_models, n_questions)).T  # (questions, models)
    wrong += wrong >= truth[:, None]
    answers = np.where(rng.random(wrong.shape) < accuracies, truth[:, None], wrong)
    first = _first_seen(n_options, n_models, shuffle, rng)
    answers = np.where(rng.random(answers.shape) < slot_bias, first, answers)
    answers = np.where(rng.random(answers.shape) < copy, answers[:, source], answers)
    answers = np.where(rng.random(answers.shape) < missing, NO_ANSWER, answers)
    return AnswerTable(answers, n_options, truth)


def _first_seen(n_options, n_models, shuffle, rng) -> np.ndarray:
    """Return the option that each model sees in the first slot, (questions, models)."""
    if shuffle == "none":
        return np.zeros((len(n_options), n_models), dtype=int)
    orders = [random_orders(n_options, int(n_options.max(initial=2)), rng)[:, 0]
              for _ in range(n_models if shuffle == "per_model" else 1)]
    return np.broadcast_to(np.stack(orders, axis=1), (len(n_options), n_models))


def _chances(values, name, n_models) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim > 1 or values.size not in (1, n_models) or n_models == 0:
        raise ValueError(f"{name} must be one number or one per model ({n_models}), got shape {values.shape}")
    if not np.all((values >= 0) & (values <= 1)):  # also catches NaN
        raise ValueError(f"{name} must lie in [0, 1], got {values.tolist()}")
    return np.broadcast_to(np.ravel(values), (n_models,)).copy()


def _copied_models(copy, copy_from, n_models) -> np.ndarray:
    if copy_from is None:
        if np.any(copy > 0):
            raise ValueError("copy is above 0, but copy_from does not say which model is copied; give its index")
        return np.arange(n_models)
    source = np.broadcast_to(np.asarray(copy_from), (n_models,))
    if source.dtype.kind not in "iu" or source.min() < 0 or source.max() >= n_models:
        raise ValueError(f"copy_from must be an index from 0 to {n_models - 1}, got {copy_from!r}")
    return source
