"""Reading the committed results: rows by experiment, the setting that validation chooses, and one number per seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .grids import NATURAL_ENDS, NATURAL_SCALES

RESULTS = Path(__file__).with_name("data") / "results.json"
KEEP = 0.95  # share of the VLM's plain English that a chosen setting must keep on validation images
FRONTIER = (0.8, 1.0)  # shares of kept English over which the frontier's area is taken
CLASSICS = ("task_arithmetic", "dare")


def load_results(path=RESULTS) -> dict[str, list[dict]]:
    """Return experiment -> rows; every row has "seed" and "recipe" beside what experiments.py yields."""
    tables = json.loads(Path(path).read_text(encoding="utf-8"))
    return {name: [dict(zip(table["columns"], row)) for row in table["rows"]] for name, table in tables.items()}


def save_results(tables: dict[str, list[dict]], path=RESULTS) -> None:
    """Write experiment -> rows as columns and one line a row; scores are rounded to a thousandth of a point."""
    parts = []
    for name, rows in tables.items():
        columns = list(rows[0])
        lines = ",\n".join(json.dumps([_rounded(row[column]) for column in columns]) for row in rows)
        parts.append(f'"{name}": {{"columns": {json.dumps(columns)}, "rows": [\n{lines}\n]}}')
    Path(path).write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _rounded(value):
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


def where(rows: list[dict], **wanted) -> list[dict]:
    """Return the rows whose columns have the wanted values."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def seeds_of(rows: list[dict]) -> list[int]:
    """Return the seeds that occur, in order."""
    return sorted({row["seed"] for row in rows})


def per_seed(rows: list[dict], key: str = "image") -> np.ndarray:
    """Return the mean of a column for each seed (seeds,)."""
    return np.array([np.mean([row[key] for row in where(rows, seed=seed)]) for seed in seeds_of(rows)])


def kept_limit(results: dict, seed: int, recipe: str = "joint") -> float:
    """Return the least English on validation images, in percent, that a chosen setting may have."""
    (vlm,) = where(results["vectors"], seed=seed, recipe=recipe, vector="vlm")
    return KEEP * vlm["kept"]


def choose(rows: list[dict], limit: float) -> dict:
    """Return the row with the best validation score among those that keep enough English; of equals the one that
    keeps more, then the first. Where none keeps enough, the one that keeps most."""
    enough = [row for row in rows if row["kept"] >= limit]
    first, second = ("validation", "kept") if enough else ("kept", "validation")
    return max(enough or rows, key=lambda row: (row[first], row[second]))


def chosen(results: dict, experiment: str, recipe: str = "joint", **which) -> list[dict]:
    """Return the chosen row of each seed among the rows of an experiment that match."""
    rows = where(results[experiment], recipe=recipe, **which)
    return [choose(where(rows, seed=seed), kept_limit(results, seed, recipe)) for seed in seeds_of(rows)]


def at_edge(row: dict, rows: list[dict]) -> bool:
    """Return whether a chosen setting lies at an end of its grid for a knob that could go further."""
    natural = NATURAL_ENDS | {"scale": NATURAL_SCALES.get(row["method"], ())}
    for knob, value in row["knobs"].items():
        values = {other["knobs"][knob] for other in rows}
        if len(values) > 1 and value in (min(values), max(values)) and value not in natural[knob]:
            return True
    return False


def method_scores(results: dict, method: str, key: str = "image") -> tuple[np.ndarray, np.ndarray]:
    """Return chosen test scores (seeds, skills) of a method and whether each was chosen at its grid's edge."""
    rows = where(results["methods"], method=method)
    skills = list(dict.fromkeys(row["skill"] for row in rows))
    picked = [chosen(results, "methods", method=method, skill=skill) for skill in skills]  # skills x seeds
    edges = [[at_edge(row, where(rows, skill=row["skill"], seed=row["seed"])) for row in column] for column in picked]
    return np.array([[row[key] for row in column] for column in picked]).T, np.array(edges).T


def paired(results: dict, method: str, rival: str = "task_arithmetic") -> np.ndarray:
    """Return method - rival in points for each seed (seeds,): the mean over skills where neither was at an edge.

    A seed without such a skill gives NaN.
    """
    ours, our_edges = method_scores(results, method)
    theirs, their_edges = method_scores(results, rival)
    fair = np.where(our_edges | their_edges, np.nan, ours - theirs)
    return np.array([np.nanmean(row) if np.isfinite(row).any() else np.nan for row in fair])


def frontier(points: list[tuple[float, float]], shares) -> np.ndarray:
    """Return the best skill among points (kept share, skill) that keep at least each share; 0 where none does."""
    return np.array([max((skill for kept, skill in points if kept >= share), default=0.0) for share in shares])


def frontier_area(points: list[tuple[float, float]]) -> float:
    """Return the mean height of the frontier over kept shares from 80 to 100 %, in percent of skill."""
    shares = np.linspace(*FRONTIER, 201)
    return float(np.mean(frontier(points, shares)))


def frontier_points(results: dict, method: str, skill: str, seed: int) -> list[tuple[float, float]]:
    """Return (kept share, skill in percent) on test of the settings that lead on validation, and of the VLM alone."""
    (vlm,) = where(results["vectors"], seed=seed, recipe="joint", vector="vlm")
    (alone,) = where(results["baselines"], seed=seed, recipe="joint", arm="vlm", skill=skill)
    rows = where(results["methods"], method=method, skill=skill, seed=seed)
    return [(1.0, alone["image"])] + [(row["english"] / vlm["english"], row["image"])
                                      for row in rows if row["image"] is not None]


def frontier_areas(results: dict, method: str) -> np.ndarray:
    """Return the mean frontier area over skills for each seed (seeds,)."""
    rows = where(results["methods"], method=method)
    skills = list(dict.fromkeys(row["skill"] for row in rows))
    return np.array([np.mean([frontier_area(frontier_points(results, method, skill, seed)) for skill in skills])
                     for seed in seeds_of(rows)])
