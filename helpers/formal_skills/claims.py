"""The module's claims: what is claimed, what the paper reports, and the rule that decides, written before the numbers.

Of 2605.19604 the abstract could be read, and digests of its figures; it has no ablation, and compares whole
harnesses, so that its scores stand beside none of ours. Ours: six tasks, a driver that knows the way and strays from
it with probability p (`sloppy.py`), 20 seeds that no trial had used. A first trial on four other seeds had shown the
contract ahead of all else; the rules were written after it and before these runs. A seed's figure is the mean over
tasks, and over p from .1 to .5 unless the claim names p. Score is the oracle's, 0 to 100.

The claims with "asked" in their names were added after a reader's trial on ten of the seeds had shown that a contract
which never holds and names nothing does as well as the real one. Their rules are what we had believed until then.
Then came those of a driver that reads complaints, and those with one kind of lapse only, each guessed before the first
run of its grid. "guard_alone" came last, after a reader had seen it at p = .5 with the driver that reads; its rule was
written before these runs.
"""

from __future__ import annotations

from helpers.course import Claim, above, below, equals

_ROWS = [
    # what enforcement buys
    ("formal_score", "Formal is ahead of Markdown, which this driver does not read, with equal tools, by over 10 pp",
     None, above, (10,), "pp"),
    ("formal_flat", "At p = .5 Formal keeps more than 80 % of its score at p = 0", None, above, (80,), "%"),
    ("leaks", "Runs in which the customers' data left, Formal", None, equals, (0,), "runs"),
    ("contract", "Without its contract Formal loses more than without the part that counts next", None, above, (0,),
     "pp"),
    ("guard", "Formal is ahead of Formal without its guard", None, above, (0,), "pp"),
    ("guard_alone", "The guard adds more where there are no phases than where there are", None, above, (0,), "pp"),
    ("phases", "Formal is ahead of Formal without its phases", None, above, (0,), "pp"),
    ("arguments", "Formal is ahead of Formal that does not check arguments", None, above, (0,), "pp"),
    ("asking", "Formal is ahead of Formal that only hides tools, and refuses no call for that or its arguments", None,
     above, (0,), "pp"),
    ("asked_contract", "Formal is ahead of Formal that, in place of its contract, is only asked again, whatever it did",
     None, above, (0,), "pp"),
    ("asked_bare", "The tools alone gain nothing from being asked again: less than 5 points", None, below, (5,), "pp"),
    ("false_done", "Of Formal's runs at p = .5 that end as completed, the share that is not fully right is below 10 %",
     None, below, (10,), "%"),
    ("learned_score", "The same lead over Markdown with a driver that learnt from traces, above 10 points", None, above,
     (10,), "pp"),
    ("learned_contract", "That driver: without its contract Formal loses more than without the part that counts next",
     None, above, (0,), "pp"),
    ("asked_learned", "That driver: Formal is ahead of Formal that is only asked again", None, above, (0,), "pp"),
    ("reads_score", "A literal driver, which does again only what a complaint names: a lead over Markdown above 10 "
     "points", None, above, (10,), "pp"),
    ("reads_contract", "The literal driver: Formal is ahead of Formal that is only asked again, by over 10 points",
     None, above, (10,), "pp"),
    ("reads_order", "The literal driver: without its contract Formal loses more than without the part that counts "
     "next", None, above, (0,), "pp"),
    # each part and the lapse that it is there for: p = .5, a literal driver that has this lapse only
    ("lapse_claim", "Saying \"done\" too early: rules add less than 5 points to being asked again", None, below, (5,),
     "pp"),
    ("lapse_skip", "Leaving steps out: rules add over 10 points to being asked again", None, above, (10,), "pp"),
    ("lapse_cheat", "Cheating: Formal is ahead of Formal without its guard", None, above, (0,), "pp"),
    ("lapse_hidden", "Calling what is not offered: Formal is ahead of Formal without its phases", None, above, (0,),
     "pp"),
    ("lapse_garble", "Broken arguments: Formal is ahead of Formal that does not check them", None, above, (0,), "pp"),
    ("lapse_wrong", "Plausible and wrong work: Formal is ahead of the tools alone by less than 5 points", None, below,
     (5,), "pp"),
    # what it costs
    ("tokens_markdown", "The sign: Formal saves tokens against Markdown with the same tools, p = 0 (tasks as seeds)",
     "about 48 % below the mean of five harnesses", above, (0,), "%"),
    ("tokens_bare", "Tokens that Formal saves against the tools alone, p = 0 (tasks as seeds)", None, above, (0,), "%"),
    ("uncached", "Tokens outside the cached prefix, Formal over Markdown, p = 0 (tasks as seeds)", None, above, (1,),
     "times"),
    ("per_success", "Tokens for each fully right run at p = .3, Formal over Markdown", None, below, (1,), "times"),
]  # fmt: skip

LATE = dict.fromkeys(("asked_contract", "asked_bare", "asked_learned", "guard_alone"), " (rule written after a trial)")
CLAIMS = {name: Claim(name, "formal_skills", claim + LATE.get(name, ""), paper, rule(*numbers, unit), unit)
          for name, claim, paper, rule, numbers, unit in _ROWS}  # fmt: skip
