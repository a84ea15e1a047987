"""The same labels as crowd-kit: Dawid-Skene, one-coin form and majority, on all three tables of real answers."""

from __future__ import annotations

import os

import numpy as np
import pytest

from helpers.aggregation import AnswerTable, dawid_skene, load_council, load_healthcare, majority_vote
from helpers.aggregation.dawid_skene import fit_confusion, fit_one_coin

pytest.importorskip("pandas", reason="pandas is not installed: it comes with the peers extra")
peers = pytest.importorskip("crowdkit.aggregation", reason="crowd-kit is not installed: make test installs it")

STEPS = {False: 60, True: 30}  # EM steps after which crowd-kit moves no probability by 1e-3, full and one-coin
MMLU_PRO = pytest.param("mmlu_pro", marks=pytest.mark.skipif(
    "MMLU_PRO_TABLE" not in os.environ, reason="MMLU_PRO_TABLE is not set: it names the table of 29 models' answers"))
TABLES = ["council_10", "council_4", "healthcare", MMLU_PRO]


def load(name, request) -> AnswerTable:
    """One of the tables; MMLU-Pro as crowd-kit sees it, every question with all ten options."""
    if name == "mmlu_pro":
        table = AnswerTable.from_csv(request.getfixturevalue("mmlu_pro_table"))
        return AnswerTable(table.answers, 10, table.truth)
    return load_healthcare() if name == "healthcare" else load_council(int(name.split("_")[1]))


def frame(table: AnswerTable):
    """The answers in crowd-kit's long form: task, worker, label."""
    import pandas as pd

    question, model = np.nonzero(table.answers >= 0)
    return pd.DataFrame({"task": question, "worker": model, "label": table.answers[question, model].astype(int)})


def their_probabilities(peer, table: AnswerTable) -> np.ndarray:
    """crowd-kit's probability of each option, (questions, options); NaN where nobody answered."""
    return peer.probas_.reindex(index=range(table.n_questions), columns=range(table.n_options.max())).to_numpy()


def agreement(decisions, probabilities) -> float:
    """The share of same labels among the questions with one best option on both sides; few may be left out."""
    answered = ~np.isnan(probabilities).any(axis=1)
    second, first = np.sort(np.nan_to_num(probabilities), axis=1)[:, -2:].T
    clear = answered & (decisions.tied.sum(axis=1) == 1) & (first - second > 1e-9)
    assert np.array_equal(decisions == -1, ~answered)
    return float(np.mean(np.asarray(decisions)[clear] == probabilities.argmax(axis=1)[clear]))


@pytest.mark.parametrize("one_coin", [True, False], ids=["one-coin", "full"])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.filterwarnings("ignore")  # crowd-kit's own, about pandas
def test_dawid_skene_is_crowd_kits(name, one_coin, request):
    """Both with an estimated prior, without smoothing, run until nothing moves (its own stop comes too early)."""
    table = load(name, request)
    kind = peers.OneCoinDawidSkene if one_coin else peers.DawidSkene
    theirs = their_probabilities(kind(n_iter=STEPS[one_coin], tol=-np.inf).fit(frame(table)), table)
    ours = dawid_skene(table, one_coin=one_coin, prior="estimated", smoothing=0.0)
    posterior = (fit_one_coin if one_coin else fit_confusion)(table, "estimated", 0.0)[1]
    answered = ours >= 0
    np.testing.assert_allclose(posterior[answered], theirs[answered], atol=1e-3)
    assert agreement(ours, theirs) >= 0.999


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.filterwarnings("ignore")
def test_majority_is_crowd_kits(name, request):
    table = load(name, request)
    theirs = their_probabilities(peers.MajorityVote().fit(frame(table)), table)
    ours = majority_vote(table)
    assert agreement(ours, theirs) == 1
    best = np.isclose(theirs, np.nanmax(theirs, axis=1, keepdims=True), atol=1e-12)
    assert np.array_equal(ours.tied, best), "the same ties, too"
