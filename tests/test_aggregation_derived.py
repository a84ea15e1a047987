"""The numbers about 29 LLMs that ship with the course, against the answers that they were derived from."""

import json

import numpy as np
import pytest

from helpers.aggregation import accuracy, ow_l
from helpers.aggregation.agreement import chance_corrected_agreement, joint_counts
from helpers.aggregation.real_answers import DATA, load_mmlu_pro
from scripts.derive_mmlu_pro import derive


@pytest.fixture(scope="module")
def derived():
    return json.loads((DATA / "mmlu_pro.json").read_text())


def test_the_file_is_consistent(derived):
    models = len(derived["models"])
    agreement, excess = np.array(derived["agreement"]), np.array(derived["excess"])
    assert models == 29 and agreement.shape == excess.shape == (models, models)
    assert np.array_equal(agreement, agreement.T) and np.all(np.diag(agreement) == 1)
    for row in derived["rules"].values():
        for value, low, high in row.values():
            assert low <= value <= high
    majority = derived["rules"]["majority_vote"]["accuracy"][0]
    for row in derived["rules"].values():
        assert row["over_majority"][0] == pytest.approx(row["accuracy"][0] - majority, abs=0.002)


# The same table through another implementation, one relabelling (percent); a relabelling moves SP and ISP by about 0.2.
@pytest.mark.parametrize("rule, value, slack", [
    ("majority_vote", 59.44, 0.01), ("surprisingly_popular", 58.29, 0.3), ("inverse_surprising_popularity", 60.25, 0.3),
    ("isp_linear", 60.59, 0.02), ("ow_l", 61.22, 0.02), ("ow_i", 61.63, 0.15), ("dawid_skene_one_coin", 61.88, 0.02),
    ("dawid_skene", 61.83, 0.15), ("oracle", 63.52, 0.02), ("best_single", 69.59, 0.01)])  # fmt: skip
def test_the_rules_reach_the_numbers_measured_elsewhere(derived, rule, value, slack):
    assert derived["rules"][rule]["accuracy"][0] == pytest.approx(value, abs=slack)


def test_families_stand_out_without_being_told(derived):
    names = derived["models"]
    excess = np.array(derived["excess"])
    relatives = [("gemini-1.5-flash-002", "gemini-1.5-pro-002"), ("Meta-Llama-3-8B", "Meta-Llama-3_1-8B"),
                 ("Yi-6B", "Yi-6b-Chat"), ("Mistral-7B-v0.1", "Mistral-7B-v0.2-hf")]  # fmt: skip
    usual = np.percentile(excess[np.triu_indices(29, 1)], 90)
    assert all(excess[names.index(one), names.index(other)] > 1.5 * usual for one, other in relatives)


def test_agreement_and_ow_l_come_out_again(derived, mmlu_pro_table):
    table = load_mmlu_pro(mmlu_pro_table)
    table = table.subset(questions=table.n_options == 10)
    agreement = np.nan_to_num(chance_corrected_agreement(table), nan=1.0)
    assert derived["models"] == list(table.models) and derived["questions"] == table.n_questions
    assert np.max(np.abs(agreement - np.array(derived["agreement"]))) < 1e-4
    assert np.array_equal(joint_counts(table)[0], derived["jointly_answered"])
    assert 100 * accuracy(ow_l(table), table).value == pytest.approx(derived["rules"]["ow_l"]["accuracy"][0], abs=0.02)


@pytest.mark.long
def test_the_whole_file_comes_out_again(derived, mmlu_pro_table):
    """Rates may move in the last digits between processors; an interval is a resample of the same credits."""

    def compare(ours, theirs, where=""):
        assert type(ours) is type(theirs), where
        if isinstance(ours, dict):
            assert ours.keys() == theirs.keys(), where
            for key in ours:
                compare(ours[key], theirs[key], f"{where}.{key}")
        elif isinstance(ours, list):
            assert len(ours) == len(theirs), where
            for place, pair in enumerate(zip(ours, theirs)):
                compare(*pair, f"{where}[{place}]")
        elif isinstance(ours, (int, float)):
            assert ours == pytest.approx(theirs, abs=0.05), where
        elif where != ".advice":
            assert ours == theirs, where

    compare(json.loads(json.dumps(derive(load_mmlu_pro(mmlu_pro_table)))), derived)
