"""The experiments on one family of models; each gives rows, one dict a setting, with scores in percent.

"image" is the skill asked about images, "english" the plain questions about them, "text" the same skill asked
about a text note with the same weights. A search sees validation images only; test images score what it chose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch

from .evaluation import Examiner, cascade_score, graft, language_part, text_score
from .family import Family
from .grids import DARE_DENSITIES, DARE_SCALES, GRIDS, PAIR_GRIDS, PARTS, SCALES
from .language import ENGLISH, SKILLS
from .merging import merge
from .vectors import cosine, length, same_base, task_vector

HARD = ("format", "spanish", "two_steps")  # the skills of which the VLM alone has nothing
MASKS = (0, 1, 2)  # seeds of DARE's masks


@dataclass(frozen=True)
class Bench:
    """One family with one of its VLMs, and examiners for both sets of images."""

    family: Family
    recipe: str = "joint"

    @property
    def vlm(self) -> dict:
        """The VLM's state dict."""
        return self.family.vlms[self.recipe]

    @cached_property
    def validation(self) -> Examiner:
        """Questions about validation images."""
        return Examiner(self.family, self.recipe, "validation")

    @cached_property
    def test(self) -> Examiner:
        """Questions about test images."""
        return Examiner(self.family, self.recipe, "test")

    def merged(self, skills, method: str = "task_arithmetic", **knobs) -> dict:
        """Return the VLM with the expert of a skill, or of several, merged in."""
        several = not isinstance(skills, str)
        expert = [self.family.experts[skill] for skill in skills] if several else self.family.experts[skills]
        return merge(self.family.base, self.vlm, expert, method, **knobs)


def scored(examiner: Examiner, state: dict, skill: str) -> dict:
    """Return {"image", "english"} of a VLM's state in percent."""
    return {"image": 100 * examiner.score(state, skill), "english": 100 * examiner.score(state, ENGLISH)}


def on_text(state: dict, skill: str) -> float:
    """Return the percentage of right answers of a VLM's language model on text notes."""
    return 100 * text_score(language_part(state), skill)


def baseline_rows(bench: Bench) -> Iterator[dict]:
    """Yield, for every skill, the VLM alone, the merge at scale 1, the graft and the cascade."""
    for skill in SKILLS:
        arms = {"vlm": bench.vlm, "merge": bench.merged(skill, scale=1.0),
                "graft": graft(bench.vlm, bench.family.experts[skill])}
        for arm, state in arms.items():
            yield {"skill": skill, "arm": arm, **scored(bench.test, state, skill), "text": on_text(state, skill)}
        cascade = 100 * cascade_score(bench.family, bench.test, skill, bench.recipe)
        english = 100 * bench.test.score(bench.vlm, ENGLISH)
        yield {"skill": skill, "arm": "cascade", "image": cascade, "english": english, "text": None}


def vector_rows(bench: Bench) -> Iterator[dict]:
    """Yield length and angle of every task vector, and the English of the VLM ("vlm") or of the expert's graft."""
    base, seen = bench.family.base, task_vector(bench.family.base, bench.vlm)
    for name, state in {"vlm": bench.vlm, **bench.family.experts}.items():
        vector = task_vector(base, state)
        whole = bench.vlm if name == "vlm" else graft(bench.vlm, state)
        yield {"vector": name, "length": length(vector), "cosine": cosine(vector, seen),
               "same_base": same_base(base, state).same,
               "kept": 100 * bench.validation.score(whole, ENGLISH), "english": 100 * bench.test.score(whole, ENGLISH)}


def norm_rows(bench: Bench, long_experts: dict) -> Iterator[dict]:
    """Yield experts trained on until their task vector is as long as the two-step expert's, merged at scale 1."""
    for skill, expert in {**long_experts, "two_steps": bench.family.experts["two_steps"]}.items():
        state = merge(bench.family.base, bench.vlm, expert, scale=1.0)
        yield {"skill": skill, "length": length(task_vector(bench.family.base, expert)),
               **scored(bench.test, state, skill), "text": on_text(state, skill),
               "expert": 100 * text_score(expert, skill)}


def scale_rows(bench: Bench) -> Iterator[dict]:
    """Yield task arithmetic over the scale for every skill, on validation, test and text."""
    for skill in SKILLS:
        for scale in SCALES:
            state = bench.merged(skill, scale=scale)
            chosen_on = scored(bench.validation, state, skill)
            yield {"skill": skill, "scale": scale, "validation": chosen_on["image"], "kept": chosen_on["english"],
                   **scored(bench.test, state, skill), "text": on_text(state, skill)}


def method_rows(bench: Bench, methods=tuple(GRIDS), skills=HARD) -> Iterator[dict]:
    """Yield every setting of every method on validation; on test too where no other setting has both scores better."""
    for skill in skills:
        for method in methods:
            found = [(knobs, scored(bench.validation, bench.merged(skill, method, **knobs), skill))
                     for knobs in GRIDS[method]]
            for knobs, score in found:
                row = {"skill": skill, "method": method, "knobs": knobs, "validation": score["image"],
                       "kept": score["english"], "image": None, "english": None}
                if not any(beats(other, score) for _, other in found):
                    row |= scored(bench.test, bench.merged(skill, method, **knobs), skill)
                yield row


def beats(other: dict, score: dict) -> bool:
    """Return whether a setting is better in one score and not worse in the other."""
    pairs = [(other[key], score[key]) for key in ("image", "english")]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def dare_rows(bench: Bench, skills=("spanish", "two_steps")) -> Iterator[dict]:
    """Yield DARE over density and scale, the mean of three masks each, on test images."""
    for skill in skills:
        for density in DARE_DENSITIES:
            for scale in DARE_SCALES:
                masks = MASKS if density < 1 else MASKS[:1]
                image = [100 * bench.test.score(
                    bench.merged(skill, "dare", scale=scale, density=density, seed=mask), skill) for mask in masks]
                yield {"skill": skill, "density": density, "scale": scale, "image": sum(image) / len(image)}


def part_rows(bench: Bench) -> Iterator[dict]:
    """Yield the merge at scale 1 of some tensors alone, on test images."""
    for skill in SKILLS:
        for part, only in PARTS.items():
            state = bench.merged(skill, scale=1.0, only=only)
            yield {"skill": skill, "part": part, **scored(bench.test, state, skill)}


def pair_rows(bench: Bench) -> Iterator[dict]:
    """Yield two experts merged at once, both skills scored, against each alone at the same setting."""
    for first, second in (("format", "spanish"), ("spanish", "two_steps"), ("format", "two_steps")):
        for label, (method, form, grid) in PAIR_GRIDS.items():
            for knobs in grid:
                state = bench.merged((first, second), method, form=form, **knobs)
                row = {"first": first, "second": second, "method": label, "knobs": knobs}
                for name, examiner in (("validation", bench.validation), ("image", bench.test)):
                    row[name] = [100 * examiner.score(state, skill) for skill in (first, second)]
                yield row | {"kept": 100 * bench.validation.score(state, ENGLISH)}


def stranger_rows(bench: Bench, stranger: Family) -> Iterator[dict]:
    """Yield what an expert of another family does to this VLM on test images, minus "our" base or minus "their" own."""
    for skill in HARD:
        expert = stranger.experts[skill]
        for whose, base in (("our", bench.family.base), ("their", stranger.base)):
            state = merge(base, bench.vlm, expert, scale=1.0)
            yield {"stranger": stranger.seed, "base": whose, "skill": skill, **scored(bench.test, state, skill),
                   "same_base": same_base(bench.family.base, expert).same}


def shuffled_vocabulary(state: dict, seed: int) -> dict:
    """Return the same language model with its tokens numbered in another order (rows of embedding and head)."""
    rows = len(state["lm_head.weight"])
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    return {name: tensor[order] if len(tensor) == rows else tensor for name, tensor in state.items()}


def vocabulary_rows(bench: Bench) -> Iterator[dict]:
    """Yield what experts do on test images whose tokens are numbered in another order, merged as if they were not."""
    for skill in HARD:
        expert = shuffled_vocabulary(bench.family.experts[skill], bench.family.seed)
        yield {"skill": skill, **scored(bench.test, merge(bench.family.base, bench.vlm, expert, scale=1.0), skill),
               "same_base": same_base(bench.family.base, expert).same}
