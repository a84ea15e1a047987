"""What a sweep says: best rates by validation, plateaus, traps, diverged runs, its file and its table."""

from __future__ import annotations

import math

import pytest

from helpers.lora.results import Sweep
from helpers.lora.training import Settings


def made_up(metric="exact"):
    """Three rates, two seeds: validation prefers the second rate for seed 0 and the third for seed 1."""
    rows = []
    for method, shift in (("lora", 0.0), ("pissa", -1.0)):
        for rate, values in ((1e-4, (10, 10)), (1e-3, (80, 70)), (1e-2, (60, 75))):
            for seed, value in enumerate(values):
                rows.append({"method": method, "rate": rate, "seed": seed, "diverged": None, "curve": [[0, 1.0]],
                             "validation_exact": value, "test_exact": value + shift - seed,
                             "validation_loss": 1 - value / 100, "test_loss": 1 - value / 100})  # fmt: skip
    return Sweep(rows, Settings(), "made up", metric, {})


def test_the_best_rate_is_chosen_on_validation_and_scored_on_test():
    best = made_up().best("lora")
    assert best.rates.tolist() == [1e-3, 1e-2] and best.scores.tolist() == [80.0, 74.0] and best.score == 77.0
    assert best.rate == pytest.approx(10**-2.5) and best.low == 74.0 and best.high == 80.0
    loss = made_up("loss").best("lora")
    assert loss.rates.tolist() == [1e-3, 1e-2] and loss.scores.tolist() == pytest.approx([0.2, 0.25])
    assert made_up().at_edge("lora") == 1


def test_plateau_trap_and_rates():
    found = made_up()
    assert found.plateau("lora") == (1e-3, 1e-3) and found.plateau("lora", 8.0) == (1e-3, 1e-2)
    assert found.trap("lora", "pissa") == (1.0, 1.0)
    assert found.at_rate(1.2e-3)["pissa"].tolist() == [79.0, 68.0]


def test_diverged_runs_count_as_lost():
    found = made_up("loss")
    for row in found.rows:
        if row["rate"] == 1e-3 and row["seed"] == 0:
            row |= {"validation_loss": None, "test_loss": None, "validation_exact": 0.0}
    assert found.best("lora").rates.tolist() == [1e-2, 1e-2] and found.scores("lora")[1, 0] == math.inf


def test_a_sweep_survives_its_file_and_becomes_a_table(tmp_path):
    found = made_up()
    found.save(tmp_path / "sweep.json")
    again = Sweep.load(tmp_path / "sweep.json")
    assert again == found and repr(again) == repr(found)
    frame = found.frame()
    assert len(frame) == 12 and {"method", "rate", "seed", "test_exact", "diverged"} <= set(frame.columns)
