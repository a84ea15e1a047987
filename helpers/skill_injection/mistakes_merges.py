"""References and typical wrong answers to the exercises on TIES, the choice of a scale, and the check of a base."""

from __future__ import annotations

import torch

from .consensus import agreeing
from .sparsify import largest, share, trim
from .vectors import same_base

KEEP = 0.95


def ties(deltas, weights, density):
    return sum(agreeing([weight * trim(delta, density) for delta, weight in zip(deltas, weights)]))


def ties_untrimmed(deltas, weights, density):
    """Where is the first step? What happens to small entries?"""
    return sum(agreeing([weight * delta for delta, weight in zip(deltas, weights)]))


def ties_trimmed_together(deltas, weights, density):
    """Did you rank the entries of all vectors together? A short vector would lose everything."""
    stacked = torch.stack(list(deltas))
    kept = stacked * largest(stacked, share(stacked, density))
    return sum(agreeing([weight * delta for delta, weight in zip(kept, weights)]))


def ties_elects_unweighted(deltas, weights, density):
    """Who votes on the sign: the vectors as they are, or times their weights?"""
    trimmed = [trim(delta, density) for delta in deltas]
    sign = torch.where(sum(trimmed) >= 0, 1.0, -1.0)
    return sum(torch.where(delta.sign() == sign, weight * delta, 0.0) for delta, weight in zip(trimmed, weights))


def ties_counts_heads(deltas, weights, density):
    """Is a sign elected by the number of vectors or by their sum? A large entry outweighs two small ones."""
    trimmed = [weight * trim(delta, density) for delta, weight in zip(deltas, weights)]
    sign = torch.where(sum(delta.sign() for delta in trimmed) >= 0, 1.0, -1.0)
    return sum(torch.where(delta.sign() == sign, delta, 0.0) for delta in trimmed)


def ties_mean(deltas, weights, density):
    """Did you divide by something? This TIES adds what agrees."""
    kept = agreeing([weight * trim(delta, density) for delta, weight in zip(deltas, weights)])
    return sum(kept) / sum((delta != 0).float() for delta in kept).clamp(min=1)


def ties_keeps_all_equals(deltas, weights, density):
    """Of entries as large as the smallest that stays, did you keep more than `count`?"""
    kept = []
    for delta, weight in zip(deltas, weights):
        sizes = delta.abs()
        limit = sizes.flatten().sort(descending=True).values[max(1, int(density * delta.numel())) - 1]
        kept.append(weight * torch.where(sizes >= limit, delta, 0.0))
    return sum(agreeing(kept))


def ties_without_election(deltas, weights, density):
    """What becomes of an entry on which the vectors disagree?"""
    return sum(weight * trim(delta, density) for delta, weight in zip(deltas, weights))


def ties_keeps_the_small(deltas, weights, density):
    """Which entries stay, the largest or the smallest?"""
    small = [torch.where(largest(delta, delta.numel() - share(delta, density)), 0.0, delta) for delta in deltas]
    return sum(agreeing([weight * delta for delta, weight in zip(small, weights)]))


def best_scale(scales, skill, english, vlm_english):
    enough = english >= KEEP * vlm_english
    score = skill.masked_fill(~enough, -1.0) if enough.any() else english
    return float(scales[int(score.argmax())])


def best_ignores_english(scales, skill, english, vlm_english):
    """How much English does your scale keep?"""
    return float(scales[int(skill.argmax())])


def best_keeps_absolute(scales, skill, english, vlm_english):
    """95 % of what? The VLM itself is not right every time."""
    enough = english >= KEEP
    return float(scales[int((skill.masked_fill(~enough, -1.0) if enough.any() else english).argmax())])


def best_keeps_most(scales, skill, english, vlm_english):
    """Is keeping English the aim, or a condition?"""
    return float(scales[int(english.argmax())])


def best_of_the_sum(scales, skill, english, vlm_english):
    """Did you add the two scores? The condition is a limit, not a second aim."""
    return float(scales[int((skill + english).argmax())])


def best_largest_of_equals(scales, skill, english, vlm_english):
    """Two scales are equally good: which of them changes the model less?"""
    enough = english >= KEEP * vlm_english
    score = skill.masked_fill(~enough, -1.0) if enough.any() else english
    return float(scales[len(scales) - 1 - int(score.flip(0).argmax())])


def best_or_first(scales, skill, english, vlm_english):
    """What do you return when no scale keeps enough English?"""
    score = skill.masked_fill(english < KEEP * vlm_english, -1.0)
    return float(scales[int(score.argmax())])


def made_from(base, model):
    return same_base(base, model).same


def compares_names_and_shapes(base, model):
    """Do names and shapes tell? A stranger of the same architecture has them all."""
    return all(name in model and model[name].shape == base[name].shape for name in base)


def asks_for_equal_weights(base, model):
    """Does fine-tuning leave weights as they were?"""
    return all(torch.allclose(model[name].float(), base[name].float(), atol=1e-3) for name in base)


def looks_at_one_layer(base, model):
    """Which tensors did you look at? A vocabulary in another order shows in the embedding alone."""
    names = [name for name in base if "layers.0." in name]
    return all(float((model[name].float() - base[name].float()).norm()) < float(base[name].norm()) for name in names)


def looks_at_the_embedding(base, model):
    """The embedding can be copied into a stranger. What do the layers say?"""
    name = "model.embed_tokens.weight"
    return bool((model[name].float() - base[name].float()).norm() < base[name].norm())


def too_strict(base, model):
    """How far may fine-tuning go? Compare with an expert that trained for long."""
    return all(float((model[name].float() - base[name].float()).norm()) < 0.3 * float(base[name].norm())
               for name in base if base[name].dim() > 1)
