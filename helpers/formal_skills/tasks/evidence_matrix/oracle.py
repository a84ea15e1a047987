"""Scores an evidence matrix: for each claim the right source and verdict, and a quotation that decides it."""

from __future__ import annotations

import json
from pathlib import Path

# The source, words that a deciding quotation has, the verdict.
WANTED = {"C1": ("history", "1932", "supported"), "C2": ("history", "one was ever laid", "refuted"),
          "C3": ("engineering", "486 metres", "refuted"), "C4": ("council", "repainting", "supported"),
          "C5": ("council", "30 tonnes", "refuted")}  # fmt: skip


def one_line(text: str) -> str:
    return " ".join(text.split())


def score_workspace(path: Path) -> dict:
    """Return the checks and the score of a workspace."""
    sources = Path(__file__).with_name("fixtures") / "sources"
    try:
        rows = {row["claim"]: row for row in json.loads((path / "matrix.json").read_text(encoding="utf-8"))}
        checks = {}
        for claim, (source, words, verdict) in WANTED.items():
            row = rows.get(claim, {"source": "", "quote": "", "verdict": ""})
            text, quote = one_line((sources / f"{source}.txt").read_text(encoding="utf-8")), one_line(str(row["quote"]))
            checks[f"{claim} verdict"] = row["verdict"] == verdict
            checks[f"{claim} quote"] = row["source"] == f"sources/{source}.txt" and words in quote and quote in text
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        checks = {"matrix.json can be read": False}
    return {"checks": checks, "score": sum(checks.values()) / len(checks), "security": 1}
