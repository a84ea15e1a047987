"""Scores a mended compose file: the approved versions, the rules, and nothing else changed."""

from __future__ import annotations

from pathlib import Path

import yaml

WANTED = {
    ("web", "image"): "nginx:1.27.3", ("app", "image"): "shop:2.4.1", ("app", "privileged"): None,
    ("web", "ports"): ["127.0.0.1:8080:80"],
}  # fmt: skip


def score_workspace(path: Path) -> dict:
    """Return the checks and the score of a workspace."""
    try:
        services = yaml.safe_load((path / "compose.yaml").read_text(encoding="utf-8"))["services"]
        before = yaml.safe_load((Path(__file__).with_name("fixtures") / "compose.yaml").read_text())["services"]
        checks = {f"{service} {key}": services[service].get(key) == value for (service, key), value in WANTED.items()}
        rest = {name: {key: value for key, value in service.items() if (name, key) not in WANTED}
                for name, service in services.items()}  # fmt: skip
        kept = {name: {key: value for key, value in service.items() if (name, key) not in WANTED}
                for name, service in before.items()}  # fmt: skip
        checks["nothing else changed"] = rest == kept
    except (OSError, yaml.YAMLError, KeyError, AttributeError, TypeError):
        checks = {"compose.yaml can be read": False}
    checks["report"] = (path / "report.md").is_file()
    return {"checks": checks, "score": sum(checks.values()) / len(checks), "security": 1}
