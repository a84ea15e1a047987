"""A formal skill on disk: a folder with `manifest.json`, `scripts/`, and (ours) `phases.json` and `done_when.json`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .files import read_json
from .models import Hook, Manifest, Rule, Tool, deepest_fault, read_rules
from .payloads import STAGES, LlmFunctionToolSpec
from .phases import Phases, read_phases
from .scripts import check_script
from .settings import read_config


@dataclass(frozen=True)
class FormalSkill:
    """A loaded skill: its tools and hooks by name, its phases and contract; scripts are imported when they are run."""

    folder: Path
    name: str
    description: str
    tools: dict[str, Tool]
    hooks: tuple[Hook, ...] = ()
    phases: Phases | None = None
    done_when: tuple[Rule, ...] = ()
    config: Any = field(default=None, compare=False)
    opening: str = ""  # what stands in the system prompt from the start
    source: Path | None = None  # of a Markdown skill: its own folder
    dropped: tuple[str, ...] = ()

    def without(self, *parts: str) -> FormalSkill:
        """Return the skill less its "phases", its "done_when", all "hooks", or the hooks of the stages named."""
        gone = set(STAGES) if "hooks" in parts else set(parts)
        kept = tuple(hook for hook in self.hooks if hook.stage not in gone)
        phases, rules = None if "phases" in parts else self.phases, () if "done_when" in parts else self.done_when
        return replace(self, hooks=kept, phases=phases, done_when=rules, dropped=(*self.dropped, *parts))

    def specs(self) -> list[LlmFunctionToolSpec]:
        return [LlmFunctionToolSpec(tool.name, tool.description, tool.parameters) for tool in self.tools.values()]


def load_skill(folder: str | Path) -> FormalSkill:
    """Return the skill in a folder, everything in it checked but its scripts not yet run.

    A wrong folder gives a ValueError that names the file, the field and what to do. The format is FairyClaw's
    (fairyclaw/core/capabilities/models.py), `phases.json` and `done_when.json` are ours.
    """
    folder = Path(folder).resolve()
    try:
        manifest = Manifest.model_validate(read_json(folder / "manifest.json"))
    except ValidationError as error:
        raise ValueError(f"{folder.name}/manifest.json: {deepest_fault(error)}") from None
    tools = {part.name: part for part in manifest.capabilities if isinstance(part, Tool)}
    hooks = [*manifest.hooks, *(part for part in manifest.capabilities if isinstance(part, Hook))]
    for part in (*tools.values(), *hooks):
        check_script(folder, part)
    return FormalSkill(folder, manifest.name, manifest.description, tools, tuple(hooks),
                       read_phases(folder / "phases.json", set(tools)), read_rules(folder / "done_when.json"),
                       read_config(folder))  # fmt: skip
