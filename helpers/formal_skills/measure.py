"""From the rows of the grid to the figures of the claims: one number a seed (or a task), then mean and interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

DATA = Path(__file__).with_name("data")
PARTS = ("contract", "guard", "phases", "arguments")
Seeds = Float[ndarray, "seeds"]
Tasks = Float[ndarray, "tasks"]


def load_grid(name: str = "sloppy") -> pd.DataFrame:
    """Return the rows of a recorded grid ("sloppy" or "learned"); score in percent."""
    rows = pd.read_csv(DATA / f"{name}.csv")
    return rows.assign(score=100 * rows.score)


def scores(rows: pd.DataFrame, arm: str) -> Seeds:
    """Return an arm's score for each seed: the mean over tasks and over every p above 0."""
    some = rows[(rows.arm == arm) & (rows.p > 0)]
    return some.groupby("seed").score.mean().to_numpy()


def lead(rows: pd.DataFrame, arm: str, other: str) -> Seeds:
    """Return by how many points an arm is ahead of another, seed by seed."""
    return scores(rows, arm) - scores(rows, other)


def losses(rows: pd.DataFrame) -> dict[str, Seeds]:
    """Return what Formal loses without each of its parts, seed by seed."""
    return {part: lead(rows, "formal", f"formal less {part}") for part in PARTS}


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


def from_phases(rows: pd.DataFrame) -> Tasks:
    """Return the percentage of what Formal saves against the tools alone that is gone without its phases."""
    bare = tokens(rows, "bare")
    return 100 * (tokens(rows, "formal less phases") - tokens(rows, "formal")) / (bare - tokens(rows, "formal"))


def per_success(rows: pd.DataFrame, arm: str, p: float) -> Seeds:
    """Return the tokens that an arm spends for each fully right run at p, seed by seed; infinite without one."""
    some = rows[(rows.arm == arm) & (rows.p == p)]
    spent = some.groupby("seed").total.sum().to_numpy().astype(float)
    right = (some.score == 100).groupby(some.seed).sum().to_numpy()
    return np.divide(spent, right, out=np.full_like(spent, np.inf), where=right > 0)


def cost_ratio(rows: pd.DataFrame, arm: str, other: str, p: float) -> Seeds:
    """Return how many times another arm's tokens for each fully right run an arm spends, seed by seed.

    Seeds in which the other arm has no right run are left out: it spends without end there.
    """
    ours, theirs = per_success(rows, arm, p), per_success(rows, other, p)
    both = np.isfinite(theirs) & np.isfinite(ours)
    return ours[both] / theirs[both]
