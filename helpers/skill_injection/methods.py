"""METHODS: what each merging method is called, which form and knobs it has, and which identities hold for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import consensus as several
from . import sparsify as one

INJECTION, TWO_VECTOR, INTERPOLATION = "injection", "two_vector", "interpolation"


@dataclass(frozen=True)
class Method:
    """One merging method. source: its arXiv number, or whose definition it is.

    form: "injection": vlm + f(experts' deltas), the VLM kept whole; "two_vector": base + F(the VLM's delta, the
    experts'); "interpolation": between the VLM's weights and the expert's. `forms` are all that it can take.
    knobs: name -> default. identities: names that the tests hold it to, in its own form. combine(deltas, weights,
    draws, knobs) gives one tensor's delta; draws(i) gives random numbers for the i-th. one_scale: the scale multiplies
    the whole. kind: what may be merged apart from the rest of its tensor: an "element", a "row", or nothing less than
    the "matrix".
    """

    name: str
    summary: str
    source: str
    form: str
    knobs: dict[str, float]
    identities: frozenset[str]
    combine: Callable | None  # None: merging.interpolate goes by name
    forms: tuple[str, ...] = (INJECTION, TWO_VECTOR)
    one_scale: bool = False
    kind: str = "element"


def _each(sparsify: Callable) -> Callable:
    """Return a combine that sparsifies each delta by itself and adds them, weighted."""

    def combine(deltas, weights, draws, knobs):
        sparse = [sparsify(delta, partial(draws, place), knobs) for place, delta in enumerate(deltas)]
        return several.weighted_sum(sparse, weights)

    return combine


def _trimmed(merge: Callable, weighted: bool = True) -> Callable:
    """Return a combine that trims each delta by magnitude, then merges (TIES)."""

    def combine(deltas, weights, draws, knobs):
        trimmed = [one.trim(delta, knobs["density"]) for delta in deltas]
        return merge(trimmed, weights) if weighted else merge(trimmed)

    return combine


def _dropped(deltas, weights, draws, knobs):
    sparse = [one.drop(delta, knobs["density"], draws(place)) for place, delta in enumerate(deltas)]
    return several.ties_weighted_sum(sparse, weights)


def _matrices(merge: Callable) -> Callable:
    """Return a combine for matrices; other tensors get the mean of the deltas, as in fusion_bench: it halves the
    VLM's own change of its norms, whatever the expert did."""

    def combine(deltas, weights, draws, knobs):
        return merge(deltas, knobs) if deltas[0].dim() == 2 else sum(deltas) / len(deltas)

    return combine


_ZERO, _EQUAL, _DENSE = "scale_zero_is_vlm", "equal_expert_is_vlm", "full_density_is_task_arithmetic"
_LINEAR, _ORDER, _SEED, _MEAN = "linear_in_scale", "expert_order", "seed_repeats", "unbiased"
_dare = _each(lambda delta, draw, knobs: one.drop(delta, knobs["density"], draw()))
_RANDOM = {"scale": 1.0, "density": 0.5, "seed": 0}
_TRIM = {"scale": 1.0, "density": 0.8}

_ALL = [
    Method("task_arithmetic", "vlm + scale x delta", "2212.04089", INJECTION, {"scale": 1.0},
           frozenset({_ZERO, _EQUAL, _DENSE, _LINEAR, _ORDER}), _each(lambda delta, draw, knobs: delta)),
    Method("dare", "entries kept by chance, the rest rescaled", "2311.03099", INJECTION, _RANDOM,
           frozenset({_ZERO, _EQUAL, _DENSE, _LINEAR, _SEED, _MEAN}), _dare),
    Method("dare_both", "DARE on the VLM's delta too", "2311.03099, on every vector", TWO_VECTOR, _RANDOM,
           frozenset({_DENSE, _LINEAR, _SEED, _MEAN}), _dare, (TWO_VECTOR,)),
    Method("magnitude", "the largest entries of each tensor", "2306.01708, step 1 alone", INJECTION,
           {"scale": 1.0, "density": 0.5}, frozenset({_ZERO, _EQUAL, _DENSE, _LINEAR, _ORDER}),
           _each(lambda delta, draw, knobs: one.trim(delta, knobs["density"]))),
    Method("breadcrumbs", "neither outliers nor small entries", "2312.06795", INJECTION,
           _TRIM | {"top": 0.01}, frozenset({_ZERO, _EQUAL, _DENSE, _LINEAR, _ORDER}),
           _each(lambda delta, draw, knobs: one.without_ends(delta, knobs["density"], knobs["top"]))),
    Method("della", "chances that rise with magnitude", "2406.11617", INJECTION, _RANDOM | {"epsilon": 0.1},
           frozenset({_ZERO, _EQUAL, _DENSE, _LINEAR, _SEED, _MEAN}),
           _each(lambda delta, draw, knobs: one.drop_by_rank(delta, knobs["density"], draw(), knobs["epsilon"])),
           kind="row"),
    Method("ties", "trim, elect signs, plain mean of those that agree", "2306.01708", TWO_VECTOR, _TRIM,
           frozenset({_LINEAR, _ORDER}), _trimmed(several.ties_mean_of_agreeing, weighted=False), one_scale=True),
    Method("ties_mean", "trim, elect signs, weighted mean", "mergekit's TIES", TWO_VECTOR, _TRIM,
           frozenset({_ORDER}), _trimmed(several.ties_weighted_mean)),
    Method("ties_sum", "trim, elect signs, weighted sum", "mergekit's TIES, normalize: false", TWO_VECTOR, _TRIM,
           frozenset({_ORDER}), _trimmed(several.ties_weighted_sum)),
    Method("dare_ties", "DARE in place of trimming, then elect and add", "mergekit's dare_ties", TWO_VECTOR, _RANDOM,
           frozenset({_SEED}), _dropped),
    Method("tsv_m", "leading singular vectors, made orthogonal across tasks", "2412.00081", TWO_VECTOR,
           {"scale": 1.0, "rank_share": 0.5}, frozenset({_LINEAR, _ORDER}),
           _matrices(lambda deltas, knobs: several.singular_merge(deltas, knobs["rank_share"])), one_scale=True,
           kind="matrix"),
    Method("iso_c", "all singular values of the sum made equal", "2502.04959", TWO_VECTOR, {"scale": 1.0},
           frozenset({_LINEAR, _ORDER}), _matrices(lambda deltas, knobs: several.isotropic(deltas)), one_scale=True,
           kind="matrix"),
    Method("wudi", "the delta that disturbs each layer's inputs least", "2503.08099", TWO_VECTOR,
           {"scale": 1.0, "steps": 100, "learning_rate": 1e-3}, frozenset({_LINEAR, _ORDER}),
           _matrices(lambda deltas, knobs: several.without_interference(deltas, knobs["steps"],
                                                                        knobs["learning_rate"])),
           one_scale=True, kind="matrix"),
    Method("linear", "(1 - scale) x vlm + scale x expert", "2203.05482", INTERPOLATION,
           {"scale": 0.5}, frozenset({_ZERO, _LINEAR, _ORDER}), None, (INTERPOLATION,)),
    Method("slerp", "along the arc between vlm and expert", "Shoemake 1985", INTERPOLATION,
           {"scale": 0.5}, frozenset({_ZERO}), None, (INTERPOLATION,)),
    Method("layer_swap", "VLM below a layer, linear from there on", "2505.05464", INTERPOLATION,
           {"scale": 0.5, "first_layer": 1}, frozenset({_ZERO, _LINEAR, _ORDER}), None, (INTERPOLATION,)),
]  # fmt: skip
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
