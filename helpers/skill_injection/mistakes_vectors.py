"""References and typical wrong answers to the exercises on task vectors, injection and DARE.

The docstring of a wrong answer is what the learner reads; functions without such a question are references.
"""

from __future__ import annotations

import torch


def difference(base, expert):
    return {name: expert[name] - base[name] for name in base}


def backwards(base, expert):
    """Which way does the arrow point: from the base to the expert, or back?"""
    return {name: base[name] - expert[name] for name in base}


def expert_itself(base, expert):
    """Is that what training changed, or where it ended?"""
    return {name: expert[name].clone() for name in base}


def matrices_alone(base, expert):
    """Did training change only matrices? Where are the tensors with one dimension?"""
    return {name: expert[name] - base[name] for name in base if expert[name].dim() == 2}


def relative(base, expert):
    """Why divide by the base's weights? What do you get when you add that to another model?"""
    return {name: (expert[name] - base[name]) / base[name] for name in base}


def unit_length(base, expert):
    """Did you scale the vector to length 1? Its length says how far training went."""
    vector = difference(base, expert)
    size = sum(delta.square().sum() for delta in vector.values()).sqrt()
    return {name: delta / size for name, delta in vector.items()}


def inside(name):
    return name.replace("model.", "model.language_model.", 1)


def injected(base, vlm, experts, scales):
    merged = dict(vlm)
    for name in base:
        start = vlm[inside(name)]
        change = sum(scale * (expert[name].float() - base[name].float()) for expert, scale in zip(experts, scales))
        merged[inside(name)] = (start.float() + change).to(start.dtype)
    return merged


def onto_the_base(base, vlm, experts, scales):
    """To which model did you add the change? Where is what the VLM learnt when it learnt to see?"""
    return dict(vlm) | {inside(name): (base[name].float() + sum(
        scale * (expert[name].float() - base[name].float()) for expert, scale in zip(experts, scales))
    ).to(vlm[inside(name)].dtype) for name in base}


def mixed(base, vlm, experts, scales):
    """Is that a mixture of the VLM and the experts? What happens to the VLM's weights when a scale is 1?"""
    rest = 1 - sum(scales)
    return dict(vlm) | {inside(name): (rest * vlm[inside(name)].float() + sum(
        scale * expert[name].float() for expert, scale in zip(experts, scales))).to(vlm[inside(name)].dtype)
        for name in base}


def whole_experts(base, vlm, experts, scales):
    """Did you add the experts whole? Which part of them does the VLM have already?"""
    return dict(vlm) | {inside(name): (vlm[inside(name)].float() + sum(
        scale * expert[name].float() for expert, scale in zip(experts, scales))).to(vlm[inside(name)].dtype)
        for name in base}


def without_eyes(base, vlm, experts, scales):
    """Where are the vision tower and the projector?"""
    merged = injected(base, vlm, experts, scales)
    return {inside(name): merged[inside(name)] for name in base}


def without_head(base, vlm, experts, scales):
    """Did the head get its share? Its name has no prefix to replace."""
    merged = injected(base, vlm, experts, scales)
    return merged | {name: vlm[name] for name in vlm if name.startswith("lm_head")}


def averaged(base, vlm, experts, scales):
    """Why divide by the number of experts? Each has a scale of its own."""
    return injected(base, vlm, experts, [scale / len(scales) for scale in scales])


def pruned(tensor, keep, draws, rescale=True):
    kept = torch.where(draws < keep, tensor, 0.0)
    kept = kept / keep if rescale else kept
    return kept, float((kept * tensor).sum() / tensor.square().sum())


def as_shipped(tensor, keep, draws, rescale=True):
    """What does torch.div return, and who keeps it?"""
    kept = torch.where(draws < keep, tensor, 0.0)
    return kept, float((kept * tensor).sum() / tensor.square().sum())


def rescaled_always(tensor, keep, draws, rescale=True):
    """What if the caller asks for rescale=False?"""
    kept = torch.where(draws < keep, tensor, 0.0) / keep
    return kept, float((kept * tensor).sum() / tensor.square().sum())


def rescaled_by_dropped(tensor, keep, draws, rescale=True):
    """Is keep the share that stays or the share that goes? By which of them do you divide?"""
    kept = torch.where(draws < keep, tensor, 0.0)
    kept = kept / (1 - keep) if rescale and keep < 1 else kept
    return kept, float((kept * tensor).sum() / tensor.square().sum())


def drops_what_it_should_keep(tensor, keep, draws, rescale=True):
    """How many entries stay when keep is .9? Look at the comparison."""
    kept = torch.where(draws >= keep, tensor, 0.0)
    kept = kept / keep if rescale else kept
    return kept, float((kept * tensor).sum() / tensor.square().sum())


def length_ratio(tensor, keep, draws, rescale=True):
    """Is that the ratio of lengths? Noise makes a vector longer; how much of it points along the tensor?"""
    kept = torch.where(draws < keep, tensor, 0.0)
    kept = kept / keep if rescale else kept
    return kept, float(kept.norm() / tensor.norm())


def noise(delta, density):
    return float(delta.square().sum() * (1 - density) / density)


def noise_upside_down(delta, density):
    """What is the noise when everything is kept? And when almost nothing is?"""
    return float(delta.square().sum() * density / (1 - density))


def noise_without_rescale(delta, density):
    """Is that the loss of what was dropped? The entries that stay are enlarged, and err too."""
    return float(delta.square().sum() * (1 - density))


def noise_of_second_moment(delta, density):
    """Is that the mean of the squared draw? Subtract the square of its mean."""
    return float(delta.square().sum() / density)


def noise_as_length(delta, density):
    """A length or a squared length?"""
    return noise(delta, density) ** 0.5


def noise_per_entry(delta, density):
    """Did you take the mean over entries where the sum is asked for?"""
    return noise(delta, density) / delta.numel()
