"""References and typical wrong answers to the exercises on LoRA's forward pass, its starts and its optimizer."""

from __future__ import annotations

import torch


def forward(x, weight, a, b, alpha):
    return x @ weight.T + (alpha / len(a)) * (x @ a.T) @ b.T


def forward_without_scale(x, weight, a, b, alpha):
    """What does alpha do?"""
    return x @ weight.T + (x @ a.T) @ b.T


def forward_scaled_by_alpha(x, weight, a, b, alpha):
    """By what is alpha divided, so that a larger rank does not make louder changes?"""
    return x @ weight.T + alpha * (x @ a.T) @ b.T


def forward_rank_stabilised(x, weight, a, b, alpha):
    """Is that rsLoRA's scale? LoRA divides by the rank itself."""
    return x @ weight.T + alpha / len(a) ** 0.5 * (x @ a.T) @ b.T


def forward_by_columns(x, weight, a, b, alpha):
    """The rank is the number of rows of A. What did you divide by?"""
    return x @ weight.T + (alpha / a.shape[1]) * (x @ a.T) @ b.T


def forward_change_alone(x, weight, a, b, alpha):
    """Where is what the frozen weight gives?"""
    return (alpha / len(a)) * (x @ a.T) @ b.T


def gradients(gradient, a, b, scale):
    return scale * gradient @ a.T, scale * b.T @ gradient


def gradients_swapped(gradient, a, b, scale):
    """Which comes first, B's gradient or A's?"""
    return scale * b.T @ gradient, scale * gradient @ a.T


def gradients_unscaled(gradient, a, b, scale):
    """The product is multiplied by the scale. What does the chain rule say?"""
    return gradient @ a.T, b.T @ gradient


def gradients_squared_scale(gradient, a, b, scale):
    """How many times does the scale stand in s B A?"""
    return scale**2 * gradient @ a.T, scale**2 * b.T @ gradient


def gradients_without_zero(gradient, a, b, scale):
    """At LoRA's start B is zero. What is then A's gradient?"""
    return scale * gradient @ a.T, scale * torch.linalg.pinv(b) @ gradient


def gradients_negative(gradient, a, b, scale):
    """Is that the gradient or the step against it?"""
    return -scale * gradient @ a.T, -scale * b.T @ gradient


def _split(weight, rank, which):
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    root = values[which].sqrt()
    return root[:, None] * right[which], left[:, which] * root


def pissa(weight, rank):
    a, b = _split(weight, rank, slice(None, rank))
    return a, b, weight - b @ a


def pissa_keeps_the_weight(weight, rank):
    """Is the model still the same at the start? What has to be taken out of the frozen weight?"""
    a, b = _split(weight, rank, slice(None, rank))
    return a, b, weight


def pissa_values_in_b(weight, rank):
    """Are the singular values shared equally between A and B?"""
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    a, b = right[:rank], left[:, :rank] * values[:rank]
    return a, b, weight - b @ a


def pissa_twice_the_values(weight, rank):
    """What must each factor get so that the product has the singular value once?"""
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    a, b = values[:rank, None] * right[:rank], left[:, :rank] * values[:rank]
    return a, b, weight - b @ a


def pissa_without_values(weight, rank):
    """Where are the singular values?"""
    left, _, right = torch.linalg.svd(weight, full_matrices=False)
    return right[:rank], left[:, :rank], weight - left[:, :rank] @ right[:rank]


def milora(weight, rank):
    a, b = _split(weight, rank, slice(-rank, None))
    return a, b, weight - b @ a


def milora_instead(weight, rank):
    """Those are the smallest directions. Which does PiSSA take?"""
    return milora(weight, rank)


def pissa_instead(weight, rank):
    """Those are the largest directions. Which does MiLoRA take?"""
    return pissa(weight, rank)


def milora_keeps_the_weight(weight, rank):
    """Is the model still the same at the start? What has to be taken out of the frozen weight?"""
    a, b, _ = milora(weight, rank)
    return a, b, weight


def milora_without_values(weight, rank):
    """Where are the singular values?"""
    left, _, right = torch.linalg.svd(weight, full_matrices=False)
    return right[-rank:], left[:, -rank:], weight - left[:, -rank:] @ right[-rank:]


def milora_values_in_b(weight, rank):
    """Are the singular values shared equally between A and B?"""
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    a, b = right[-rank:], left[:, -rank:] * values[-rank:]
    return a, b, weight - b @ a


def adam(part, gradient, first, second, step, rates):
    first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
    move = (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    return part - rates.view(-1, 1, 1) * move, first, second


def adam_one_rate(part, gradient, first, second, step, rates):
    """Does every replica move by its own rate?"""
    new, first, second = adam(part, gradient, first, second, step, rates)
    return part - rates.mean() * (part - new) / rates.view(-1, 1, 1), first, second


def adam_uncorrected(part, gradient, first, second, step, rates):
    """Both moments start at zero. How is that made good in the first steps?"""
    first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
    return part - rates.view(-1, 1, 1) * first / (second.sqrt() + 1e-8), first, second


def adam_of_all_replicas(part, gradient, first, second, step, rates):
    """Do replicas see each other's gradients?"""
    return adam(part, gradient.mean(0, keepdim=True).expand_as(part), first, second, step, rates)


def adam_climbs(part, gradient, first, second, step, rates):
    """Does the loss fall along the gradient or against it?"""
    new, first, second = adam(part, gradient, first, second, step, rates)
    return 2 * part - new, first, second


def adam_corrects_what_it_keeps(part, gradient, first, second, step, rates):
    """Which moments are kept for the next step, the plain or the corrected ones?"""
    new, first, second = adam(part, gradient, first, second, step, rates)
    return new, first / (1 - 0.9**step), second / (1 - 0.999**step)
