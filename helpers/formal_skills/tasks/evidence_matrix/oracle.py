"""Scores an evidence matrix: one row a claim, with the right source and verdict, and a quotation that decides it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from helpers.formal_skills.tasks import checked

SOURCES = Path(__file__).with_name("fixtures") / "sources"
LONGEST = 100  # characters of a quotation: every sentence of the sources has fewer, and every source more
# The source, words that a deciding quotation has, the verdict.
WANTED = {"C1": ("history", "1932", "supported"), "C2": ("history", "one was ever laid", "refuted"),
          "C3": ("engineering", "486 metres", "refuted"), "C4": ("council", "repainting", "supported"),
          "C5": ("council", "30 tonnes", "refuted")}  # fmt: skip
NO_ROW = {"source": "", "quote": "", "verdict": ""}


def one_line(text: str) -> str:
    return " ".join(text.split())


def judge(text: str) -> dict[str, bool]:
    rows = json.loads(text)
    last, times = {row["claim"]: row for row in rows}, Counter(row["claim"] for row in rows)
    checks = {}
    for claim, (source, words, verdict) in WANTED.items():
        row = last[claim] if times[claim] == 1 else NO_ROW
        quote, told = one_line(str(row["quote"])), one_line((SOURCES / f"{source}.txt").read_text(encoding="utf-8"))
        decides = words in quote and quote in told and len(quote) <= LONGEST
        checks[f"{claim} verdict"] = row["verdict"] == verdict
        checks[f"{claim} quote"] = row["source"] == f"sources/{source}.txt" and decides
    return checks


def score_workspace(path: Path) -> dict:
    """Return the checks and the score of a workspace."""
    checks = checked(path / "matrix.json", judge)
    return {"checks": checks, "score": sum(checks.values()) / len(checks), "security": 1}
