"""What a FairyClaw script imports, for as long as its import lasts: its SDK's names, bound to ours.

`fairyclaw` itself (database, gateway, events) is never loaded. Sessions live in the run's state; published messages
to the driver wait in its inbox; both are keys of the dict that hooks and executors share. A task's contract is not
handed to the skills' own hooks: the runtime checks it.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from . import payloads

STATE: ContextVar[dict] = ContextVar("state")  # of the run that a hook or an executor belongs to
INBOX, ENDED, META = "inbox", "ended", "meta"


class EventType(StrEnum):
    USER_MESSAGE_RECEIVED = "user_message_received"
    SUBTASK_COMPLETED = "subtask_completed"
    WAKEUP_REQUESTED = "wakeup_requested"
    FILE_UPLOAD_RECEIVED = "file_upload_received"
    FORCE_FINISH_REQUESTED = "force_finish_requested"


async def publish_runtime_event(event: Any, session_id: str, payload: dict | None = None, source: str = "") -> bool:
    """Put a message for the driver into the inbox; other events have no reader here."""
    text = (payload or {}).get("internal_user_text")
    if text:
        STATE.get().setdefault(INBOX, []).append(text)
    return bool(text)


class SessionModel:
    """The row of a session: its `meta` is what skills keep their state in."""


class AsyncSessionLocal:
    """A database session that knows one row: a copy of the run's meta, written back by commit."""

    async def __aenter__(self) -> AsyncSessionLocal:
        self.row = SessionModel()
        self.row.meta = STATE.get().setdefault(META, {})
        return self

    async def __aexit__(self, *_) -> None: ...

    async def get(self, model: type, key: str) -> SessionModel:
        return self.row

    async def commit(self) -> None:
        STATE.get()[META] = self.row.meta


@dataclass(frozen=True)
class SessionRuntimeContext:
    session_id: str
    workspace_root: str
    short_session_id: str


class SessionRuntimeStore:
    async def get(self, session_id: str) -> SessionRuntimeContext:
        root = STATE.get()[META]["workspace_root"]
        return SessionRuntimeContext(session_id, root, session_id[:8])


class SubTask:
    """The one task of a run, as FairyClaw's sub-agent tools see it."""

    def mark_terminal(self, session_id: str, status: str, summary: str) -> bool:
        return STATE.get().setdefault(ENDED, {"status": status, "summary": summary})["summary"] == summary


def expect_group_config(context: Any, model: type) -> Any:
    """Return the skill's settings, or raise a TypeError if they are not of that model."""
    config = getattr(context, "group_runtime_config", None)
    if not isinstance(config, model):
        raise TypeError(f"expected the settings {model.__name__}, got {type(config).__name__}; is there a config.py?")
    return config


def resolve_safe_path(path: str, root_dir: str | None, workspace_root: str | None = None) -> tuple[Any, str | None]:
    """Return the place of a path inside the workspace and None, or None and what is wrong."""
    root = Path(workspace_root or root_dir or ".").resolve()
    place = (root / path).resolve()
    if not place.is_relative_to(root):
        return None, f"Error: path {path!r} is outside allowed roots: {str(root)!r}."
    return types.SimpleNamespace(path=str(place), root=str(root)), None


class Item:
    """A record with a to_dict, standing for FairyClaw's list items."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def to_dict(self) -> dict:
        key = {"item_type": "type"}
        return {key.get(name, name): value for name, value in self.__dict__.items()}


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _modules(folder: Path) -> dict[str, dict[str, Any]]:
    handler = type("EventHookHandler", (), {"__class_getitem__": lambda _: object})
    hooks = {name: getattr(payloads, name) for name in dir(payloads) if name[0].isupper()}
    hooks |= {"JsonValue": Any, "EventHookHandler": handler}
    events = {"EventType": EventType, "WakeupReason": EventType, "publish_runtime_event": publish_runtime_event,
              "get_user_gateway": _nothing, "deliver_file_to_user": _nothing}  # fmt: skip
    tools = {"ToolContext": payloads.ToolContext, "resolve_safe_path": resolve_safe_path, "FileSystemListItem": Item,
             "SessionFileListItem": Item, "ToolResultMessage": Item, "get_context_db": lambda _: (None, "no database"),
             "resolve_memory_root": lambda: folder}  # fmt: skip
    tasks = {"clear_sub_session_cancel": _nothing, "get_main_session_by_sub_session": lambda session: session,
             "get_or_create_subtask_state": lambda _: SubTask(),
             "is_sub_session_cancel_requested": lambda _: False}  # fmt: skip
    store = {"get_session_runtime_store": SessionRuntimeStore, "SessionRuntimeContext": SessionRuntimeContext}
    return {"fairyclaw.sdk.hooks": hooks, "fairyclaw.sdk.tools": tools, "fairyclaw.sdk.subtasks": tasks,
            "fairyclaw.sdk.group_runtime": {"expect_group_config": expect_group_config},
            "fairyclaw.sdk.runtime": events,
            "fairyclaw.core.events.bus": events,
            "fairyclaw.core.events.runtime": events,
            "fairyclaw.core.runtime.session_runtime_store": store,
            "fairyclaw.infrastructure.database.models": {"SessionModel": SessionModel, "FileModel": SessionModel},
            "fairyclaw.infrastructure.database.session": {"AsyncSessionLocal": AsyncSessionLocal,
                                                          "get_db_session": _nothing},
            "fairyclaw.infrastructure.database.repository": {"FileRepository": Item, "SessionRepository": Item},
            f"fairyclaw_plugins.{folder.name}": {}}  # fmt: skip


@contextmanager
def shims(folder: Path, config: types.ModuleType | None) -> Iterator[None]:
    """Stand in for FairyClaw's modules while a script of the folder is imported; afterwards all is as before."""
    made: dict[str, types.ModuleType] = {}
    for name, content in _modules(folder).items():
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            made.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end]))).__path__ = []
        made[name].__dict__.update(content)
    if config is not None:
        made[f"fairyclaw_plugins.{folder.name}.config"] = config
    before = {name: sys.modules.pop(name) for name in list(sys.modules)
              if name.split(".")[0] in ("fairyclaw", "fairyclaw_plugins")}  # fmt: skip
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            sys.modules.pop(name, None)
        sys.modules.update(before)
