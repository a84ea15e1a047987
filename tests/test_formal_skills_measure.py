"""The numbers behind the claims, on a made-up grid with known answers; the recorded grids, pictures and explorer."""

from __future__ import annotations

import math
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from helpers.formal_skills import explorer, pictures
from helpers.formal_skills import measure as m
from helpers.formal_skills.claims import CLAIMS
from helpers.formal_skills.experiments import ARMS, DOSES, HERE, SEEDS, SLOPPINESS, lapse_row, row, run_one
from helpers.formal_skills.manifest import load_skill
from helpers.formal_skills.sloppy import LAPSES, Sloppy
from helpers.formal_skills.tasks import NAMES

# Points that an arm loses at p = .3, and twice at .5; all but Formal lose 4 more with seed 1.
LOST = {"formal": 5, "markdown": 20, "bare": 30, "formal less contract": 25, "formal less guard": 10,
        "formal less phases": 7, "formal less phases, guard": 21, "formal less arguments": 15,
        "formal, asked again": 9}  # fmt: skip
# Tokens on the tasks x and y without lapses.
SPENT = {"formal": (600, 900), "markdown": (1000, 1000), "bare": (800, 1200), "formal less phases": (700, 1200)}


def grid() -> pd.DataFrame:
    rows = []
    for arm, (p, times), seed, place in product(LOST, {0.0: 0, 0.3: 1, 0.5: 2}.items(), (0, 1), (0, 1)):
        lost = times * LOST[arm] + 4 * seed * (arm != "formal") if times else 0
        total = SPENT.get(arm, (500, 500))[place] + 1000 * (p > 0)
        score = 100 - lost + (p > 0) * (2 - 4 * place)
        rows.append({"arm": arm, "task": "xy"[place], "p": p, "seed": seed, "score": score, "total": total,
                     "uncached": total / 2})  # fmt: skip
    return pd.DataFrame(rows)


def some(*rows: tuple) -> pd.DataFrame:
    """Return rows of Formal at p = .5: seed, score, and what else matters."""
    return pd.DataFrame([{"arm": "formal", "p": 0.5, "seed": seed, "score": score, "status": "completed", "total": 100}
                         | more for seed, score, more in rows])  # fmt: skip


def test_the_notebook_says_how_large_the_grid_is():
    text, rows = (HERE.parents[1] / "notebooks" / "4_formal_skills.ipynb").read_text("utf-8"), m.load_grid("sloppy")
    assert f"eleven arms, six tasks, six values of $p$, twenty seeds, {len(rows):,} runs" in text
    assert (len(ARMS), len(NAMES), len(SLOPPINESS), len(SEEDS)) == (11, 6, 6, 20)


def test_scores_are_means_over_tasks_and_lapses_seed_by_seed():
    assert m.scores(grid(), "formal").tolist() == pytest.approx([92.5, 92.5])
    assert m.scores(grid(), "markdown").tolist() == pytest.approx([70, 66])
    assert m.lead(grid(), "formal", "markdown").tolist() == pytest.approx([22.5, 26.5])
    assert m.kept(grid(), "formal").tolist() == pytest.approx([90, 90])
    assert m.kept(grid(), "markdown").tolist() == pytest.approx([60, 56])
    assert m.kept(grid(), "markdown", 0.3).tolist() == pytest.approx([80, 76])


def test_the_contract_is_compared_with_the_next_largest_loss():
    lost = {part: values.tolist() for part, values in m.losses(grid()).items()}
    assert lost == {"contract": [30, 34], "guard": [7.5, 11.5], "phases": [3, 7], "arguments": [15, 19]}
    assert m.contract_over_rest(grid()).tolist() == pytest.approx([15, 15])
    parts = {part: values.tolist() for part, values in m.worth(grid()).items()}
    assert parts["to be asked again"] == pytest.approx([24, 24]) and parts["rules"] == pytest.approx([6, 10])
    assert list(parts)[2:] == ["guard", "phases", "arguments"] and parts["guard"] == lost["guard"]


def test_the_guard_is_worth_what_nothing_else_does():
    assert m.guard_alone(grid()).tolist() == pytest.approx([21 - 7.5, 21 - 11.5])  # less phases: 21 = 1.5 x (21 - 7)


def test_false_done_counts_completed_runs_alone():
    failed = {"status": "failed"}
    rows = some((0, 100, {}), (0, 90, {}), (0, 50, failed), (1, 100, {}), (1, 0, {"p": 0.3}), (1, 0, failed))
    assert m.false_done(rows, "formal").tolist() == [50, 0] and m.false_done(rows, "formal", 0.3).tolist() == [100]


def test_leaks_are_runs_of_a_seed():
    rows = some(*[(seed, 100, {"security": safe}) for seed, safe in ((0, 1), (0, 0), (0, 0), (1, 1))])
    assert m.leaks(rows, "formal").tolist() == [2, 0]


def test_tokens_are_those_without_lapses_task_by_task():
    assert m.tokens(grid(), "bare").tolist() == [800, 1200]
    assert m.tokens(grid(), "bare", "uncached").tolist() == [400, 600]
    assert m.saved(grid(), "formal", "markdown").tolist() == pytest.approx([40, 10])


def test_tokens_for_a_right_run_are_those_of_all_seeds_and_have_no_end_where_there_is_none():
    ours = some((0, 100, {}), (0, 100, {}), (0, 99, {"total": 400}), (1, 100, {}), (2, 0, {}))
    theirs = some((0, 100, {}), (1, 99, {}), (2, 100, {})).assign(arm="bare", total=150)
    rows = pd.concat([ours, theirs])
    assert [part.tolist() for part in m.per_success(rows, "formal", 0.5)] == [[600, 100, 100], [2, 1, 0]]
    found = m.cost_ratio(rows, "formal", "bare", 0.5)  # 800 tokens for 3 right runs over 450 for 2
    assert found["ours"] == pytest.approx(800 / 3 / 225) and found["low"] <= found["ours"] and found["seeds"] == 3
    assert found["high"] == math.inf == m.cost_ratio(rows[rows.seed == 2], "formal", "bare", 0.5)["ours"]


def test_the_recorded_lapses_are_whole():
    rows = m.load_grid("lapses")
    arms = [*(f"formal less {part}" for part in m.PARTS), "formal", "formal, asked again", "formal less phases, guard"]
    drivers = [*((lapse, True) for lapse in LAPSES), ("skip", False)]
    wanted = {(*driver, *rest) for driver, *rest in product(drivers, ["bare", *arms], NAMES, DOSES, SEEDS)}
    assert set(zip(rows.lapse, rows.reads, rows.arm, rows.task, rows.p, rows.seed)) == wanted
    assert len(rows) == len(wanted) and set(pictures.LAPSES) == set(LAPSES)


@pytest.mark.parametrize("lapse, reads, arm, task, p", [
    ("skip", False, "formal less contract", "ticket_triage", 0.5),
    ("cheat", True, "formal less guard", "evidence_matrix", 0.3)])  # fmt: skip
def test_a_recorded_lapse_comes_out_again(lapse, reads, arm, task, p):
    rows = pd.read_csv(m.DATA / "lapses.csv").set_index(["lapse", "reads", "arm", "task", "p", "seed"]).score
    recorded = [rows[lapse, reads, arm, task, p, seed] for seed in SEEDS[:4]]
    assert len(set(recorded)) > 2
    assert [lapse_row(lapse, reads, arm, task, p, seed)["score"] for seed in SEEDS[:4]] == recorded


@pytest.mark.parametrize("name", ["sloppy", "reading", "learned"])
def test_a_recorded_grid_is_whole(name):
    rows = m.load_grid(name)
    assert set(zip(rows.arm, rows.task, rows.p, rows.seed)) == set(product(ARMS, NAMES, SLOPPINESS, SEEDS))
    assert len(rows) == len(ARMS) * len(NAMES) * len(SLOPPINESS) * len(SEEDS)
    assert rows.score.between(0, 100).all() and (rows.score == 100).mean() > 0.1 and set(rows.security) <= {0, 1}
    assert set(rows.status) <= {"completed", "failed", "stopped"} and (rows.uncached <= rows.total).all()


@pytest.mark.parametrize("arm, task, p, seed, reads", [
    ("formal", "ticket_triage", 0.5, 103, False), ("bare", "batch_resume", 0.3, 119, False),
    ("markdown", "reconcile_csv", 0.2, 110, False), ("formal", "reconcile_csv", 0.5, 108, True)])  # fmt: skip
def test_a_recorded_row_comes_out_again(arm, task, p, seed, reads):
    rows = pd.read_csv(m.DATA / ("reading.csv" if reads else "sloppy.csv"))
    recorded = rows.set_index(["arm", "task", "p", "seed"]).loc[arm, task, p, seed]
    again = row(arm, task, p, seed, Sloppy(p, seed, reads))
    assert {name: again[name] for name in recorded.index} == recorded.to_dict()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked")
def test_the_grid_runs_in_forked_processes_after_a_run_here():
    driver = Sloppy(0.1, 1)
    here, which = row("formal", "ticket_triage", 0.1, 1, driver), [["formal"], ["ticket_triage"], [0.1], [1], [driver]]
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert list(pool.map(row, *which)) == [here]


def test_every_claim_has_a_rule():
    assert all(claim.module == "formal_skills" and claim.rule.text for claim in CLAIMS.values())
    assert len({claim.claim for claim in CLAIMS.values()}) == len(CLAIMS)


def test_figures_have_what_they_should_show():
    rows = m.load_grid()
    left, right = pictures.draw_central(rows).axes
    assert (len(left.lines), len(right.lines)) == (4, 7) and len(left.collections) == 4
    formal = left.lines[0].get_ydata()
    assert formal == pytest.approx(rows[rows.arm == "formal"].groupby("p").score.mean().to_numpy())
    panels = pictures.draw_tasks(rows).axes
    assert [axes.get_title() for axes in panels] == [name.replace("_", " ") for name in NAMES]
    lapses = pictures.draw_lapses(m.load_grid("lapses").query("reads and p == 0.5")).axes[0]
    assert len(lapses.texts) == 30 and len(lapses.images) == 1
    bars, cost = pictures.draw_tokens(rows).axes
    tops = [patch.get_y() + patch.get_height() for patch in bars.patches[-4:]]
    assert tops == pytest.approx([m.tokens(rows, arm).mean() for arm in
                                  ("bare", "markdown", "formal", "formal less phases")])  # fmt: skip
    assert len(cost.lines) == 4 and set(pictures.LOOK) == set(ARMS)
    plt.close("all")


@pytest.mark.parametrize("task", NAMES)
def test_the_phases_of_a_skill_are_drawn_with_their_moves(task):
    phases = load_skill(HERE / "skills" / task).phases
    figure = pictures.draw_phases(phases, phases.initial)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert all(texts.count(name) >= 1 for name in phases.phases)
    assert all(any(f"{move.on} {move.status}" in text for text in texts) for move in phases.transitions)
    plt.close("all")


def test_the_explorer_shows_every_turn_of_every_recorded_run():
    runs = explorer.load_runs()
    figure, update, controls = explorer.figure_and_update(runs)
    assert set(product(controls["skill"], controls["sloppiness"], controls["seed"])) == set(runs)
    assert controls["turn"] == list(range(1, max(map(len, runs.values())) + 1))
    for which, turns in runs.items():
        for turn in (1, len(turns), controls["turn"][-1]):
            assert update(*which, turn).startswith(f"{pictures.LOOK[which[0]][0]}: score {turns[-1]['score']}, ")
            assert figure.axes[0].texts[0].get_text().startswith(f"turn {min(turn, len(turns))} of {len(turns)}\n")
    figure.canvas.draw()
    assert "score 100, 14 turns, 0 refused, ends: [completed]" in update("formal", 0.0, SEEDS[0], 1)
    plt.close("all")


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_a_recorded_run_of_the_explorer_comes_out_again(tmp_path, p):
    trace, verdict = run_one("formal", "ticket_triage", Sloppy(p, SEEDS[1]), tmp_path)
    *turns, last = explorer.load_runs()["formal", p, SEEDS[1]]
    assert last.pop("score") == round(100 * verdict["score"]) and explorer.told(trace) == [*turns, last]
