"""From the rows of the grid to the figures of the claims: one number a seed (or a task), then mean and interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from scipy.special import stdtrit

DATA = Path(__file__).with_name("data")
PARTS = ("contract", "guard", "phases", "arguments")
Seeds = Float[ndarray, "seeds"]
Tasks = Float[ndarray, "tasks"]


def load_grid(name: str = "sloppy") -> pd.DataFrame:
    """Return the rows of a recorded grid ("sloppy", "reading", "lapses" or "learned"); score in percent."""
    rows = pd.read_csv(DATA / f"{name}.csv")
    return rows.assign(score=100 * rows.score)


def scores(rows: pd.DataFrame, arm: str) -> Seeds:
    """Return an arm's score for each seed: the mean over tasks and over every p above 0."""
    some = rows[(rows.arm == arm) & (rows.p > 0)]
    return some.groupby("seed").score.mean().to_numpy()


def half_width(values: Float[ndarray, "*kinds seeds"]) -> Float[ndarray, "*kinds"] | float:
    """Return half of the 95 % Student-t interval of each mean over seeds."""
    seeds = values.shape[-1]
    return stdtrit(seeds - 1, 0.975) * values.std(axis=-1, ddof=1) / seeds**0.5


def lead(rows: pd.DataFrame, arm: str, other: str) -> Seeds:
    """Return by how many points an arm is ahead of another, seed by seed."""
    return scores(rows, arm) - scores(rows, other)


def losses(rows: pd.DataFrame) -> dict[str, Seeds]:
    """Return what Formal loses without each of its parts, seed by seed."""
    return {part: lead(rows, "formal", f"formal less {part}") for part in PARTS}


def worth(rows: pd.DataFrame) -> dict[str, Seeds]:
    """Return what each part adds, seed by seed; the contract's part in two: to be asked again, and its rules."""
    lost = losses(rows)
    rules = lead(rows, "formal", "formal, asked again")
    return {"to be asked again": lost.pop("contract") - rules, "rules": rules} | lost


def guard_alone(rows: pd.DataFrame) -> Seeds:
    """Return how many points more the guard adds where there are no phases than where there are, seed by seed."""
    return lead(rows, "formal less phases", "formal less phases, guard") - losses(rows)["guard"]


def contract_over_rest(rows: pd.DataFrame) -> Seeds:
    """Return the contract's loss less the largest of the others' mean losses, seed by seed."""
    lost = losses(rows)
    rest = max(PARTS[1:], key=lambda part: lost[part].mean())
    return lost["contract"] - lost[rest]


def kept(rows: pd.DataFrame, arm: str, p: float = 0.5) -> Seeds:
    """Return the percentage of its score without lapses that an arm keeps at p."""
    some = rows[rows.arm == arm].groupby(["p", "seed"]).score.mean()
    return 100 * (some[p] / some[0.0]).to_numpy()


def false_done(rows: pd.DataFrame, arm: str, p: float = 0.5) -> Seeds:
    """Return the percentage of an arm's completed runs at p that are not fully right, seed by seed."""
    some = rows[(rows.arm == arm) & (rows.p == p) & (rows.status == "completed")]
    return 100 * (some.score < 100).groupby(some.seed).mean().to_numpy()


def leaks(rows: pd.DataFrame, arm: str) -> Seeds:
    """Return in how many runs of each seed customers' data left."""
    return (1 - rows[rows.arm == arm].security).groupby(rows.seed).sum().to_numpy().astype(float)


def tokens(rows: pd.DataFrame, arm: str, column: str = "total") -> Tasks:
    """Return an arm's tokens on each task, by a driver without lapses."""
    return rows[(rows.arm == arm) & (rows.p == 0)].groupby("task")[column].mean().to_numpy()


def saved(rows: pd.DataFrame, arm: str, other: str) -> Tasks:
    """Return the percentage of another arm's tokens that an arm saves, task by task."""
    return 100 * (1 - tokens(rows, arm) / tokens(rows, other))


def per_success(rows: pd.DataFrame, arm: str, p: float) -> tuple[Seeds, Seeds]:
    """Return an arm's tokens at p, seed by seed, and its fully right runs."""
    some = rows[(rows.arm == arm) & (rows.p == p)]
    right = (some.score == 100).groupby(some.seed).sum()
    return some.groupby("seed").total.sum().to_numpy().astype(float), right.to_numpy().astype(float)


def cost_ratio(rows: pd.DataFrame, arm: str, other: str, p: float) -> dict[str, float]:
    """Return how many times another arm's tokens for each fully right run an arm spends at p, all seeds together.

    Keys ours, low, high (a bootstrap over seeds, 95 %) and seeds, as `record` takes them; infinite where an arm has
    no right run in a resample.
    """
    (spent, right), (others, other_right) = per_success(rows, arm, p), per_success(rows, other, p)
    seeds = len(spent)
    drawn = np.random.default_rng(0).integers(seeds, size=(2000, seeds))
    drawn = np.vstack([np.arange(seeds), drawn])  # the first is all seeds, each once
    spent, right, others, other_right = (part[drawn].sum(1) for part in (spent, right, others, other_right))
    with np.errstate(divide="ignore"):
        ratios = spent / others * (other_right / right)
    low, high = np.quantile(ratios[1:], [0.025, 0.975], method="inverted_cdf")
    return {"ours": ratios[0], "low": low, "high": high, "seeds": seeds}
