"""One hook stage: the hooks of all skills in order, each with its payload, time limit and error policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from . import compat
from .awaiting import outcome_of
from .manifest import FormalSkill
from .models import Hook
from .outcomes import ALLOW, outcome
from .payloads import HookExecutionContext, HookStageInput, Sealed, Verdict
from .scripts import entry_point
from .state import Kept

GUARD = "before_tool_call"  # hooks of this stage decide whether a call is made


class Stages:
    """The hooks of all skills by stage, low priorities first, ties by name."""

    def __init__(self, skills: Sequence[FormalSkill], fail_closed: bool, session: str) -> None:
        self.fail_closed, self.session, self.names = fail_closed, session, Sealed(skill.name for skill in skills)
        self.kept = Kept({})
        self.bound: dict[str, list[tuple[Hook, Callable[[HookStageInput], Awaitable[Any]]]]] = {}
        found = [(hook, skill) for skill in skills for hook in skill.hooks if hook.enabled]
        for hook, skill in sorted(found, key=lambda pair: (pair[0].priority, pair[0].name)):
            execute = entry_point(skill.folder, hook.script, "execute_hook", "execute")
            self.bound.setdefault(hook.stage, []).append((hook, execute))

    async def run(self, stage: str, payload: Any, state: dict, notes: list[str], turn: int = 0) -> tuple[Any, Verdict]:
        """Return the payload after all hooks of a stage, and the first verdict that is not allow.

        A hook that raises, takes too long, or returns or leaves in the state what cannot be used (then the state is
        as it was before), is noted; then its `on_error` decides: "continue" and "warn" go on, "fail" denies. With
        `fail_closed` a failed guard (a hook before_tool_call) denies anyhow. A hook that never awaits is not stopped.
        """
        context = HookExecutionContext(self.session, f"turn_{turn}", enabled_groups=self.names, state=state)
        compat.STATE.set(state)
        if stage in self.bound and not self.kept.same(state):
            self.kept = Kept(state)
        for hook, execute in self.bound.get(stage, ()):
            try:
                said = execute(HookStageInput(stage, context, payload, metadata=hook.config))
                output = await outcome_of(said, hook.timeout_ms / 1000)
                payload, verdict = outcome(output, payload)
                self.kept.same(state) or self.kept.check(state)
            except (Exception, SystemExit) as error:
                self.kept.mend(state)
                notes.append(f"hook {hook.name} failed ({type(error).__name__}: {error})")
                if hook.on_error == "fail" or (self.fail_closed and stage == GUARD):
                    return payload, Verdict("deny", f"{notes[-1]}, so it could not agree; try another way")
                continue
            if verdict.kind != "allow":
                return payload, verdict
        if not getattr(payload, "force_finish", False):
            return payload, ALLOW
        return payload, Verdict("deny" if stage == GUARD else "finish", payload.force_finish_reason or "a hook says so")
