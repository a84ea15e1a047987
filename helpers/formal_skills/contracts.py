"""`done_when`: what must hold in the workspace before a run may call itself completed (FairyClaw's dc_validator.py)."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from .files import inside, parse_json, schema_fault
from .models import ARGS, Rule

SECONDS, LONGEST = 30.0, 2_000  # for one command; characters of one complaint


def failed(contract: tuple[Rule, ...], workspace: Path) -> list[str]:
    """Return a sentence for every rule that does not hold in the workspace; a rule that cannot be checked fails."""
    said = []
    for rule in contract:
        try:
            fault = CHECKS[rule.type](workspace, **rule.args)
        except FileNotFoundError:
            fault = "there is no such file"
        except Exception as error:  # unreadable file, wrong kind of argument: not fulfilled, and the run goes on
            fault = f"cannot be checked: {error}"
        if fault:
            said.append(f"{rule.type} {rule.args.get('path') or rule.args.get('command')}: {fault[:LONGEST]}")
    return said


def file_exists(workspace: Path, path: str) -> str:
    return "" if inside(workspace, path).exists() else "there is no such file"


def json_parseable(workspace: Path, path: str) -> str:
    parse_json(inside(workspace, path).read_text(encoding="utf-8"))
    return ""


def json_schema(workspace: Path, path: str, schema: dict | None = None, schema_path: str | None = None) -> str:
    if schema is None:
        schema = parse_json(inside(workspace, schema_path).read_text(encoding="utf-8"))
    return schema_fault(schema, parse_json(inside(workspace, path).read_text(encoding="utf-8")), LONGEST)


def command_exit_code(workspace: Path, command: str, exit_code: int = 0) -> str:
    command = f'"{sys.executable}" {command[7:]}' if command.startswith("python ") else command
    done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True, timeout=SECONDS)
    last = (done.stdout + done.stderr).strip().splitlines()[-1:]
    return "" if done.returncode == exit_code else f"exit code {done.returncode}, expected {exit_code} {last}"


def text_contains(workspace: Path, path: str, terms: list[str], wanted: bool = True) -> str:
    text = inside(workspace, path).read_text(encoding="utf-8", errors="replace")
    wrong = [term for term in terms if (term in text) != wanted]
    return f"{'does not contain' if wanted else 'contains'} {wrong}" if wrong else ""


text_not_contains = partial(text_contains, wanted=False)
CHECKS = {name: globals()[name] for name in ARGS}
