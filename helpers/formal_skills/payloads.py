"""What passes between the runtime and a skill's scripts: the typed payloads of the five hook stages, and the verdicts.

Names and fields are those of FairyClaw 0.2.4 (fairyclaw/core/agent/hooks/protocol.py), so that its skills run here; a
`Verdict` is ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

P = TypeVar("P")
JsonObject = dict[str, Any]


class HookStage(StrEnum):
    TOOLS_PREPARED = "tools_prepared"
    BEFORE_LLM_CALL = "before_llm_call"
    AFTER_LLM_RESPONSE = "after_llm_response"
    BEFORE_TOOL_CALL = "before_tool_call"
    AFTER_TOOL_CALL = "after_tool_call"


STAGES = tuple(stage.value for stage in HookStage)


class HookStatus(StrEnum):
    OK = "ok"
    SKIP = "skip"
    ERROR = "error"


class Sealed(list):
    """A list of a payload: a hook that wants another one hands it on with `patch`, where it is checked."""

    def __reduce_ex__(self, _: Any) -> tuple:
        return list, (list(self),)  # a copy is the hook's own

    def _refuse(self, *_: Any, **__: Any) -> None:
        raise TypeError("the lists of a payload stay as they are; return patch(payload, ...) with a new one")

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse


@dataclass(frozen=True)
class LlmToolCallRequest:
    """One call that the driver asks for; the arguments are the text that the driver wrote."""

    call_id: str
    name: str
    arguments_json: str

    def to_openai_tool_call(self) -> JsonObject:
        return {"id": self.call_id, "type": "function",
                "function": {"name": self.name, "arguments": self.arguments_json}}  # fmt: skip


@dataclass(frozen=True)
class LlmFunctionToolSpec:
    """One tool as the driver sees it; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: JsonObject

    def to_openai_tool(self) -> JsonObject:
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


@dataclass(frozen=True)
class LlmChatMessage:
    """One message of the conversation, in the form that chat models take."""

    role: str
    content: Any = None
    tool_calls: list[LlmToolCallRequest] | None = None
    tool_call_id: str | None = None
    name: str | None = None

    def to_openai_message(self) -> JsonObject:
        message: JsonObject = {"role": self.role, "content": self.content or ""}
        if self.tool_calls:
            message["tool_calls"] = [call.to_openai_tool_call() for call in self.tool_calls]
        if self.tool_call_id:
            message["tool_call_id"] = self.tool_call_id
        return message

    @cached_property
    def text(self) -> str:
        """The message as it is counted, JSON: a run counts each of its messages again at every turn."""
        return json.dumps(self.to_openai_message())


@dataclass
class HookExecutionContext:
    """What every hook may know about the run."""

    session_id: str
    turn_id: str
    task_type: str = "general"
    is_sub_session: bool = True
    enabled_groups: list[str] = field(default_factory=list)
    always_enabled_groups: list[str] = field(default_factory=list)
    llm_profile: str = "general"
    token_budget: int | None = None
    time_budget_ms: int | None = None
    metadata: JsonObject = field(default_factory=dict)
    state: JsonObject = field(default_factory=dict)  # ours: the run's skill-local state, shared by its hooks and tools


@dataclass(frozen=True)
class LlmTurnContext:
    llm_messages: list[LlmChatMessage]
    history_items: list
    user_turn: Any
    session_id: str
    task_type: str
    is_sub_session: bool


@dataclass(frozen=True)
class ToolsPreparedHookPayload:
    session_id: str
    task_type: str
    is_sub_session: bool
    enabled_groups: list[str]
    tools: list[LlmFunctionToolSpec]


@dataclass(frozen=True)
class BeforeLlmCallHookPayload:
    turn: LlmTurnContext
    tools: list[LlmFunctionToolSpec]
    token_budget: int | None = None
    force_finish: bool = False
    force_finish_reason: str | None = None

    def saying(self, text: str) -> BeforeLlmCallHookPayload:
        """Return the payload with a system message at the end, for this call of the driver alone; "" adds none."""
        messages = Sealed([*self.turn.llm_messages, *([LlmChatMessage("system", text)] if text else [])])
        return replace(self, turn=replace(self.turn, llm_messages=messages))


@dataclass(frozen=True)
class AfterLlmResponseHookPayload:
    session_id: str
    task_type: str
    is_sub_session: bool
    enabled_groups: list[str]
    message_text: str | None
    tool_calls: list[LlmToolCallRequest]
    raw_llm_result: Any = None
    force_finish: bool = False
    force_finish_reason: str | None = None


@dataclass(frozen=True)
class BeforeToolCallHookPayload:
    request: LlmToolCallRequest
    session_id: str
    call_index: int
    enabled_groups: list[str]
    force_finish: bool = False
    force_finish_reason: str | None = None


@dataclass(frozen=True)
class AfterToolCallHookPayload:
    request: LlmToolCallRequest
    session_id: str
    call_index: int
    result: str
    tool_status: str
    force_finish: bool = False
    force_finish_reason: str | None = None


@dataclass
class HookError:
    code: str
    message: str
    retriable: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a hook decides about the call or the turn before it: `allow`, `deny` with a reason, or `finish`."""

    kind: Literal["allow", "deny", "finish"] = "allow"
    reason: str = ""


@dataclass
class HookStageInput(Generic[P]):
    stage: HookStage | str
    context: HookExecutionContext
    payload: P
    budget: JsonObject = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)


@dataclass
class HookStageOutput(Generic[P]):
    status: HookStatus = HookStatus.OK
    patched_payload: P | None = None
    artifacts: JsonObject = field(default_factory=dict)
    metrics: JsonObject = field(default_factory=dict)
    error: HookError | None = None
    verdict: Verdict = Verdict()  # ours; a FairyClaw hook never sets it


def deny(reason: str) -> HookStageOutput:
    """Return the output of a hook that refuses; the driver reads the reason."""
    return HookStageOutput(verdict=Verdict("deny", reason))


def patch(payload: Any, **changes: Any) -> HookStageOutput:
    """Return the output of a hook that hands on its payload with some fields changed."""
    return HookStageOutput(patched_payload=replace(payload, **changes))


def sealed(value: Any) -> Any:
    """Return a payload, or its turn, with lists that stay as they are."""
    lists = {each.name: Sealed(old) for each in fields(value) if type(old := getattr(value, each.name)) is list}
    lists |= {"turn": sealed(value.turn)} if hasattr(value, "turn") else {}
    return replace(value, **lists) if lists else value


@dataclass
class ToolContext:
    """What an executor may know about the run."""

    session_id: str
    memory: Any = None
    planner: Any = None
    group_runtime_config: Any = None
    filesystem_root_dir: str | None = None
    workspace_root: str | None = None
    runtime_context: Any = None
    state: JsonObject = field(default_factory=dict)  # ours: as in HookExecutionContext
