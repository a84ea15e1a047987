"""One number per seed for every claim, from the committed sweeps; each function names what it compares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy import ndarray
from scipy.stats import linregress, t

from .experiments import BATCHES, DATA, LENGTHS, PAPER, RANKS, STARTS, SWEEPS
from .results import Sweep


def load_sweeps(folder: str | Path = DATA) -> dict[str, Sweep]:
    """Return the committed sweeps by name, `run_real` among them."""
    return {name: Sweep.load(Path(folder) / f"{name}.json") for name in [*SWEEPS, "run_real"]}


def load_curvature(name: str, folder: str | Path = DATA) -> list[dict]:
    """Return the committed rows of "tiny_curvature" or "real_curvature"."""
    return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))


def averaged(ratios: ndarray) -> dict:
    """Return ratios' geometric mean with a 95 % Student interval of their logarithms, as `record` takes it."""
    logs = np.log(ratios)
    half = t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
    ours, low, high = np.exp([logs.mean(), logs.mean() - half, logs.mean() + half])
    return {"ours": float(ours), "low": float(low), "high": float(high), "seeds": len(logs)}


def best_rates(sweep: Sweep, methods=PAPER) -> ndarray:
    """Return each method's best rate by validation (methods, seeds)."""
    return np.array([sweep.best(method).rates for method in methods])


def spread_of_rates(sweep: Sweep, methods=PAPER) -> ndarray:
    """Return the largest over the smallest best rate for each seed (seeds,)."""
    rates = best_rates(sweep, methods)
    return rates.max(axis=0) / rates.min(axis=0)


def slower(sweep: Sweep, method: str, than: str = "lora") -> ndarray:
    """Return LoRA's best rate over a method's for each seed (seeds,)."""
    return sweep.best(than).rates / sweep.best(method).rates


def at_rate_of(sweep: Sweep, owner: str) -> dict[str, ndarray]:
    """Return {method: test scores (seeds,)} at the rate that is best on validation for a method, mean over seeds."""
    place = int(sweep.scores(owner, "validation").mean(axis=1).argmax())
    return {method: sweep.scores(method)[place] for method in sweep.methods}


def trap(sweep: Sweep, owner: str, rival: str) -> ndarray:
    """Return owner - rival at the owner's best rate (seeds,)."""
    scores = at_rate_of(sweep, owner)
    return scores[owner] - scores[rival]


def spread_at(sweep: Sweep, owner: str = "lora", methods=PAPER) -> ndarray:
    """Return best minus worst method at the owner's best rate (seeds,)."""
    scores = at_rate_of(sweep, owner)
    values = np.array([scores[method] for method in methods])
    return values.max(axis=0) - values.min(axis=0)


def spread_of_peaks(sweep: Sweep, methods=PAPER) -> tuple[float, float, float]:
    """Return best minus worst of the methods' mean test scores, each tuned, with a bootstrap interval over seeds.

    The best and the worst are those of the means; in single seeds chance alone would spread ten equal methods.
    """
    scores = np.array([sweep.best(method).scores for method in methods])  # (methods, seeds)
    means = scores.mean(axis=1)
    best, worst = int(means.argmax()), int(means.argmin())
    gap = scores[best] - scores[worst]
    draws = np.random.default_rng(0).integers(len(gap), size=(10_000, len(gap)))
    low, high = np.quantile(gap[draws].mean(axis=1), [0.025, 0.975])
    return float(means[best] - means[worst]), float(low), float(high)


def slope(sweeps: Mapping[str, Sweep], pattern: str, values: tuple[int, ...], method: str = "lora") -> ndarray:
    """Return the exponent of the best rate in a setting, a log-log slope for each seed (seeds,)."""
    rates = np.array([sweeps[pattern.format(value)].best(method).rates for value in values])  # (values, seeds)
    return np.array([linregress(np.log(values), np.log(column)).slope for column in rates.T])


def exponents(sweeps: Mapping[str, Sweep]) -> dict[str, ndarray]:
    """Return the exponents of LoRA's best rate in the rank (two conventions), the batch size and the steps."""
    return {"rank": slope(sweeps, "rank-{}", RANKS), "alpha": slope(sweeps, "alpha-{}", RANKS),
            "batch": slope(sweeps, "batch-{}", BATCHES), "steps": slope(sweeps, "steps-{}", LENGTHS)}  # fmt: skip


def rank_gain(sweeps: Mapping[str, Sweep]) -> ndarray:
    """Return rank 64 - rank 4, each tuned (seeds,)."""
    return sweeps["rank-64"].best("lora").scores - sweeps["rank-4"].best("lora").scores


def lambdas(rows: list[dict], kind: str = "") -> dict[str, ndarray]:
    """Return {method: lambda_max of the modules whose name ends in `kind` (modules,)}."""
    chosen = [row for row in rows if row["module"].endswith(kind)]
    return {method: np.array([row["lambda"] for row in chosen if row["method"] == method]) for method in STARTS}


def curvature_slope(sweep: Sweep, rows: list[dict]) -> ndarray:
    """Return the log-log slope of best rate against median lambda_max over the six starts, for each seed (seeds,)."""
    medians = [np.median(values) for values in lambdas(rows).values()]
    return np.array([linregress(np.log(medians), np.log(column)).slope for column in best_rates(sweep, STARTS).T])


def below_gradient(rows: list[dict]) -> int:
    """Return in how many modules vanilla LoRA's lambda_max is below the gradient's largest singular value.

    By more than the half percent to which the eigenvalue is computed.
    """
    return sum(row["lambda"] < 0.995 * row["gradient"] for row in rows if row["method"] == "lora")


def median_ratio(rows: list[dict], kind: str, method: str, over: str) -> tuple[float, float, float]:
    """Return the median over modules of lambda_max's ratio, with a bootstrap interval over modules."""
    found = lambdas(rows, kind)
    values = found[method] / found[over]
    draws = np.random.default_rng(0).integers(len(values), size=(10_000, len(values)))
    low, high = np.quantile(np.median(values[draws], axis=1), [0.025, 0.975])
    return float(np.median(values)), float(low), float(high)
