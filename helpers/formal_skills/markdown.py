"""Markdown skills by the Agent Skills specification, as formal skills with at most one tool, which reads on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import frontmatter
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .manifest import FormalSkill, load_skill
from .models import Tool, deepest_fault

READER = Path(__file__).with_name("reader")
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class TextLoader(yaml.SafeLoader):
    """YAML where every scalar but null is text as it is written, as in the specification's own parser."""

    yaml_implicit_resolvers = {first: [pair for pair in pairs if pair[0] == "tag:yaml.org,2002:null"]
                               for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}  # fmt: skip


class Head(frontmatter.YAMLHandler):
    def load(self, fm: str, **_: object) -> object:
        return yaml.load(fm, TextLoader)


class Frontmatter(BaseModel):
    """The six fields of the specification (agentskills, docs/specification.mdx)."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=NAME, max_length=64)
    description: str = Field(pattern=r"\S", max_length=1024)
    license: str | None = None
    compatibility: str | None = Field(None, min_length=1, max_length=500)
    metadata: dict[str, str | None] = {}
    allowed_tools: str | list[str] | None = Field(None, alias="allowed-tools")


@dataclass(frozen=True)
class Reading:
    """What the reading tool knows: the skill's folder and its text."""

    folder: Path
    body: str


def load_markdown(folder: str | Path, *, active: bool = False) -> FormalSkill:
    """Return the Markdown skill in a folder as a skill of the runtime: its text is read through a tool when needed.

    At first the driver sees name and description alone; the tool gives the text, then the files beside it.
    An `active` skill's text stands in the system prompt from the start, as when a user has called for it; there is
    a tool only if there is more to read, a file beside SKILL.md.
    Raises ValueError that names the field of a wrong frontmatter.
    """
    folder = Path(folder).resolve()
    file = folder / "SKILL.md"
    if not file.is_file():
        raise ValueError(f"{folder.name} has no SKILL.md; is it the folder of a Markdown skill?")
    try:
        post = frontmatter.loads(file.read_text(encoding="utf-8-sig"), handler=Head())
        fields = Frontmatter.model_validate(post.metadata)
    except ValidationError as error:
        raise ValueError(f"{folder.name}/SKILL.md: {deepest_fault(error)}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{folder.name}/SKILL.md: it is not UTF-8 ({error}); save it again as UTF-8") from None
    except Exception as error:  # what YAML's reader raises has many names
        raise ValueError(f"{folder.name}/SKILL.md: the part between the --- lines is not YAML ({error})") from None
    if fields.name != folder.name:
        raise ValueError(f"{folder.name}/SKILL.md: field name: it is {fields.name!r}, but must be the folder's name")
    more = any(path.is_file() for path in folder.rglob("*") if path != file)
    return FormalSkill(READER, fields.name, fields.description, {} if active and not more else reader_of(fields),
                       config=Reading(folder, post.content), opening=post.content if active else "",
                       source=folder)  # fmt: skip


def reader_of(fields: Frontmatter) -> dict[str, Tool]:
    """Return the tool that reads a skill, under a name of its own."""
    tool = load_skill(READER).tools["read_skill"]
    name = f"read_skill_{fields.name.replace('-', '_')}"
    name = name if len(name) <= 64 else f"{name[:55]}_{sha256(name.encode()).hexdigest()[:8]}"
    about = f"{tool.description} {fields.description}"[:1024]  # as much as OpenAI's API takes
    return {name: Tool(**tool.model_dump(by_alias=True) | {"name": name, "description": about})}


def to_spec(skill: FormalSkill) -> dict:
    """Return what a journal keeps of a skill: where it is, and what was dropped of it."""
    return {"folder": str(skill.source or skill.folder), "markdown": skill.source is not None,
            "active": bool(skill.opening), "dropped": list(skill.dropped)}  # fmt: skip


def from_spec(spec: dict) -> FormalSkill:
    """Return the skill of a spec, loaded again."""
    folder = Path(spec["folder"])
    if not spec["markdown"]:
        return load_skill(folder).without(*spec["dropped"])
    return replace(load_markdown(folder, active=spec["active"]), dropped=tuple(spec["dropped"]))
