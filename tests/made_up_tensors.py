"""Names, shapes and dtypes of a made-up language model and a VLM, and their plan, for tests without tensors."""

from __future__ import annotations

from helpers.skill_injection.pairing import plan_pairs


def language(rows=8, head=True, dtype="F32", prefix="model.", lm_head="lm_head."):
    """Name -> (shape, dtype) of a language model with one layer."""
    shapes = {f"{prefix}embed_tokens.weight": (rows, 4), f"{prefix}layers.0.mlp.up_proj.weight": (6, 4),
              f"{prefix}layers.0.self_attn.q_proj.weight": (4, 4), f"{prefix}norm.weight": (4,)}  # fmt: skip
    shapes |= {f"{lm_head}weight": (rows, 4)} if head else {}
    return {name: (shape, dtype) for name, shape in shapes.items()}


def vision_language(rows=8, head=True, dtype="F32"):
    """Name -> (shape, dtype) of a VLM as LLaVA's files name it."""
    return language(rows, head, dtype, "language_model.model.", "language_model.lm_head.") | {
        "vision_tower.embeddings.patch_embedding.weight": ((4, 3, 2, 2), dtype),
        "vision_tower.embeddings.position_ids": ((1, 5), "I64"),
        "multi_modal_projector.linear_1.weight": ((4, 4), dtype),
    }


def words(count, *added):
    return {token: row for row, token in enumerate([*(f"w{row}" for row in range(count)), *added])}


def plan(vlm=None, base=None, expert=None, **settings):
    """Pairs by the VLM's name, models with 8 rows unless given."""
    pairs = plan_pairs(vlm or vision_language(), base or language(), expert or language(), **settings)
    return {pair.vlm: pair for pair in pairs}
