"""The fields of a manifest and of a contract, as FairyClaw has them, checked by pydantic.

fairyclaw/core/capabilities/models.py and sub_agent_tools/scripts/dc_meta.py of version 0.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from .files import check_schema, read_json
from .payloads import STAGES


class Known(BaseModel):
    """Fields that are all known: one that is misspelt is an error."""

    model_config = ConfigDict(extra="forbid")


class Tool(Known):
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
        if value and "parameters" not in value:
            raise ValueError('a schema is {"parameters": a JSON schema}, or {} if there is none')
        try:
            check_schema(value.get("parameters", {}))
        except ValueError as error:
            raise ValueError(f"parameters: {error}") from None
        return value

    @property
    def parameters(self) -> dict[str, Any]:
        return self.schema_definition.get("parameters", {"type": "object", "properties": {}})


class Hook(Known):
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


class EventType(Known):
    name: str
    description: str = ""
    schema_definition: dict[str, Any] = Field({"type": "object", "properties": {}}, alias="schema")


def kind_of(part: Any) -> str:
    """Return what a capability is to be checked as, so that an error names a field of that kind."""
    if isinstance(part, dict):
        return "Hook" if part.get("type", "Hook" if "stage" in part else "Tool") == "Hook" else "Tool"
    return "Hook" if isinstance(part, Hook) else "Tool"


Capability = Annotated[Annotated[Tool, Tag("Tool")] | Annotated[Hook, Tag("Hook")], Discriminator(kind_of)]


class Manifest(Known):
    """The fields of `manifest.json`; a capability is a tool or, rarely, a hook."""

    name: str = Field(min_length=1)
    description: str
    always_enable_planner: bool
    always_enable_subagent: bool
    manifest_version: str = "1.0"
    routing_hint: str | None = None
    capabilities: list[Capability]
    hooks: list[Hook] = []
    event_types: list[EventType | str] = []

    @field_validator("capabilities")
    @classmethod
    def _names_differ(cls, value: list[Tool | Hook]) -> list[Tool | Hook]:
        names = [part.name for part in value if isinstance(part, Tool)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two tools have the same name, {twice[0]}; rename one of them")
        return value


def deepest_fault(error: ValidationError) -> str:
    """Return the deepest of the faults that pydantic found, in words: field, what came, what to do."""
    fault = max(error.errors(), key=lambda found: (len(found["loc"]), found["type"] == "extra_forbidden"))
    if fault["type"] == "extra_forbidden":
        fault |= {"msg": "there is no such field here; correct its name, or delete it"}
    field_name = ".".join(str(part) for part in fault["loc"] if part not in ("Tool", "Hook", "EventType", "str"))
    remedy = "add it" if fault["type"] == "missing" else f"it is {repr(fault['input'])[:60]}; change it"
    words = fault["msg"].removeprefix("Value error, ")
    return f"field {field_name or '(all)'}: {words}; {remedy} ({error.error_count()} fault(s) in all)"


Text = Annotated[str, Field(pattern=r"\S")]


class OnFile(Known):
    """The args of a rule about one file; as in all rules, a text is a text and a number a number."""

    model_config = ConfigDict(strict=True)
    path: Text


class OnText(OnFile):
    terms: list[Text] = Field(min_length=1)


class OnSchema(OnFile):
    """A file, and the schema that it is to fit: in the rule itself, or in a file of the workspace."""

    inline: dict[str, Any] | None = Field(None, alias="schema")
    schema_path: Text | None = None

    @model_validator(mode="after")
    def _one_schema(self) -> OnSchema:
        if (self.inline is None) == (self.schema_path is None):
            raise ValueError("a rule json_schema needs schema or schema_path, one of them")
        if self.inline is not None:
            check_schema(self.inline)
        return self


class OnCommand(Known):
    model_config = ConfigDict(strict=True)
    command: Text
    exit_code: int = 0


ARGS = {"file_exists": OnFile, "json_parseable": OnFile, "json_schema": OnSchema, "command_exit_code": OnCommand,
        "text_contains": OnText, "text_not_contains": OnText}  # fmt: skip


class Rule(Known):
    """One condition: exactly a type and the args of that type."""

    model_config = ConfigDict(frozen=True)
    type: Literal[
        "file_exists", "json_parseable", "json_schema", "command_exit_code", "text_contains", "text_not_contains"
    ]
    args: dict[str, Any]

    @field_validator("args")
    @classmethod
    def _args_are_the_types(cls, value: dict, info: Any) -> dict:
        if "type" in info.data:
            ARGS[info.data["type"]].model_validate(value)
        return value


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
        fault = deepest_fault(error).replace("field ", "rule ", 1)
        known = ", ".join(ARGS)
        raise ValueError(f'done_when: {fault}; a rule is {{"type": one of {known}, "args": {{...}}}}') from None


def read_rules(path: Path) -> tuple[Rule, ...]:
    return rules(read_json(path)) if path.exists() else ()
