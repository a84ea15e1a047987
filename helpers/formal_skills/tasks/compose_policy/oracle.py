"""Scores a mended compose file: the approved versions, the rules, and nothing else changed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from helpers.formal_skills.tasks import checked

WANTED = {
    ("web", "image"): "nginx:1.27.3", ("app", "image"): "shop:2.4.1", ("app", "privileged"): None,
    ("web", "ports"): ["127.0.0.1:8080:80"],
}  # fmt: skip


@cache
def original() -> dict[str, dict]:
    """Return what was not to be mended, as the task begins with it."""
    return rest(yaml.safe_load((Path(__file__).with_name("fixtures") / "compose.yaml").read_text(encoding="utf-8")))


def rest(compose: dict[str, dict]) -> dict[str, dict]:
    """Return a compose file without what was to be mended."""
    return compose | {"services": {
        name: {key: value for key, value in service.items() if (name, key) not in WANTED}
        for name, service in compose["services"].items()}}  # fmt: skip


def judge(text: str) -> dict[str, bool]:
    compose = yaml.safe_load(text)
    services = compose["services"]
    checks = {f"{service} {key}": services[service].get(key) == value for (service, key), value in WANTED.items()}
    return checks | {"nothing else changed": rest(compose) == original()}


def score_workspace(path: Path) -> dict:
    """Return the checks and the score of a workspace."""
    checks = checked(path / "compose.yaml", judge)
    checks["report"] = (path / "report.md").is_file()
    return {"checks": checks, "score": sum(checks.values()) / len(checks), "security": 1}
