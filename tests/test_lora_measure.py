"""The numbers behind the claims, on made-up sweeps whose answers are known, and the figures of module 3."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot as plt

from helpers.lora import measure as m
from helpers.lora import pictures
from helpers.lora.claims import CLAIMS
from helpers.lora.experiments import PAPER, STARTS
from helpers.lora.explorer import figure_and_update
from helpers.lora.results import Sweep
from helpers.lora.training import Settings
from helpers.lora.variants import METHODS

RATES = [1e-4 * 10 ** (place / 4) for place in range(9)]


def hill(peaks: dict[str, list[int]], heights: dict[str, float], steps: int = 240) -> Sweep:
    """A sweep in which each method has its peak at a given place of the rates, for each seed, and a given height."""
    rows = []
    for method, places in peaks.items():
        for seed, peak in enumerate(places):
            for place, rate in enumerate(RATES):
                exact = heights[method] - 8.0 * abs(place - peak) + 0.1 * seed
                rows.append({"method": method, "rate": rate, "seed": seed, "diverged": None,
                             "curve": [[0, 3.0], [steps - 1, 1.0]], "validation_exact": exact, "test_exact": exact - 1,
                             "validation_loss": 1 - exact / 100, "test_loss": 1 - exact / 100})  # fmt: skip
    return Sweep(rows, Settings(steps=steps), "made up", "exact", {})


@pytest.fixture(scope="module")
def main():
    peaks = {method: [6, 6, 6] for method in PAPER} | {"pissa": [2, 2, 3], "olora": [1, 2, 2]}
    return hill(peaks, {method: 80.0 for method in PAPER} | {"pissa": 79.0, "olora": 74.0})


def test_ratios_are_averaged_as_logarithms():
    found = m.averaged(np.array([1.0, 10.0, 100.0]))
    assert found["ours"] == pytest.approx(10.0) and found["seeds"] == 3
    assert found["low"] * found["high"] == pytest.approx(100.0) and found["low"] < 1


def test_best_rates_and_what_lies_between_them(main):
    assert m.slower(main, "pissa").tolist() == pytest.approx([10, 10, 10**0.75])
    assert m.spread_of_rates(main).tolist() == pytest.approx([10**1.25, 10, 10])
    assert m.at_rate_of(main, "lora")["lora"].tolist() == pytest.approx([79.0, 79.1, 79.2])
    assert m.trap(main, "lora", "pissa").tolist() == pytest.approx([33, 33, 25])
    assert m.trap(main, "pissa", "lora").tolist() == pytest.approx([31, 31, 23])
    assert m.spread_at(main).tolist() == pytest.approx([46, 38, 38])


def test_tuned_peaks_are_compared_by_their_means(main):
    gap, low, high = m.spread_of_peaks(main)
    assert (gap, low, high) == pytest.approx((6.0, 6.0, 6.0))
    assert m.spread_of_peaks(main, ("lora", "pissa"))[0] == pytest.approx(1.0)


def test_slopes_are_exponents():
    sweeps = {f"rank-{rank}": hill({"lora": [8 - 2 * place] * 3}, {"lora": 80.0 + place})
              for place, rank in enumerate((4, 16, 64))}  # fmt: skip
    assert m.slope(sweeps, "rank-{}", (4, 16, 64)).tolist() == pytest.approx([np.log(10**-0.5) / np.log(4)] * 3)
    assert m.rank_gain(sweeps).tolist() == pytest.approx([2.0] * 3)


def rows_of(values: dict[str, list[float]], gradient: float = 1.0) -> list[dict]:
    return [{"module": f"model.layers.{layer}.q_proj", "method": method, "lambda": value, "gradient": gradient}
            for method, found in values.items() for layer, value in enumerate(found)]  # fmt: skip


def test_curvature_against_rates(main):
    rates = {method: main.best(method).rate for method in STARTS}
    rows = rows_of({method: [rate**-2.0] * 2 for method, rate in rates.items()})
    assert m.curvature_slope(main, rows).mean() == pytest.approx(-0.5, abs=0.05)
    assert m.median_ratio(rows, "q_proj", "pissa", "lora")[0] == pytest.approx((rates["lora"] / rates["pissa"]) ** 2)
    assert m.lambdas(rows, "k_proj")["lora"].size == 0


def test_the_gradient_bounds_the_curvature_up_to_the_tolerance():
    assert m.below_gradient(rows_of({"lora": [1.0, 0.996, 2.0]})) == 0
    assert m.below_gradient(rows_of({"lora": [1.0, 0.99, 0.5], "pissa": [0.1]})) == 2


def test_every_claim_has_a_rule_and_a_paper_or_says_nothing():
    assert all(claim.module == "lora" and claim.rule.text for claim in CLAIMS.values())
    assert len({claim.claim for claim in CLAIMS.values()}) == len(CLAIMS)


def test_figures_have_what_they_should_show(main):
    scores = {method: main.best(method).scores for method in PAPER}
    central = pictures.draw_central(m.at_rate_of(main, "lora"), scores, "lora")
    assert [len(axes.patches) for axes in central.axes] == [10, 10]
    assert len(pictures.draw_sweep(main, PAPER).axes[0].lines) == 20
    values = {method: np.array([1.0, 2.0]) + place for place, method in enumerate(STARTS)}
    assert len(pictures.draw_curvature(values, {method: np.ones(3) for method in STARTS}, -0.5).axes[0].lines) == 13
    assert len(pictures.draw_layers({"queries": values, "keys": values}, (0, 1)).axes) == 2
    assert len(pictures.draw_survey({"rank": (40, 64)}).axes[0].patches) == 2
    exponents = pictures.draw_exponents({"rank": ((4, 8), np.ones((2, 3)))} | {"steps": ((60, 120), np.ones((2, 3)))},
                                        {"rank": np.zeros(3), "steps": np.zeros(3)})  # fmt: skip
    assert "exponent 0.00" in exponents.axes[0].get_title()
    plt.close("all")


def test_no_two_variants_look_alike():
    looks = {(color, marker) for _, color, marker in pictures.LOOK.values()}
    assert len(looks) == len(METHODS) == 12


def test_the_explorer_shows_scores_and_peaks(main):
    figure, update, controls = figure_and_update({(8, 16): main, (8, 4): main})
    assert controls["rank"] == [8] and controls["batch_size"] == [4, 16]
    assert update(RATES[6], 8, 16).startswith("Ahead at this rate: LoRA, 79")
    widths = [bar.get_width() for bar in figure.axes[1].patches]
    assert widths[0] == pytest.approx(79.1) and widths[1] == pytest.approx(79.1 - 1 - 8 * 11 / 3)
    assert "PiSSA" in update(RATES[2], 8, 4)
    assert list(figure.axes[0].lines[0].get_ydata()) == [3.0, 1.0]
    plt.close("all")
