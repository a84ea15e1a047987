"""The experiments of module 2 against numbers measured independently, and the recorded tables against a fresh run."""

import json

import numpy as np
import pytest

from helpers.aggregation import RULES, load_council, load_healthcare, majority_vote, ow_l
from helpers.aggregation import experiments as lab
from helpers.aggregation.claims import CLAIMS
from helpers.aggregation.real_answers import DATA
from helpers.aggregation.scoring import credits
from scripts.record_simulations import explorer_table

# Means over 20 seeds of another implementation (percent), K = 2, 4, 6, 8, 10; "isp" is the literal form.
TABLE_2 = {
    "majority_vote": [85.02, 92.29, 94.01, 94.74, 95.29],
    "surprisingly_popular": [79.84, 90.34, 92.64, 93.59, 94.24],
    "inverse_surprising_popularity": [90.32, 94.37, 95.60, 96.11, 96.42],
    "ow_l": [91.34, 94.67, 95.83, 96.37, 96.70],
    "ow_i": [90.32, 94.66, 95.83, 96.37, 96.70],
    "dawid_skene_one_coin": [91.34, 94.67, 95.83, 96.37, 96.70],
    "oracle": [91.34, 94.67, 95.83, 96.37, 96.70],
}


@pytest.fixture(scope="module")
def table_2():
    return lab.rebuild_table_2(range(20), {name: RULES[name] for name in TABLE_2 if name != "oracle"})


@pytest.mark.parametrize("rule", TABLE_2)
def test_table_2_within_three_standard_errors(table_2, rule):
    ours = table_2[rule]
    error = np.sqrt(2) * ours.std(axis=0, ddof=1) / np.sqrt(len(ours))  # both sides are means of 20 seeds
    assert np.all(np.abs(ours.mean(axis=0) - TABLE_2[rule]) < 3 * error)


def test_one_coin_and_ow_l_decide_as_the_oracle(table_2):
    for rule in ("dawid_skene_one_coin", "ow_l"):
        assert np.max(np.abs(table_2[rule].mean(0) - table_2["oracle"].mean(0))) < 0.05


def _means(make_table, seeds=range(20)):
    return {name: values.mean() for name, values in lab.score_rules(make_table, RULES, seeds).items()}


# Another implementation's means over 20 seeds; the runs' standard deviation is about 1, so means differ by under 1.
@pytest.mark.parametrize("chance, mv, isp, one_coin, ow_l_", [
    (0.25, 86.2, 88.5, 91.4, 89.9), (0.5, 80.3, 78.3, 74.4, 75.7), (1.0, 64.4, 55.2, 55.2, 55.2)])  # fmt: skip
def test_copying(chance, mv, isp, one_coin, ow_l_):
    means = _means(lambda seed: lab.copying_table(chance, seed))
    found = [means[name] for name in ("majority_vote", "inverse_surprising_popularity", "dawid_skene_one_coin", "ow_l")]
    assert np.allclose(found, [mv, isp, one_coin, ow_l_], atol=1.0)


@pytest.mark.parametrize("shuffle, mv, sp, isp, ow, ow_i, centred", [
    ("none", 55.0, 85.2, 87.0, 27.8, 89.1, 89.9), ("shared", 54.8, 66.5, 44.4, 27.7, 30.5, 27.7),
    ("per_model", 75.7, 68.7, 82.6, 89.9, 89.1, 89.9)])  # fmt: skip
def test_label_bias_and_shuffles(shuffle, mv, sp, isp, ow, ow_i, centred):
    means = _means(lambda seed: lab.biased_table(0.8, shuffle, seed))
    names = ("majority_vote", "surprisingly_popular", "inverse_surprising_popularity", "ow_l", "ow_i", "ow_l_centred")
    assert np.allclose([means[name] for name in names], [mv, sp, isp, ow, ow_i, centred], atol=1.5)


def test_regret_shrinks_with_questions():
    regret = lab.regret_by_questions(lab.TABLE_2, 2, (20, 200, 2000), range(40))
    means = {name: values.mean(axis=0) for name, values in regret.items()}
    for name, expected in (("ow_l", [-4.48, -0.90, -0.17]), ("dawid_skene_one_coin", [-3.14, -0.72, -0.12])):
        error = regret[name].std(axis=0) / np.sqrt(40)
        assert np.all(np.abs(means[name] - expected) < 4 * error + 0.1), name
    assert means["ow_i"][2] < -0.4  # its bias stays
    assert np.all(means["majority_vote"] < means["ow_l"])


def test_mean_lift_is_the_mean_over_ensembles():
    table = load_healthcare()
    ensembles = [table.models[:4], table.models[2:6], table.models[5:9]]
    lifts = lab.ensemble_lifts(table, ensembles, {"ow_l": ow_l})
    score = lab.mean_lift(table, ensembles, ow_l)
    assert 100 * score.value == pytest.approx(lifts["ow_l"].mean()) and score.low < score.value < score.high


def test_best_member_is_the_most_accurate_of_the_ensemble():
    table = load_council(4)
    lifts = lab.ensemble_lifts(table, [table.models[:3]], {"majority_vote": majority_vote})
    part = table.subset(models=table.models[:3])
    part = part.subset(questions=np.all(part.answers >= 0, axis=1))
    best = max(np.mean(part.answers[:, i] == part.truth) for i in range(3))
    assert lifts["majority_vote"][0] == 0
    assert lifts["best"][0] == pytest.approx(100 * (best - np.mean(credits(majority_vote(part), part))))


def test_recorded_simulations_come_out_again():
    recorded = json.loads((DATA / "simulations.json").read_text())
    for place in (0, 5, 10):
        chance = recorded["copying"]["chance"][place]
        again = lab.score_rules(lambda seed, chance=chance: lab.copying_table(chance, seed), {"ow_l": ow_l}, range(20))
        assert recorded["copying"]["accuracy"][place]["ow_l"] == pytest.approx(again["ow_l"].mean(), abs=0.02)
    for cell in recorded["explorer"][3::17]:
        again = lab.score_rules(lambda seed, cell=cell: explorer_table(cell["copies"], cell["bias"], seed),
                                {"ow_l": ow_l, "majority_vote": majority_vote}, range(10))
        for name, values in again.items():
            assert cell["accuracy"][name] == pytest.approx(values.mean(), abs=0.02)


def test_explorer_turns_the_ranking_over():
    grid = json.loads((DATA / "simulations.json").read_text())["explorer"]
    best = {max(cell["accuracy"], key=cell["accuracy"].get) for cell in grid}
    assert len(best) >= 4 and "surprisingly_popular" in best


def test_every_claim_states_a_rule_and_belongs_here():
    assert len(CLAIMS) >= 15 and all(claim.id == name for name, claim in CLAIMS.items())
    assert all(claim.module == "aggregation" and claim.rule.text for claim in CLAIMS.values())
