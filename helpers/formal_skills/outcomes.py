"""What comes of a hook's output and of a call's arguments, once both have been looked at."""

from __future__ import annotations

from dataclasses import is_dataclass
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from . import payloads
from .files import parse_json, schema_fault
from .models import deepest_fault
from .payloads import HookStageOutput, Verdict

ALLOW = Verdict()
STRICT = ConfigDict(strict=True, revalidate_instances="always", arbitrary_types_allowed=True)
for kind in (payloads.LlmToolCallRequest, payloads.LlmFunctionToolSpec, payloads.LlmChatMessage,
             payloads.LlmTurnContext):  # fmt: skip
    kind.__pydantic_config__ = STRICT


@lru_cache
def checkers(kind: type) -> dict[str, TypeAdapter]:
    """Return what checks each field of a payload."""
    return {name: TypeAdapter(hint, config=None if is_dataclass(hint) else STRICT)
            for name, hint in get_type_hints(kind).items()}  # fmt: skip


def outcome(output: Any, payload: Any) -> tuple[Any, Verdict]:
    """Return the payload and the verdict after a hook; TypeError or ValueError says what is wrong with its output."""
    if output is None:
        return payload, ALLOW
    if not isinstance(output, HookStageOutput):
        raise TypeError(f"a hook returns None, patch(...) or deny(...), not {type(output).__name__}")
    verdict, patched = output.verdict, output.patched_payload
    if not isinstance(verdict, Verdict) or verdict.kind not in ("allow", "deny", "finish"):
        raise TypeError(f"a verdict is Verdict('allow'), 'deny' or 'finish', not {verdict!r}")
    if patched is None or patched is payload:
        return payload, verdict
    if type(patched) is not type(payload):
        raise TypeError(f"a patched payload is a {type(payload).__name__}, not a {type(patched).__name__}")
    for name, check in checkers(type(payload)).items():
        if getattr(patched, name) is not getattr(payload, name):
            try:
                check.validate_python(getattr(patched, name))
            except ValidationError as error:
                raise ValueError(f"the patched payload's {name}: {deepest_fault(error)}") from None
    return payloads.sealed(patched), verdict


def misfit(name: str, text: str, schema: dict[str, Any] | None) -> str:
    """Return why a call's arguments can not be used, "" if they can; without a schema they need only be JSON."""
    try:
        arguments = parse_json(text)
    except (ValueError, RecursionError) as error:
        return f"the arguments of {name} are not JSON ({error}); send one JSON object"
    fault = schema_fault(schema, arguments) if schema else ""
    return f"{name}'s arguments do not fit: {fault}" if fault else ""
