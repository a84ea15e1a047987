"""The teacher's guide: what it counts is what the notebooks have, and what it names exists."""

from __future__ import annotations

import json
import re

import pytest

from scripts import guide
from scripts.notebook_format import ROOT, module_of, notebook_paths, read
from scripts.readme import replace_section

TEXT = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
KEPT = json.loads((ROOT / "notebooks" / guide.WHERE).read_text(encoding="utf-8"))
PATHS = notebook_paths("notebooks")


def counts(parts) -> list[tuple]:
    return [(part.heading, part.words, part.lines, part.pictures) for part in parts]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_minutes_are_those_of_the_notebook(path):
    kept = [guide.Section(**row) for row in KEPT[module_of(path)]]
    assert counts(kept) == counts(guide.sections(read(path))), "run: make notebooks"
    assert sum(part.seconds for part in kept) > 1
    assert guide.module_table(KEPT[module_of(path)]) in TEXT


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_mistakes_are_those_of_the_checks(path):
    assert guide.mistakes_table(module_of(path)) in TEXT, "run: make notebooks"


def test_what_the_plans_name_exists():
    plans = TEXT[TEXT.index("## Plans") : TEXT.index("## How long")]
    solutions = [json.loads((ROOT / "helpers" / module_of(path) / "solutions.json").read_text()) for path in PATHS]
    headings = {line.lstrip("# ") for path in PATHS for cell in read(path).cells if cell.cell_type == "markdown"
                for line in cell.source.splitlines() if line.startswith("#")}  # fmt: skip
    assert set(re.findall(r"`([a-z_]+)`", plans)) <= set().union(*solutions)
    assert set(re.findall(r'"([^"]+)"', plans)) <= headings


@pytest.mark.parametrize("plan", ["Half a day", "One day"])
def test_the_minutes_of_a_plan_add_up(plan):
    rows = re.findall(r"^\| (\d):(\d\d) \| (\d+) \|", TEXT[TEXT.index(f"### {plan}") :].split("\n### ", 1)[0], re.M)
    begins = [60 * int(hour) + int(minute) for hour, minute, _ in rows]
    lengths = [int(length) for *_, length in rows]
    assert len(rows) >= 7 and begins == [sum(lengths[:place]) for place in range(len(rows))]


@pytest.mark.parametrize("path", notebook_paths("solutions"), ids=lambda path: path.stem)
def test_the_minutes_of_the_exercises_add_up_to_what_the_intro_and_the_readme_say(path):
    headings = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    minutes = 5 * round(sum(map(int, re.findall(r"^### .*\(.*\b(\d+) minutes\)$", headings, re.MULTILINE))) / 5)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\|.*\(exercises/{path.name}\).*\| \d+ \+ (\d+) \|", readme, re.MULTILINE)
    assert row and f"About {minutes} minutes in all." in read(path).cells[0].source and int(row[1]) == minutes


def test_a_section_takes_its_reading_and_its_waiting():
    part = guide.Section("a", words=300, lines=24, pictures=1, seconds=30)
    assert part.minutes == 2 + 2 + 1 + 0.5


def test_seconds_come_from_the_times_of_the_run():
    notebook = read(PATHS[0])
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    times = {"iopub.execute_input": "2026-11-01T10:00:00.000Z", "shell.execute_reply": "2026-11-01T10:00:02.500Z"}
    assert guide.seconds_of(cell) == 0
    cell.metadata["execution"] = times
    assert guide.seconds_of(cell) == 2.5


def test_a_guide_without_its_marks_is_refused():
    with pytest.raises(ValueError, match="minutes:begin"):
        replace_section("nothing here", "minutes", "x")


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_module_has_questions_for_the_room(number):
    asked = TEXT[TEXT.index("## Questions for the room") :].split(f"\n**{number}. ", 1)[1].split("\n**", 1)[0]
    assert asked.count("?*") >= 4
