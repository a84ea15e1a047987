"""Choosing on validation, edges of grids, frontiers and the measures behind the claims, on tables made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.skill_injection import measure, results
from helpers.skill_injection.grids import GRIDS, PAIR_GRIDS


def row(scale, validation, kept, image=50.0, **more):
    return {"seed": 0, "recipe": "joint", "method": "task_arithmetic", "skill": "spanish", "knobs": {"scale": scale},
            "validation": validation, "kept": kept, "image": image, "english": kept, **more}


def test_choose_takes_the_best_validation_score_that_keeps_enough_and_never_looks_at_test():
    rows = [row(0.5, 60.0, 99.0, image=90.0), row(1.0, 80.0, 96.0, image=10.0), row(1.5, 95.0, 80.0, image=99.0)]
    assert results.choose(rows, 95.0)["knobs"] == {"scale": 1.0}
    assert results.choose(rows, 97.0)["knobs"] == {"scale": 0.5}
    assert results.choose(rows, 99.9)["knobs"] == {"scale": 0.5}  # none keeps enough: the one that keeps most


def test_choose_takes_of_equals_the_one_that_keeps_more_then_the_first():
    rows = [row(0.5, 60.0, 99.0), row(1.0, 60.0, 100.0), row(1.5, 60.0, 100.0)]
    assert results.choose(rows, 95.0)["knobs"] == {"scale": 1.0}


@pytest.mark.parametrize("method, knobs, edge", [
    ("task_arithmetic", {"scale": 1.0}, False), ("task_arithmetic", {"scale": 2.5}, True),
    ("task_arithmetic", {"scale": 0.2}, True), ("linear", {"scale": 1.0}, False), ("linear", {"scale": 0.08}, True),
    ("dare", {"density": 1.0, "scale": 1.0}, False), ("dare", {"density": 0.5, "scale": 1.0}, True),
    ("dare", {"density": 0.75, "scale": 2.0}, True), ("della", {"density": 0.9, "scale": 1.0}, False),
    ("layer_swap", {"first_layer": 0, "scale": 1.0}, False), ("layer_swap", {"first_layer": 2, "scale": 0.9}, True),
])  # fmt: skip
def test_an_edge_is_an_end_of_the_grid_beyond_which_the_knob_could_go(method, knobs, edge):
    rows = [{"method": method, "knobs": each} for each in GRIDS[method]]
    assert {"method": method, "knobs": knobs} in rows
    assert results.at_edge({"method": method, "knobs": knobs}, rows) is edge


def test_every_method_has_equally_many_settings_and_no_setting_twice():
    assert {len(grid) for grid in GRIDS.values()} == {24}
    assert {len(grid) for _, _, grid in PAIR_GRIDS.values()} == {9}
    for grid in [*GRIDS.values(), *(grid for _, _, grid in PAIR_GRIDS.values())]:
        assert len({tuple(sorted(knobs.items())) for knobs in grid}) == len(grid)


def test_frontier_and_its_area_by_hand():
    points = [(1.0, 0.0), (0.95, 40.0), (0.9, 80.0), (0.85, 60.0), (0.5, 100.0)]
    assert results.frontier(points, [1.0, 0.95, 0.93, 0.9, 0.8]).tolist() == [0.0, 40.0, 40.0, 80.0, 80.0]
    assert results.frontier_area(points) == pytest.approx((0.1 * 80 + 0.05 * 40 + 0.05 * 0) / 0.2, abs=0.5)
    assert results.frontier_area([(0.7, 100.0)]) == 0.0


def made_up(gap, edge_seed=None, seeds=(0, 1, 2)):
    """Two methods with three settings each; the rival is `gap` better on test, and at an edge for one seed."""
    rows, vectors = [], []
    for seed in seeds:
        vectors.append({"seed": seed, "recipe": "joint", "vector": "vlm", "kept": 100.0, "english": 100.0})
        for method, more in (("task_arithmetic", 0), ("ties_sum", gap)):
            best = 2.0 if method == "ties_sum" and seed == edge_seed else 1.0
            for scale in (0.5, 1.0, 2.0):
                rows.append(row(scale, 90.0 if scale == best else 50.0, 99.0, 70.0 + more + seed, method=method,
                                seed=seed))  # fmt: skip
    return {"methods": rows, "vectors": [each | {"seed": each["seed"]} for each in vectors]}


def test_paired_differences_leave_out_seeds_at_an_edge():
    assert results.paired(made_up(5.0), "ties_sum").tolist() == [5.0, 5.0, 5.0]
    gaps = results.paired(made_up(5.0, edge_seed=1), "ties_sum")
    assert np.isnan(gaps).tolist() == [False, True, False]


def test_counting_sure_leads_uses_the_whole_interval():
    ahead, behind, unsure = np.array([5.0, 5.1, 4.9]), np.array([-3.0, -3.1, -2.9]), np.array([4.0, -4.0, 1.0])
    assert measure.count_sure({"a": ahead, "b": behind, "c": unsure}) == (1, 1)


def test_interval_is_students():
    mean, half = measure.interval([1.0, 2.0, 3.0])
    assert mean == 2.0 and half == pytest.approx(4.302653 / np.sqrt(3))
    assert measure.interval([7.0]) == (7.0, 0.0)


def test_results_survive_the_file(tmp_path):
    tables = {"a": [{"seed": 0, "knobs": {"scale": 1.0}, "x": 1.23456, "none": None}],
              "b": [{"seed": 1, "y": [1.0, 2.5]}]}
    results.save_results(tables, tmp_path / "r.json")
    again = results.load_results(tmp_path / "r.json")
    assert again["a"] == [{"seed": 0, "knobs": {"scale": 1.0}, "x": 1.235, "none": None}]
    assert again["b"] == tables["b"]
