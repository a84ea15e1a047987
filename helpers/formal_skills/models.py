"""The fields of a manifest and of a contract, as FairyClaw has them, checked by pydantic.

fairyclaw/core/capabilities/models.py and sub_agent_tools/scripts/dc_meta.py of version 0.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from .files import read_json
from .payloads import STAGES


class Tool(BaseModel):
    """One action: what the model reads (name, description, schema) and the script that does it."""

    model_config = ConfigDict(populate_by_name=True)
    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")
    description: str
    type: Literal["Tool"] = "Tool"
    schema_definition: dict[str, Any] = Field(alias="schema")
    script: str
    record_event: bool = True

    @field_validator("schema_definition")
    @classmethod
    def _schema_is_valid(cls, value: dict) -> dict:
        try:
            jsonschema.Draft202012Validator.check_schema(value.get("parameters", {}))
        except jsonschema.SchemaError as error:
            raise ValueError(f"parameters is no JSON schema: {error.message}") from None
        return value

    @property
    def parameters(self) -> dict[str, Any]:
        return self.schema_definition.get("parameters", {"type": "object", "properties": {}})


class Hook(BaseModel):
    """One script that is called at a stage of every turn: low priorities first, ties by name."""

    name: str
    stage: str
    script: str
    type: Literal["Hook"] = "Hook"
    description: str = ""
    priority: int = 100
    enabled: bool = True
    timeout_ms: int = Field(300, ge=1)
    on_error: Literal["continue", "fail", "warn"] = "continue"
    config: dict[str, Any] = {}

    @field_validator("stage")
    @classmethod
    def _stage_is_known(cls, value: str) -> str:
        if value not in STAGES and not value.startswith("event:"):
            raise ValueError(f"a stage is one of {', '.join(STAGES)}, or event:NAME")
        return value


class EventType(BaseModel):
    name: str
    description: str = ""
    schema_definition: dict[str, Any] = Field({"type": "object", "properties": {}}, alias="schema")


class Manifest(BaseModel):
    """The fields of `manifest.json`; a capability is a tool or, rarely, a hook."""

    name: str = Field(min_length=1)
    description: str
    always_enable_planner: bool
    always_enable_subagent: bool
    manifest_version: str = "1.0"
    routing_hint: str | None = None
    capabilities: list[Tool | Hook]
    hooks: list[Hook] = []
    event_types: list[EventType | str] = []

    @field_validator("capabilities")
    @classmethod
    def _names_differ(cls, value: list[Tool | Hook]) -> list[Tool | Hook]:
        names = [part.name for part in value if isinstance(part, Tool)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two tools have the same name, {twice[0]}; rename one of them")
        return value


def first_fault(error: ValidationError) -> str:
    """Return the first fault that pydantic found, as field, what came, and what to do."""
    fault = min(error.errors(), key=lambda found: (len(error.errors()) > 1, -len(found["loc"])))
    field_name = ".".join(str(part) for part in fault["loc"] if part not in ("Tool", "Hook", "EventType", "str"))
    remedy = "add it" if fault["type"] == "missing" else f"it is {str(fault['input'])[:60]!r}; change it"
    return f"field {field_name or '(all)'}: {fault['msg']}; {remedy} ({error.error_count()} fault(s) in all)"


NEEDS = {"file_exists": {"path"}, "json_parseable": {"path"}, "json_schema": {"path"}, "command_exit_code": {"command"},
         "text_contains": {"path", "terms"}, "text_not_contains": {"path", "terms"}}  # fmt: skip


class Rule(BaseModel):
    """One condition: exactly a type and its args."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal[
        "file_exists", "json_parseable", "json_schema", "command_exit_code", "text_contains", "text_not_contains"
    ]
    args: dict[str, Any]

    def model_post_init(self, _) -> None:
        if missing := NEEDS[self.type] - set(self.args):
            raise ValueError(f"a rule {self.type} needs {', '.join(sorted(missing))} in its args")


@dataclass(frozen=True)
class Task:
    """What a run is asked for: the prompt, and rules that must hold at its end."""

    prompt: str
    done_when: tuple[Rule, ...] = ()


def rules(raw: Any) -> tuple[Rule, ...]:
    """Return the rules of a contract, or raise a ValueError that names the rule, the field and what to do."""
    try:
        return tuple(TypeAdapter(list[Rule]).validate_python(raw))
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise ValueError(f"done_when, rule {place or '(all)'}: {fault['msg']}; a rule is "
                         f'{{"type": one of {", ".join(NEEDS)}, "args": {{...}}}}') from None  # fmt: skip


def read_rules(path: Path) -> tuple[Rule, ...]:
    return rules(read_json(path)) if path.is_file() else ()
