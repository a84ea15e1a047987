"""The module's claims: what is claimed, what the paper reports, and the rule that decides, written before the numbers.

Of `2605.19523` only the abstract could be read, so the paper's column holds its words and no figure. Five families of
models (seeds 0 to 4), joint recipe unless the claim says "two stages". Skills are measured on test images. "Chosen"
means: the setting with the best score on validation images among those that keep 95 % of the VLM's plain English.
Differences are in percentage points (pp).
"""

from __future__ import annotations

from helpers.course import Claim, above, below, equals

_EMERGENT = "induces emergent cross-modal capabilities"
_TRANSFER = "performs well in instruction-following and cross-lingual settings"
_MATHS = "struggles with mathematical reasoning"
_CLASSICS = "TA and DARE consistently achieve superior performance"
_TUNING = "these classics critically depend on their hyperparameters"

_ROWS = [
    # emergence
    ("spanish_before", "Spanish questions about images that the VLM answers before the merge", None, below, (5,), "%"),
    ("spanish_after", "What task arithmetic at scale 1 adds: at least 50 points", _EMERGENT, above, (50,), "pp"),
    # scenarios
    ("format_over_maths", "Answer formats transfer better than maths in two steps", _MATHS, above, (0,), "pp"),
    ("spanish_over_maths", "Spanish transfers better than maths in two steps", _MATHS, above, (0,), "pp"),
    ("formats_work", "Answer formats: chosen task arithmetic is right on at least 80 %", _TRANSFER, above, (80,), "%"),
    ("spanish_works", "Spanish: chosen task arithmetic is right on at least 80 %", _TRANSFER, above, (80,), "%"),
    ("maths_lost_on_images", "What the merged model loses from text to image, two-step maths against Spanish", None,
     above, (0,), "pp"),
    ("norm_matched", "A Spanish expert trained on until its task vector is as long as the two-step expert's is still "
     "ahead of it", None, above, (0,), "pp"),
    ("cascade_over_merge", "Reading the digit, then asking the two-step expert, beats the merge", None, above, (0,),
     "pp"),
    # merging against the graft
    ("skill_over_graft", "Merging is ahead of the graft in skill (mean of four)", None, above, (0,), "pp"),
    ("english_over_graft", "Merging is ahead of the graft in English kept", None, above, (0,), "pp"),
    ("skill_over_graft_two_stage", "The same in skill, VLM trained in two stages", None, above, (0,), "pp"),
    ("english_over_graft_two_stage", "The same in English kept, VLM trained in two stages", None, above, (0,), "pp"),
    # methods
    ("classics_over_others", "TA and DARE are ahead of the mean of the other methods in chosen skill", _CLASSICS,
     above, (0,), "pp"),
    ("classics_over_others_frontier", "The same for the area under the frontier of skill and kept English", _CLASSICS,
     above, (0,), "pp"),
    ("rivals_ahead", "Methods ahead of TA for sure (paired 95 % interval over seeds)", _CLASSICS, equals, (0,),
     "methods"),
    ("rivals_behind", "Methods behind TA for sure: more than half of those that could be judged", _CLASSICS,
     above, (50,), "%"),
    ("dare_below_ta", "DARE with half of the entries dropped is behind TA at the same scale", None, below, (0,), "pp"),
    # scale and density
    ("half_scale_loses", "Half of the best scale loses at least 20 points", _TUNING, above, (20,), "pp"),
    ("scale_one_regret", "Scale 1, untuned, is within 5 points of the chosen scale", None, below, (5,), "pp"),
    ("norm_rule_over_one", "A scale set by the task vectors' norms (fitted on the other skills) loses less than scale "
     "1 does", None, below, (0,), "pp"),
    ("dropping_lowers_scale", "With nine in ten entries dropped, DARE's best scale is smaller than TA's", None,
     below, (0,), ""),
    # where the skill lives
    ("formats_live_early", "Answer formats: layers 1 and 2 carry more than layers 2 and 3", None, above, (0,), "pp"),
    ("spanish_lives_late", "Spanish: layers 2, 3 and head carry more than layers 1 and 2", None, above, (0,), "pp"),
    ("nothing_in_embeddings", "Embeddings and head alone give less than 5 % of answers right (mean of three skills)",
     None, below, (5,), "%"),
    ("mlp_over_attention", "Merging only MLPs gives more than merging only attention (mean of three skills)", None,
     above, (0,), "pp"),
    # two experts
    ("two_experts_interfere", "A second expert at the same scale costs the first skill", None, below, (0,), "pp"),
    ("ties_for_two", "TIES is ahead of task arithmetic with two experts (both chosen)", None, above, (0,), "pp"),
    # where it breaks
    ("other_base", "Spanish from an expert with another base: right answers", None, below, (5,), "%"),
    ("foreign_vector", "The same with that expert's own task vector (its weights minus its own base's): right answers",
     None, below, (5,), "%"),
    ("other_base_english", "What that merge does to plain English", None, below, (0,), "pp"),
    ("other_vocabulary", "Spanish from an expert whose tokens are numbered in another order, merged row by row: right "
     "answers", None, below, (5,), "%"),
    ("base_check_errors", "Experts whose base is misjudged by the check on weights", None, equals, (0,), "experts"),
]

CLAIMS = {name: Claim(name, "skill_injection", claim, paper, rule(*numbers, unit), unit)
          for name, claim, paper, rule, numbers, unit in _ROWS}
