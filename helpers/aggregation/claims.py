"""The module's claims: what is claimed, what the paper reports, and the rule that decides, written before the numbers.

Differences are in percentage points (pp). The paper's numbers are those of `2510.01499`, Tables 2 to 6.
"""

from __future__ import annotations

from helpers.course import Claim, above, below, equals, near

_ROWS = [
    # simulated models that err independently, Table 2
    ("isp_over_majority", "ISP beats the majority on independent models (mean over K = 2, 4, 6, 8, 10; N = 4)",
     "+2.21 pp, one run", near, (2.21, 0.3), "pp"),
    ("sp_below_majority", "SP loses to the majority on the same answers", "-2.24 pp, one run",
     near, (-2.24, 0.3), "pp"),
    ("oracle_accuracy", "OW with the true accuracies reaches the optimum of Table 2", "95.13 %, one run",
     near, (95.13, 0.3), "%"),
    ("one_coin_equals_oracle", "One-coin Dawid-Skene (1979) is as good as that oracle (difference)", None,
     near, (0, 0.1), "pp"),
    ("ow_l_equals_oracle", "OW-L is as good as that oracle with 10,000 questions (difference)", None,
     near, (0, 0.1), "pp"),
    ("theorem_2_exact", "Theorem 2's two gaps hold exactly (cases in which they differ from the definition)",
     "proved", equals, (0,), "cases"),
    ("no_overturn_at_four", "With four models ISP never overturns a strict plurality (cases found)", None,
     equals, (0,), "cases"),
    ("regret_at_500", "OW-L fitted on 500 questions is within 1 pp of the oracle (K = 2, four models)", None,
     above, (-1.0,), "pp"),
    # where the assumption fails
    ("copying_breaks_ow_l", "Where two of six models copy a third half the time: lift of OW-L over the majority",
     None, below, (0,), "pp"),
    ("bias_breaks_ow_l", "Where three of six models take the first option 80 % of the time: lift of OW-L", None,
     below, (0,), "pp"),
    ("centring_cures_bias", "Centred OW-L's lift over the majority under that label bias", None, above, (0,), "pp"),
    ("centring_keeps_copying", "Centred OW-L's lift over the majority under that copying", None, below, (0,), "pp"),
    ("shared_shuffle_hurts", "A shuffle shared by the biased models against none, for ISP", None, below, (0,), "pp"),
    ("private_shuffle_cures", "A private shuffle per model against none, for OW-L", None, above, (0,), "pp"),
    ("fifty_labels_copying", "Under that copying, OW with accuracies counted on 50 labels beats the majority",
     None, above, (0,), "pp"),
    ("fifty_labels_bias", "Under that bias and a shared shuffle, OW with 50 labels beats the majority", None,
     above, (0,), "pp"),
    # recorded answers; the verdict is about the sign, the sizes stand beside it
    ("llms_isp", "29 LLMs on MMLU-Pro: ISP is ahead of the majority", "+0.69 pp, four LLMs on MMLU",
     above, (0,), "pp"),
    ("llms_ow_l", "29 LLMs on MMLU-Pro: OW-L is ahead of the majority", "+1.05 pp, four LLMs on MMLU",
     above, (0,), "pp"),
    ("llms_best_single", "29 LLMs on MMLU-Pro: OW-L is behind the best single model", "-0.65 pp, four LLMs on MMLU",
     below, (0,), "pp"),
    ("llms_ensembles", "16 strong/weak ensembles of four LLMs: OW-L is ahead of the majority (mean)",
     "+3.30 pp, 47 of 48 ensembles", above, (0,), "pp"),
    ("healthcare_ow_l", "Healthcare stand-in, every four of the classifiers: OW-L is ahead of the majority (mean)",
     "+5.45 pp, 15 of 16 ensembles", above, (0,), "pp"),
    ("council_ow_l", "Council on digits, ten options: OW-L is ahead of the majority", "+3.30 pp, 47 of 48 ensembles",
     above, (0,), "pp"),
    # the diagnosis
    ("trusted_rules", "Rules that the diagnosis trusts lose less than 3 pp to the best rule (share, unseen tables)",
     None, above, (95,), "%"),
]

CLAIMS = {name: Claim(name, "aggregation", claim, paper, rule(*numbers, unit), unit)
          for name, claim, paper, rule, numbers, unit in _ROWS}
