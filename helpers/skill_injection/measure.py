"""One number per seed for every claim, from the committed results; each function names what it compares."""

from __future__ import annotations

import numpy as np
from scipy.stats import t

from .results import (
    CLASSICS,
    FRONTIER,
    chosen,
    frontier,
    frontier_areas,
    frontier_points,
    method_scores,
    paired,
    per_seed,
    seeds_of,
    where,
)

HARD = ("format", "spanish", "two_steps")


def interval(values) -> tuple[float, float]:
    """Return mean and half width of the 95 % Student interval over seeds; a width of 0 for a single one."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return float(values.mean()), 0.0
    return float(values.mean()), float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def arm(results: dict, name: str, key: str = "image", recipe: str = "joint", **which) -> np.ndarray:
    """Return a baseline's scores, the mean over the skills that match (seeds,)."""
    return per_seed(where(results["baselines"], arm=name, recipe=recipe, **which), key)


def chosen_scale(results: dict, skill: str, key: str = "image", recipe: str = "joint") -> np.ndarray:
    """Return a column of task arithmetic's chosen row (seeds,)."""
    return np.array([row[key] for row in chosen(results, "scale", recipe, skill=skill)])


def text_to_image_loss(results: dict, skill: str) -> np.ndarray:
    """Return what the merge at scale 1 loses from text to image with the same weights (seeds,)."""
    return arm(results, "merge", "text", skill=skill) - arm(results, "merge", skill=skill)


def merge_minus_graft(results: dict, key: str, recipe: str) -> np.ndarray:
    """Return merge at scale 1 - graft, the mean over the four skills (seeds,)."""
    return arm(results, "merge", key, recipe) - arm(results, "graft", key, recipe)


def others(results: dict) -> list[str]:
    """Return the methods that are neither TA nor DARE, in the order of the results."""
    return [name for name in dict.fromkeys(row["method"] for row in results["methods"]) if name not in CLASSICS]


def judged(results: dict) -> dict[str, np.ndarray]:
    """Return rival -> rival - TA in points (seeds,), for rivals with a fair pair in three seeds or more."""
    gaps = {name: paired(results, name) for name in others(results) + ["dare"]}
    return {name: gap[np.isfinite(gap)] for name, gap in gaps.items() if np.isfinite(gap).sum() >= 3}


def classics_minus_others(results: dict, score, without=()) -> np.ndarray:
    """Return the mean score of TA and DARE - the mean of the other methods (seeds,).

    score(method) gives (seeds, skills); where it is void (NaN), the method is left out for that seed and skill.
    """
    rest = [name for name in others(results) if name not in without]
    classics, rivals = (np.nanmean([score(name) for name in names], axis=0) for names in (CLASSICS, rest))
    return (classics - rivals).mean(axis=1)


def skill_of(results: dict):
    """Return method -> chosen skill on test (seeds, skills), NaN where the choice was at an edge of the grid."""
    def score(method):
        scores, edges = method_scores(results, method)
        return np.where(edges, np.nan, scores)

    return score


def frontier_of(results: dict):
    """Return method -> area under the frontier, the mean over skills (seeds, 1)."""
    return lambda method: frontier_areas(results, method)[:, None]


def dare_minus_ta(results: dict, density: float = 0.5) -> np.ndarray:
    """Return DARE - TA at the same scale, the mean over scales and skills (seeds,)."""
    return per_seed(where(results["dare"], density=density)) - per_seed(where(results["dare"], density=1.0))


def best_scales(results: dict, density: float) -> np.ndarray:
    """Return the scale at which DARE of a density is best on test, the mean over skills (seeds,)."""
    rows = where(results["dare"], density=density)
    return np.array([np.mean([max(where(rows, seed=seed, skill=skill), key=lambda row: row["image"])["scale"]
                              for skill in {row["skill"] for row in rows}]) for seed in seeds_of(rows)])


def curve(results: dict, skill: str, seed: int, key: str = "image") -> tuple[np.ndarray, np.ndarray]:
    """Return the scales and a column of the scale curve of one seed."""
    rows = where(results["scale"], recipe="joint", skill=skill, seed=seed)
    return np.array([row["scale"] for row in rows]), np.array([row[key] for row in rows])


def half_scale_loss(results: dict, skills=HARD) -> np.ndarray:
    """Return the chosen scale's score - the score at half of that scale (linear between), mean over skills (seeds,)."""
    losses = []
    for skill in skills:
        for row in chosen(results, "scale", skill=skill):
            scales, scores = curve(results, skill, row["seed"])
            losses.append(row["image"] - np.interp(row["scale"] / 2, scales, scores))
    return np.reshape(losses, (len(skills), -1)).mean(axis=0)


def regret(results: dict, guess, skills=HARD) -> np.ndarray:
    """Return the chosen scale's score - that at `guess(skill, seed)` (linear between), mean over skills (seeds,)."""
    losses = []
    for skill in skills:
        for row in chosen(results, "scale", skill=skill):
            scales, scores = curve(results, skill, row["seed"])
            losses.append(row["image"] - np.interp(guess(skill, row["seed"]), scales, scores))
    return np.reshape(losses, (len(skills), -1)).mean(axis=0)


def norm_rule(results: dict, skills=HARD):
    """Return a guess: scale = c x |tau_VLM| / |tau_expert|, c the median over the other skills' chosen scales."""
    ratios = {skill: lengths(results, skill) / lengths(results, "vlm") for skill in skills}
    constants = {skill: chosen_scale(results, skill, "scale") * ratios[skill] for skill in skills}
    seeds = seeds_of(results["vectors"])

    def guess(skill, seed):
        constant = np.median(np.concatenate([constants[other] for other in skills if other != skill]))
        return constant / ratios[skill][seeds.index(seed)]

    return guess


def part(results: dict, name: str, skills=HARD) -> np.ndarray:
    """Return the skill when only some tensors are merged, the mean over skills (seeds,)."""
    return np.mean([per_seed(where(results["parts"], part=name, skill=skill)) for skill in skills], axis=0)


def interference(results: dict) -> np.ndarray:
    """Return two experts at scale 1 - each alone at scale 1 by TA, the mean over pairs and skills (seeds,)."""
    changes = []
    for row in where(results["pairs"], method="task arithmetic"):
        if row["knobs"]["scale"] == 1.0:
            alone = [where(results["baselines"], recipe="joint", arm="merge", seed=row["seed"], skill=row[place])[0]
                     for place in ("first", "second")]
            change = np.mean([both - one["image"] for both, one in zip(row["image"], alone)])
            changes.append({"seed": row["seed"], "image": change})
    return per_seed(changes)


def curves(results: dict, skill: str, key: str = "image", recipe: str = "joint") -> np.ndarray:
    """Return a column of the scale curve (seeds, scales)."""
    rows = where(results["scale"], recipe=recipe, skill=skill)
    return np.array([[row[key] for row in where(rows, seed=seed)] for seed in seeds_of(rows)])


def lengths(results: dict, vector: str, recipe: str = "joint") -> np.ndarray:
    """Return the length of a task vector (seeds,)."""
    return per_seed(where(results["vectors"], recipe=recipe, vector=vector), "length")


def control(results: dict, skill: str, key: str = "image") -> np.ndarray:
    """Return a column of the experts trained to the two-step expert's length, and of that one (seeds,)."""
    return per_seed(where(results["control"], skill=skill), key)


def dare_map(results: dict, skill: str, densities, scales) -> np.ndarray:
    """Return DARE's mean score over seeds and masks (densities, scales)."""
    rows = where(results["dare"], skill=skill)
    return np.array([[np.mean([row["image"] for row in where(rows, density=density, scale=scale)]) for scale in scales]
                     for density in densities])


def void_shares(results: dict) -> dict[str, float]:
    """Return method -> share of its searches (seeds x skills) that chose a setting at an edge of the grid."""
    names = dict.fromkeys(row["method"] for row in results["methods"])
    return {name: float(np.mean(method_scores(results, name)[1])) for name in names}


def count_sure(gaps: dict[str, np.ndarray]) -> tuple[int, int]:
    """Return how many methods are ahead of TA, and how many behind, with their whole 95 % interval over seeds."""
    ends = [(mean - half, mean + half) for mean, half in map(interval, gaps.values())]
    return sum(low > 0 for low, _ in ends), sum(high < 0 for _, high in ends)


def mean_frontiers(results: dict, methods, skill: str) -> dict[str, list[tuple[float, float]]]:
    """Return method -> the frontier's mean height over seeds at kept shares from 80 to 100 % (share, skill)."""
    shares = np.linspace(*FRONTIER, 41)
    seeds = seeds_of(results["methods"])
    return {method: list(zip(shares, np.mean([frontier(frontier_points(results, method, skill, seed), shares)
                                              for seed in seeds], axis=0))) for method in methods}


def vlm_english(results: dict) -> np.ndarray:
    """Return the VLM's English on test images (seeds,)."""
    return per_seed(where(results["vectors"], recipe="joint", vector="vlm"), "english")


def strangers(results: dict, key: str = "image", base: str = "our", **which) -> np.ndarray:
    """Return what merging another family's expert gives, minus our base or minus their own (seeds,)."""
    return per_seed(where(results["strangers"], base=base, **which), key)


def renumbered(results: dict, key: str = "image", **which) -> np.ndarray:
    """Return what merging an expert with its tokens in another order gives (seeds,)."""
    return per_seed(where(results["vocabulary"], **which), key)


def base_check_errors(results: dict) -> int:
    """Return how many experts the check on weights misjudges: own ones called strangers, or strangers and
    those with another vocabulary called own."""
    own, foreign = results["vectors"], results["strangers"] + results["vocabulary"]
    return sum(not row["same_base"] for row in own) + sum(row["same_base"] for row in foreign)


def useful_window(results: dict, skill: str, share: float = 0.9) -> np.ndarray:
    """Return the least and the largest scale with at least a share of the chosen scale's skill (2, seeds)."""
    windows = []
    for row in chosen(results, "scale", skill=skill):
        scales, scores = curve(results, skill, row["seed"])
        good = scales[scores >= share * row["image"]]
        windows.append((good.min(), good.max()))
    return np.array(windows).T


def pair_scores(results: dict, method: str) -> np.ndarray:
    """Return a method's chosen mean skill of two experts, the mean over pairs (seeds,)."""
    rows = [row | {"validation": np.mean(row["validation"]), "image": np.mean(row["image"])}
            for row in where(results["pairs"], method=method)]
    tables = {"pairs": rows, "vectors": results["vectors"]}
    seconds = sorted({(row["first"], row["second"]) for row in rows})
    return np.mean([[row["image"] for row in chosen(tables, "pairs", first=first, second=second)]
                    for first, second in seconds], axis=0)
