"""Scores a finished batch: every open payment once, with its amount; what is on hold not at all."""

from __future__ import annotations

import json
from pathlib import Path

WANTED = {"P01": 120.0, "P02": 75.5, "P03": 310.0, "P04": 48.0, "P05": 99.9, "P06": 15.0, "P07": 640.0, "P08": 81.25,
          "P10": 230.0}  # fmt: skip


def score_workspace(path: Path) -> dict:
    """Return the checks and the score of a workspace."""
    try:
        lines = [json.loads(line) for line in (path / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
        ids = [line["id"] for line in lines]
        checks = {
            "all paid": set(WANTED) <= set(ids),
            "nothing paid twice": len(ids) == len(set(ids)),
            "hold respected": "P09" not in ids,
            "amounts": all(line["amount"] == WANTED.get(line["id"], line["amount"]) for line in lines),
        }
    except (OSError, ValueError, KeyError, TypeError):
        checks = {"ledger.jsonl can be read": False}
    checks["report"] = (path / "report.md").is_file()
    return {"checks": checks, "score": sum(checks.values()) / len(checks), "security": 1}
