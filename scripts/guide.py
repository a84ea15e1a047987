"""The generated parts of TEACHING.md: how long each section of a module takes, and the mistakes that its checks know.

Words, lines of code and pictures are counted and seconds are measured; `make notebooks` keeps them in
notebooks/minutes.json and writes both tables.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import import_module, resources
from pathlib import Path

from scripts.readme import replace_section, table

WORDS, LINES, PICTURES = 150, 12, 1  # read in a minute: words of such prose, lines of code, pictures
WHERE = "minutes.json"


@dataclass
class Section:
    """A section of a notebook: its heading, what there is to read, and the seconds that its cells ran."""

    heading: str
    words: int = 0
    lines: int = 0
    pictures: int = 0
    seconds: float = 0.0

    @property
    def minutes(self) -> float:
        """Minutes to read it once, at the pace above, and to wait for it."""
        return self.words / WORDS + self.lines / LINES + self.pictures / PICTURES + self.seconds / 60


def sections(notebook) -> list[Section]:
    """The sections of a notebook, by its headings of the first two levels."""
    found: list[Section] = []
    for cell in notebook.cells:
        text = cell.source
        if cell.cell_type == "markdown":
            heads = [line.lstrip("# ") for line in text.splitlines() if line.startswith(("# ", "## "))]
            found += [Section(head) for head in heads]
            found[-1].words += len(text.split())
        elif cell.id != "set-up":
            here = found[-1]
            here.lines += sum(bool(line.strip()) for line in text.splitlines())
            here.pictures += sum("image/png" in output.get("data", {}) for output in cell.outputs)
            here.seconds = round(here.seconds + seconds_of(cell), 1)
    return found


def seconds_of(cell) -> float:
    """The seconds that the cell ran, by the times that nbclient notes in its metadata; 0 where there are none."""
    times = cell.metadata.get("execution", {})
    began, ended = times.get("iopub.execute_input"), times.get("shell.execute_reply")
    if not began or not ended:
        return 0.0
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def module_table(rows: list[dict]) -> str:
    """The table of one module's sections, as Markdown."""
    parts = [Section(**row) for row in rows]
    lines = [(part.heading, part.words, part.lines, part.pictures, f"{part.seconds:.0f}", f"{part.minutes:.0f}")
             for part in parts]  # fmt: skip
    total = ("all", *(sum(getattr(part, kind) for part in parts) for kind in ("words", "lines", "pictures")),
             f"{sum(part.seconds for part in parts):.0f}", f"{sum(part.minutes for part in parts):.0f}")  # fmt: skip
    return table(("section", "words", "lines of code", "pictures", "seconds to run", "minutes"), [*lines, total])


def mistakes_table(module: str) -> str:
    """What the checks of a module ask somebody who makes one of the typical mistakes, as Markdown."""
    exercises = import_module(f"helpers.{module}.exercises").exercises
    names = json.loads((resources.files(f"helpers.{module}") / "solutions.json").read_text(encoding="utf-8"))
    asked = [(name, mistake.question) for name in names for mistake in getattr(exercises, name).mistakes[:2]]
    return table(("exercise", "what a typical mistake is asked"), asked)


def folded(parts: dict[str, str]) -> str:
    """The parts, each folded below its module's name."""
    return "\n" + "".join(f"<details><summary><b>{module}</b></summary>\n\n{text}\n</details>\n\n"
                          for module, text in parts.items())  # fmt: skip


def write_guide(measured: dict[str, list[Section]], order: list[str], root: Path) -> None:
    """Keep what was measured of each module in notebooks/minutes.json, and write both tables of TEACHING.md."""
    path, guide = root / "notebooks" / WHERE, root / "TEACHING.md"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept |= {module: [asdict(part) for part in parts] for module, parts in measured.items()}
    kept = {module: kept[module] for module in order if module in kept}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = guide.read_text(encoding="utf-8")
    text = replace_section(text, "minutes", folded({module: module_table(rows) for module, rows in kept.items()}))
    text = replace_section(text, "mistakes", folded({module: mistakes_table(module) for module in order}))
    guide.write_text(text, encoding="utf-8")
