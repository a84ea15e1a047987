"""A class on a real JupyterHub: a link brings the course, and an assignment goes its whole way through nbgrader."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from scripts.exercises import exercise_cells, without_markers
from scripts.notebook_format import ROOT, read
from tests.browser import a_page
from tests.classroom import Person, Refused, running_hub, wait_until

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="JupyterHub needs Linux or macOS")]
NOTEBOOK, ASSIGNMENT = "2_aggregation.ipynb", "aggregation"
SOLVED = exercise_cells(read(ROOT / "solutions" / NOTEBOOK))
FULL = sum(check.metadata.nbgrader.points for _, check in SOLVED.values())
START = "notebooks/0_start_here.ipynb"


def git(folder, *arguments: str) -> str:
    identity = ("-c", "user.name=upstream", "-c", "user.email=upstream@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """The hub of a class, a shared folder for nbgrader, and the course as a repository with a branch for the class."""
    folder = tmp_path_factory.mktemp("class")
    git(folder, "clone", "-q", "--bare", str(ROOT), "four-papers.git")
    git(folder / "four-papers.git", "branch", "class", "HEAD")
    (folder / "exchange").mkdir()
    (folder / "exchange").chmod(0o777)
    with running_hub(folder) as running:
        yield running


@pytest.fixture(scope="module")
def link(hub) -> str:
    return (f"{hub.address}/hub/user-redirect/git-pull?repo=file://{hub.folder}/four-papers.git&branch=class"
            f"&targetpath=four-papers&urlpath=lab/tree/four-papers/{START}")  # fmt: skip


@pytest.fixture(scope="module")
def people(hub, link) -> dict[str, Person]:
    """The teacher and two students, after all have clicked the link at the same time."""
    found = {name: hub.person(name) for name in ("teacher", "ada", "ben")}
    with ThreadPoolExecutor() as pool:
        for path, reports in pool.map(lambda person: person.pull(link), found.values()):
            assert path == f"lab/tree/four-papers/{START}"
            assert reports[-1] == {"phase": "finished"}, reports
    return found


def test_the_link_brings_the_course(people, hub):
    expected = git(hub.folder / "four-papers.git", "ls-tree", "-r", "--name-only", "class").split("\n")[:-1]
    for person in people.values():
        folder = person.home / "four-papers"
        assert [name for name in expected if not (folder / name).is_file()] == []
        assert sources(person.read(f"four-papers/{START}")) == sources(read(folder / START))


def test_the_link_ends_in_the_open_notebook_and_its_kernel_answers(people, hub, link):
    heard = []

    def listen(socket):
        if "/channels" in socket.url:
            socket.on("framereceived", lambda frame: heard.append(frame))

    with a_page() as page:
        page.on("websocket", listen)
        page.goto(link)
        page.fill("input[name=username]", "ben")
        page.fill("input[name=password]", people["ben"].password)
        page.click("input[type=submit]")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        assert page.url.endswith(f"/user/ben/lab/tree/four-papers/{START}")
        wait_until(lambda: page.wait_for_timeout(100) or heard, hub.log)


def sources(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells]


def edited(notebook, source: str):
    """The notebook with another first cell of code."""
    next(cell for cell in notebook.cells if cell.cell_type == "code").source = source
    return notebook


def test_a_second_click_brings_what_is_new_and_keeps_what_a_student_wrote(people, hub, link, tmp_path):
    path = f"exercises/{NOTEBOOK}"
    people["ada"].save(f"four-papers/{path}", edited(people["ada"].read(f"four-papers/{path}"), "mine = 1"))
    git(tmp_path, "clone", "-q", "-b", "class", str(hub.folder / "four-papers.git"), "work")
    work = tmp_path / "work"
    (work / path).write_text(json.dumps(edited(read(work / path), "theirs = 2"), indent=1) + "\n")
    (work / "README.md").write_text("changed\n")
    (work / "new.md").write_text("new\n")
    git(work, "add", ".")
    git(work, "commit", "-qm", "next week")
    git(work, "push", "-q")
    for name, source in (("ada", "mine = 1"), ("ben", "theirs = 2")):
        assert people[name].pull(link)[1][-1] == {"phase": "finished"}
        cells = people[name].read(f"four-papers/{path}").cells
        assert next(cell.source for cell in cells if cell.cell_type == "code") == source
        assert (people[name].home / "four-papers" / "README.md").read_text() == "changed\n"
        assert (people[name].home / "four-papers" / "new.md").read_text() == "new\n"


@pytest.fixture(scope="module")
def fetched(people) -> dict[str, Person]:
    """The students, after the teacher has released the assignment and they have fetched it."""
    teacher = people["teacher"]
    teacher.types(f"mkdir -p course/source/{ASSIGNMENT} && cp four-papers/nbgrader_config.py course/"
                  f" && cp four-papers/solutions/{NOTEBOOK} course/source/{ASSIGNMENT}/")  # fmt: skip
    teacher.types(f"cd course && nbgrader generate_assignment {ASSIGNMENT} && nbgrader release_assignment {ASSIGNMENT}")
    students = {name: people[name] for name in ("ada", "ben")}
    for student in students.values():
        assert [(row["assignment_id"], row["status"]) for row in student.assignments()["value"]] == [
            (ASSIGNMENT, "released")
        ]
        assert [row["status"] for row in student.assignments("fetch", ASSIGNMENT)["value"]] == ["fetched"]
    return students


def test_students_fetch_the_exercises_without_the_answers(fetched):
    for student in fetched.values():
        assert sources(student.read(f"{ASSIGNMENT}/{NOTEBOOK}")) == sources(read(ROOT / "exercises" / NOTEBOOK))


@pytest.fixture(scope="module")
def submitted(fetched) -> dict[str, Person]:
    """The students, after Ada has solved all exercises and Ben none, and both have submitted."""
    path = f"{ASSIGNMENT}/{NOTEBOOK}"
    notebook = fetched["ada"].read(path)
    for name, (solve, _) in exercise_cells(notebook).items():
        solve.source = without_markers(SOLVED[name][0].source)
    fetched["ada"].save(path, notebook)
    for student in fetched.values():
        rows = student.assignments("submit", ASSIGNMENT)["value"]
        assert [len(row["submissions"]) for row in rows if row["status"] == "submitted"] == [1]
    return fetched


@pytest.fixture(scope="module")
def graded(people, submitted):
    """{student: (score, full score)}, as the teacher exports them after collecting and autograding."""
    steps = " && ".join(f"nbgrader {step} {ASSIGNMENT}" for step in ("collect", "autograde"))
    people["teacher"].types(f"cd course && {steps} && nbgrader export --to grades.csv")
    with (people["teacher"].home / "course" / "grades.csv").open() as file:
        return {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}


def test_right_answers_get_everything_and_stubs_nothing(graded):
    assert graded == {"ada": (FULL, FULL), "ben": (0, FULL)}


def test_feedback_comes_back_with_each_students_own_score(people, submitted, graded):
    steps = " && ".join(f"nbgrader {step} {ASSIGNMENT}" for step in ("generate_feedback", "release_feedback"))
    people["teacher"].types(f"cd course && {steps}")
    for name, student in submitted.items():
        student.assignments("fetch_feedback", ASSIGNMENT)
        (time,) = student.asked("GET", f"api/contents/{ASSIGNMENT}/feedback")["content"]
        (page,) = student.asked("GET", f"api/contents/{time['path']}")["content"]
        html = student.asked("GET", f"api/contents/{page['path']}")["content"]
        score, full = re.search(r"\(Score: ([\d.]+) / ([\d.]+)\)", html).groups()
        assert (float(score), float(full)) == graded[name]


def test_what_was_not_released_can_not_be_fetched_or_submitted(people, fetched):
    rows = people["ada"].assignments("fetch", "exam")["value"]
    assert "exam" not in {row["assignment_id"] for row in rows}
    assert not (people["ada"].home / "exam").exists()
    answer = people["ada"].assignments("submit", "exam")
    assert not answer["success"] and "Assignment not found" in answer["value"]


@pytest.mark.parametrize("name, password", [("ada", "wrong"), ("eve", ""), ("teacher", "of the class")])
def test_the_hub_turns_strangers_away(hub, name, password):
    if password == "of the class":
        password = hub.passwords["CLASS_PASSWORD"]
    with pytest.raises(Refused) as refused:
        hub.person(name, password)
    assert refused.value.args[0] == 403


def test_a_students_token_opens_no_other_server(people):
    assert people["ben"].asked("GET", "api/contents")["type"] == "directory"
    with pytest.raises(Refused) as refused:
        people["ada"].asked("GET", "api/contents", whose="ben")
    assert refused.value.args[0] == 403
