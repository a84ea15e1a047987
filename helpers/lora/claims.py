"""The module's claims: what is claimed, what the paper reports, and the rule that decides, written before the numbers.

Of 2602.04998 the abstract, figures and code could be read, not the text. Its figures are those of Qwen3-0.6B on maths
(rank 128, batch 64) unless the claim says otherwise. Ours: exact matches on six new pairs of commands (tasks.py), rank
8, batch 16, 240 steps, five seeds; the task and its length were chosen by looking at vanilla LoRA alone. A method's
best rate is the one with most exact matches on validation words, for each seed by itself; test words score it. A ratio
of rates is averaged as a logarithm. pp: percentage points.
"""

from __future__ import annotations

from helpers.course import Claim, above, below, equals, near

_ROWS = [
    # each variant has its own rate
    ("rates_differ", "Largest over smallest best rate among the paper's ten methods", "32 times", above, (3,), "times"),
    ("pissa_rate", "LoRA's best rate over PiSSA's", "10 times; 1.8 to 3.2 on Gemma-3-1B", above, (1.5,), "times"),
    ("olora_rate", "LoRA's best rate over OLoRA's", "17.8 times", above, (1.5,), "times"),
    ("lora_ga_rate", "LoRA's best rate over LoRA-GA's", "17.8 times", above, (1.5,), "times"),
    ("milora_rate", "LoRA's best rate over MiLoRA's", "3.2 times", above, (1,), "times"),
    ("init_ab_rate", "LoRA's best rate over Init[AB]'s", "1.8 times", above, (1,), "times"),
    ("trap_for_pissa", "At LoRA's best rate LoRA is ahead of PiSSA by more than 2 points", "+5.8 pp", above, (2,),
     "pp"),
    ("trap_for_lora", "At PiSSA's best rate PiSSA is ahead of LoRA by more than 1 point", "+1.1 pp", above, (1,), "pp"),
    # tuned, they agree
    ("peaks_agree", "Best minus worst of the ten, each at its own best rate, is below 2 points", "0.84 pp", below, (2,),
     "pp"),
    ("peaks_agree_starts", "The same among the six that differ in their start alone", "0.82 pp", below, (2,), "pp"),
    ("fixed_rate_spread", "Best minus worst of the ten at LoRA's best rate, above 5 points", None, above, (5,), "pp"),
    # rank, batch, length
    ("rank_slope", "Best rate of LoRA against the rank, alpha = rank: exponent below 0", "-0.42", below, (0,), ""),
    ("rank_slope_constant", "The same with constant alpha: exponent within .15 of 0", None, near, (0, 0.15), ""),
    ("batch_slope", "Best rate of LoRA against the batch size, equal number of examples: exponent above 0", "0.83",
     above, (0,), ""),
    ("length_slope", "Best rate of LoRA against the number of steps: exponent below 0", "-0.26", below, (0,), ""),
    ("rank_helps", "Rank 64 is ahead of rank 4, both at their best rates", "+6.7 pp on Gemma-3-1B", above, (0,), "pp"),
    # curvature
    ("curvature_slope", "Best rate against lambda_max over six starts: exponent below 0", "-0.66", below, (0,), ""),
    ("curvature_inverse", "That exponent is within .2 of -1, as eta proportional to 1/lambda says",
     "claims -1, its figures give -0.66", near, (-1, 0.2), ""),
    ("saddle", "Vanilla LoRA: modules in which lambda_max is below the gradient's largest singular value", None, equals,
     (0,), "modules"),
    ("real_pissa", "SmolLM2-135M: lambda_max of PiSSA over LoRA's, median of query projections, above 3", "12 times",
     above, (3,), "times"),
    ("real_olora", "SmolLM2-135M: lambda_max of OLoRA over PiSSA's, queries", "4.9 times", above, (1,), "times"),
    ("real_lora_ga", "SmolLM2-135M: lambda_max of LoRA-GA over PiSSA's, queries", "5 times", above, (1,), "times"),
    ("real_milora_keys", "SmolLM2-135M: lambda_max of MiLoRA over LoRA's, keys, below 1", "0.77 times", below, (1,),
     "times"),
    # a real model
    ("real_low_rate", "SmolLM2-135M: at the lowest rate PiSSA's test loss is below LoRA's", 
     "at low rates PiSSA is ahead", below, (0,), "nats"),
    ("real_high_rate", "SmolLM2-135M: at the highest rate LoRA's test loss is below PiSSA's",
     "at high rates LoRA is ahead", above, (0,), "nats"),
    ("real_peaks", "SmolLM2-135M: tuned test losses of LoRA and PiSSA differ by less than 2 %", "0.3 % in accuracy",
     below, (2,), "%"),
]

CLAIMS = {name: Claim(name, "lora", claim, paper, rule(*numbers, unit), unit)
          for name, claim, paper, rule, numbers, unit in _ROWS}
