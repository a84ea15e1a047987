"""What a sweep found: best rates chosen on validation, scored on test, plateaus and the traps of a fixed rate."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray

from .training import Settings
from .variants import METHODS


@dataclass(frozen=True)
class Best:
    """A method at its best rate: rates chosen on validation for each seed, test scores there, and a 95 % interval."""

    method: str
    rates: ndarray
    scores: ndarray
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The geometric mean of the seeds' best rates."""
        return float(np.exp(np.log(self.rates).mean()))

    @property
    def score(self) -> float:
        """The mean test score over seeds."""
        return float(self.scores.mean())


@dataclass
class Sweep:
    """Rows of finished runs, one a method, rate and seed; "exact" scores are percentages, "loss" is in nats."""

    rows: list[dict]
    settings: Settings
    task: str
    metric: str
    skipped: dict[str, str]

    @property
    def methods(self) -> list[str]:
        """The methods that were run, in order."""
        return list(dict.fromkeys(row["method"] for row in self.rows))

    @property
    def rates(self) -> ndarray:
        """The learning rates, ascending."""
        return np.array(sorted({row["rate"] for row in self.rows}))

    @property
    def seeds(self) -> list[int]:
        """The seeds, ascending."""
        return sorted({row["seed"] for row in self.rows})

    def scores(self, method: str, part: str = "test", metric: str | None = None) -> ndarray:
        """Return a method's scores (rates, seeds); a diverged run has 0 exact answers and infinite loss.

        Raises ValueError for a method that was not run.
        """
        if method not in self.methods:
            why = self.skipped.get(method, "it was not asked for")
            raise ValueError(f"there are no runs of {method!r}: {why}; there are {', '.join(self.methods)}")
        column = f"{part}_{metric or self.metric}"
        found = {(row["rate"], row["seed"]): row[column] for row in self.rows if row["method"] == method}
        rates, seeds = self.rates, self.seeds
        return np.array([[np.inf if (score := found[rate, seed]) is None else score for seed in seeds]
                         for rate in rates])  # fmt: skip

    def best(self, method: str) -> Best:
        """Return a method at the rate that validation chooses for each seed, scored on test.

        Of equals the rate with the lower validation loss. The interval is a bootstrap over seeds.
        """
        sign = 1 if self.metric == "exact" else -1
        scores, losses = sign * self.scores(method, "validation"), self.scores(method, "validation", "loss")
        chosen = np.array([max(range(len(self.rates)), key=lambda place: (scores[place, seed], -losses[place, seed]))
                           for seed in range(len(self.seeds))])  # fmt: skip
        found = self.scores(method)[chosen, np.arange(len(self.seeds))]
        draws = np.random.default_rng(0).integers(len(found), size=(10_000, len(found)))
        low, high = np.quantile(found[draws].mean(axis=1), [0.025, 0.975])
        return Best(method, self.rates[chosen], found, float(low), float(high))

    def at_edge(self, method: str) -> int:
        """Return for how many seeds the best rate is the lowest or the highest that was tried."""
        return int(np.isin(self.best(method).rates, [self.rates[0], self.rates[-1]]).sum())

    def at_rate(self, rate: float, part: str = "test") -> dict[str, ndarray]:
        """Return {method: scores (seeds,)} at the tried rate that is nearest to `rate`."""
        place = int(np.abs(np.log(self.rates / rate)).argmin())
        return {method: self.scores(method, part)[place] for method in self.methods}

    def plateau(self, method: str, within: float = 1.0) -> tuple[float, float]:
        """Return the lowest and highest rate whose mean test score is within so much of the best mean."""
        sign = 1 if self.metric == "exact" else -1
        means = sign * self.scores(method).mean(axis=1)
        good = self.rates[means >= means.max() - within]
        return float(good[0]), float(good[-1])

    def trap(self, first: str, second: str) -> tuple[float, float]:
        """Return first - second on test at first's best rate, and at second's: opposite signs are a trap."""
        gaps = []
        for method in (first, second):
            scores = self.at_rate(self.best(method).rate)
            gaps.append(float((scores[first] - scores[second]).mean()))
        return gaps[0], gaps[1]

    def frame(self):
        """Return the rows as a pandas DataFrame, without the loss curves."""
        return pd.DataFrame([{name: value for name, value in row.items() if name != "curve"} for row in self.rows])

    def save(self, path: str | Path) -> None:
        """Write the sweep as JSON, one line a run."""
        head = json.dumps({"task": self.task, "metric": self.metric, "skipped": self.skipped,
                           "settings": asdict(self.settings)})  # fmt: skip
        lines = ",\n".join(json.dumps(row) for row in self.rows)
        Path(path).write_text(f'{head[:-1]}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")

    @staticmethod
    def load(path: str | Path) -> Sweep:
        """Return a sweep from JSON."""
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        settings = found["settings"] | {"modules": tuple(found["settings"]["modules"])}
        return Sweep(found["rows"], Settings(**settings), found["task"], found["metric"], found["skipped"])

    def __repr__(self) -> str:
        lines = [f"{self.task}: {len(self.rows)} runs, rank {self.settings.rank}, batch {self.settings.batch_size}, "
                 f"{self.settings.steps} steps; best rate by validation, {self.metric} on test"]  # fmt: skip
        for method in self.methods:
            best, edge = self.best(method), self.at_edge(method)
            note = f"   at the grid's edge in {edge} of {len(self.seeds)} seeds" if edge else ""
            lines.append(f"{METHODS[method].title:10} {best.rate:8.1e}   {best.score:8.4g} [{best.low:.4g}, "
                         f"{best.high:.4g}]{note}")  # fmt: skip
        return "\n".join(lines + [f"{method}: left out, {why}" for method, why in self.skipped.items()])
