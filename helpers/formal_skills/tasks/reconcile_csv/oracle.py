"""Scores a reconciliation: the four differences, each once, in the form that was asked for."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.formal_skills.tasks import checked

WANTED = {"R103": ("amount", 9.0), "R105": ("missing_in_books", 33.3), "R106": ("missing_in_bank", -75.0),
          "R107": ("amount", 9.0)}  # fmt: skip


def judge(text: str) -> dict[str, bool]:
    rows = json.loads(text)
    found = {row["reference"]: (row["kind"], row["amount"]) for row in rows}
    checks = {reference: found.get(reference) == wanted for reference, wanted in WANTED.items()}
    return checks | {"nothing else, nothing twice": len(rows) == len(found) and set(found) <= set(WANTED)}


def score_workspace(path: Path) -> dict:
    """Return the checks and the score of a workspace."""
    checks = checked(path / "differences.json", judge)
    checks["report"] = (path / "report.md").is_file()
    return {"checks": checks, "score": sum(checks.values()) / len(checks), "security": 1}
