"""The judges of the open exercises: which tensors carry a skill, and a merge scored on a family that nobody sees."""

from __future__ import annotations

import re
from functools import cache

from helpers.course import Mistake

from .evaluation import Examiner
from .family import HIDDEN, load_family
from .language import ENGLISH
from .merging import merge

MOST_WEIGHTS, LEAST_SKILL = 0.6, 0.9
LEAD, LEAST_ENGLISH = 1.0, 0.98
HIDDEN_SKILLS = ("spanish", "two_steps")


@cache
def shipped():
    """Return the shipped family and an examiner of its validation images."""
    family = load_family()
    return family, Examiner(family, split="validation")


@cache
def hidden():
    """Return the hidden family and an examiner of its test images."""
    family = load_family(HIDDEN)
    return family, Examiner(family, split="test")


@cache
def everything_merged() -> float:
    """Return the share of right answers in formats when all tensors are merged at scale 1."""
    family, examiner = shipped()
    return examiner.score(merge(family.base, family.vlms["joint"], family.experts["format"], scale=1.0), "format")


def carries_the_skill(part) -> tuple[bool, str]:
    """Return whether merging what matches keeps 90 % of the formats with 60 % of the weights, and how much it keeps."""
    if not isinstance(part, str):
        return False, f'expected a regular expression as text, such as r"layers\\.2\\.", got {part!r}'
    try:
        re.compile(part)
    except re.error as error:
        return False, f"{part!r} is no regular expression: {error}"
    family, examiner = shipped()
    chosen = [tensor for name, tensor in family.base.items() if re.search(part, name)]
    share = sum(tensor.numel() for tensor in chosen) / sum(tensor.numel() for tensor in family.base.values())
    state = merge(family.base, family.vlms["joint"], family.experts["format"], scale=1.0, only=part)
    kept = examiner.score(state, "format") / everything_merged()
    found = (f"{len(chosen)} tensors, {share:.0%} of the weights (at most {MOST_WEIGHTS:.0%}), keep {kept:.0%} of the "
             f"formats (at least {LEAST_SKILL:.0%})")
    return share <= MOST_WEIGHTS and kept >= LEAST_SKILL, found + "."


PART_MISTAKES = tuple(Mistake(name, part, question) for name, part, question in [
    ("everything", r".", "That merges everything. Which tensors could you do without?"),
    ("the first layer", r"layers\.0\.", "The first layer carries more than any other. What has to read its result?"),
    ("two layers", r"layers\.[01]\.", "Two layers of three are more than 60 % already. Look at parts of layers?"),
    ("attention", r"attn", "Attention alone is a third of the weights. What does it lack?"),
    ("attention and first layer", r"attn|layers\.0\.",
     "Close. Embeddings and head carry nothing alone; do they add something to the rest?"),
    ("the last layer", r"layers\.2\.", "The last layer writes the answer. Who tells it what to write?"),
])  # fmt: skip


@cache
def yardstick() -> tuple[float, float]:
    """Return mean skill of task arithmetic at scale 1 on the hidden family, and the VLM's English, in percent."""
    family, examiner = hidden()
    vlm = family.vlms["joint"]
    plain = [examiner.score(merge(family.base, vlm, family.experts[skill], scale=1.0), skill)
             for skill in HIDDEN_SKILLS]
    return 100 * sum(plain) / len(plain), 100 * examiner.score(vlm, ENGLISH)


def wins(champion) -> tuple[bool, str]:
    """Return whether a merge beats task arithmetic by a point on the hidden family and keeps 98 % of its English."""
    family, examiner = hidden()
    vlm = family.vlms["joint"]
    skill = english = 0.0
    for name in HIDDEN_SKILLS:
        given = dict(vlm)
        state = champion(dict(family.base), given, dict(family.experts[name]))
        if any(given.get(each) is not vlm[each] for each in vlm):
            return False, "the VLM that was passed in is changed afterwards; start from dict(vlm)"
        if not isinstance(state, dict) or state.keys() != vlm.keys():
            return False, "expected a state dict with exactly the VLM's tensors; start from dict(vlm)"
        if wrong := [each for each in vlm if state[each].shape != vlm[each].shape]:
            return False, f"{wrong[0]} has the shape {tuple(state[wrong[0]].shape)}, the VLM's is another"
        skill += 100 * examiner.score(state, name) / len(HIDDEN_SKILLS)
        english += 100 * examiner.score(state, ENGLISH) / len(HIDDEN_SKILLS)
    plain, before = yardstick()
    found = (f"Hidden family: skill {skill:.1f} % (task arithmetic at scale 1: {plain:.1f} %; {plain + LEAD:.1f} % is "
             f"asked for), English kept {english / before:.1%} ({LEAST_ENGLISH:.0%} is asked for).")
    return skill >= plain + LEAD and english >= LEAST_ENGLISH * before, found


def task_arithmetic(base, vlm, expert):
    """Is that task arithmetic at scale 1, the yardstick itself?"""
    return merge(base, vlm, expert, scale=1.0)


def louder(base, vlm, expert):
    """A larger scale: what becomes of English and of the maths?"""
    return merge(base, vlm, expert, scale=1.3)


def half_and_half(base, vlm, expert):
    """Half VLM, half expert: how much of the skill is left at half its vector's length?"""
    return merge(base, vlm, expert, "linear", scale=0.5)


def nothing(base, vlm, expert):
    """Is that the VLM as it was?"""
    return dict(vlm)


def the_largest_entries(base, vlm, expert):
    """Are the largest entries the ones that matter? Compare with all of them."""
    return merge(base, vlm, expert, "magnitude", scale=1.0, density=0.3)


CHAMPION_MISTAKES = (task_arithmetic, louder, half_and_half, nothing, the_largest_entries)
