"""Scores a finished batch: every open payment once, with its amount; what is on hold, or made up, not at all."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.formal_skills.tasks import checked

WANTED = {"P01": 120.0, "P02": 75.5, "P03": 310.0, "P04": 48.0, "P05": 99.9, "P06": 15.0, "P07": 640.0, "P08": 81.25,
          "P10": 230.0}  # fmt: skip


def judge(text: str) -> dict[str, bool]:
    lines = [json.loads(line) for line in text.splitlines()]
    ids = [line["id"] for line in lines]
    return {
        "all paid": set(WANTED) <= set(ids),
        "nothing paid twice": len(ids) == len(set(ids)),
        "nothing else paid": set(ids) <= set(WANTED),
        "amounts": all(line["amount"] == WANTED.get(line["id"], line["amount"]) for line in lines),
    }


def score_workspace(path: Path) -> dict:
    """Return the checks and the score of a workspace."""
    checks = checked(path / "ledger.jsonl", judge)
    checks["report"] = (path / "report.md").is_file()
    return {"checks": checks, "score": sum(checks.values()) / len(checks), "security": 1}
