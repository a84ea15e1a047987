"""Markdown skills: the fields of the specification, reading bit by bit, beside formal skills, resumed, and routed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from tiny_skills import ANYTHING, APPEND, call, make_skill

from helpers.formal_skills import Reply, Runtime, load_markdown, load_skill, load_task, route, route_by_model
from helpers.formal_skills.drivers import DriverFailed
from helpers.formal_skills.experiments import HERE
from helpers.formal_skills.markdown import from_spec, to_spec
from helpers.formal_skills.tasks import NAMES

NAME, READ, ABOUT = "pack-bags", "read_skill_pack_bags", "Pack bags for a journey."
BODY, NOTES, SECRET = "# Packing\n\nHeavy things first.", "Socks are in the drawer.", "do not tell"
FIELDS = {"name": NAME, "description": ABOUT}
GOOD = f"---\nname: {NAME}\ndescription: {ABOUT}\n---\n{BODY}\n"


def markdown(folder: Path, fields: dict = FIELDS, body: str = BODY) -> Path:
    """Return the folder, now with a Markdown skill in it and a file beside its text."""
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "socks.md").write_text(NOTES)
    head = yaml.safe_dump({key: value for key, value in fields.items() if value != "left out"}, allow_unicode=True)
    (folder / "SKILL.md").write_text(f"---\n{head}\n---\n{body}\n", encoding="utf-8")
    return folder


class Watched:
    """A driver that plays replies and notes what it was shown; it fails where a reply is None."""

    def __init__(self, *replies):
        self.replies, self.seen = [*replies], []

    def complete(self, messages, tools):
        self.seen.append((messages, tools))
        if (reply := self.replies.pop(0) if self.replies else Reply("Done.")) is None:
            raise ConnectionError("gone")
        return reply


def run(top: Path, skills, *replies, **settings):
    """Return the trace of a run, and what its driver saw turn by turn."""
    (top / "w").mkdir(exist_ok=True)
    driver = Watched(*replies)
    return Runtime(top / "w", skills, driver, **settings).run("Go."), driver.seen


def test_all_six_fields_are_taken(tmp_path):
    skill = load_markdown(markdown(tmp_path / NAME, FIELDS | {
        "license": "MIT", "compatibility": "Needs git", "metadata": {"author": "me", "version": "1.0"},
        "allowed-tools": "Bash(git:*) Read"}))  # fmt: skip
    assert (skill.name, skill.description, list(skill.tools), skill.opening) == (NAME, ABOUT, [READ], "")
    assert ABOUT in skill.tools[READ].description and skill.source == tmp_path.resolve() / NAME


@pytest.mark.parametrize("fields", [
    {"description": "x" * 1024}, {"compatibility": "x" * 500}, {"compatibility": "x"}, {"metadata": {}}, {"name": "a"},
    {"name": "7"}, {"name": "a1-b-2"}, *[{"name": "a" * size} for size in (53, 54, 64)], {"description": "Größe: 世界"},
    {"allowed-tools": ["Bash(git:*)", "Read"]},
], ids=lambda value: repr(value)[:40])  # fmt: skip
def test_what_is_just_within_the_rules_is_taken(tmp_path, fields):
    fields = FIELDS | fields
    skill = load_markdown(markdown(tmp_path / fields["name"], fields))
    assert (skill.name, skill.description) == (fields["name"], fields["description"])
    (tool,) = skill.specs()
    assert len(tool.name) <= 64 and len(tool.description) <= 1024  # OpenAI's limits


@pytest.mark.parametrize("fields, name", [
    *[({"name": name}, "name") for name in ("Pack-bags", "-pack", "pack-", "pack--bags", "pack_bags", "pack bags",
                                            "größe", "pack-bags\n", "a" * 65, "", None, "left out")],
    *[({"description": value}, "description") for value in ("", "x" * 1025, None, ["x"], "left out")],
    ({"compatibility": "x" * 501}, "compatibility"), ({"compatibility": ["git"]}, "compatibility"),
    ({"license": ["MIT"]}, "license"), ({"metadata": "me"}, "metadata"), ({"metadata": ["me"]}, "metadata"),
    ({"metadata": {"author": {"me": 1}}}, "metadata.author"), ({"allowed-tools": {"Bash": 1}}, "allowed-tools"),
    ({"version": "1.0"}, "version"), ({"Name": "x"}, "Name"),
    ({"compatibility": ""}, "compatibility"), ({"description": "  "}, "description"),
    ({"allowed_tools": "Read"}, "allowed_tools"),
], ids=lambda value: repr(value)[:40])  # fmt: skip
def test_a_wrong_field_is_named_with_its_file(tmp_path, fields, name):
    folder = str((FIELDS | fields)["name"]).strip() or NAME
    with pytest.raises(ValueError, match=rf"^{folder}/SKILL.md: field {re.escape(name)}: "):
        load_markdown(markdown(tmp_path / folder, FIELDS | fields))


def test_the_name_is_the_folders(tmp_path):
    with pytest.raises(ValueError, match="^bags/SKILL.md: field name: .*'pack-bags'.* folder's name"):
        load_markdown(markdown(tmp_path / "bags"))


@pytest.mark.parametrize("text, words", [
    (GOOD.replace("Pack bags", "Pack: bags"), "is not YAML"), (GOOD.replace("name: ", "name: ["), "is not YAML"),
    (GOOD.replace("name: ", "name: !!python/object:os.system "), "is not YAML"), ("", "field name"),
    (BODY, "field name"), (GOOD.replace("\n---\n", "\n"), "field name"), (GOOD.replace("---", "--"), "field name"),
    ('{\n"name": "pack-bags", "description": "x"\n}\n', ""),
    ("\udcfc" + GOOD, "UTF-8")])  # fmt: skip
def test_a_text_without_its_head_is_told(tmp_path, text, words):
    (markdown(tmp_path / NAME) / "SKILL.md").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=f"^{NAME}/SKILL.md: .*{words}"):
        load_markdown(tmp_path / NAME)
    with pytest.raises(ValueError, match="^refs has no SKILL.md"):
        load_markdown(tmp_path / NAME / "refs")


@pytest.mark.parametrize("text", [GOOD.replace("\n", "\r\n"), GOOD.replace(BODY, BODY + "\n\n---\n\nend"),
                                  ("\ufeff" + GOOD)])  # fmt: skip
def test_an_editors_ways_do_not_matter(tmp_path, text):
    (markdown(tmp_path / NAME) / "SKILL.md").write_bytes(text.encode())
    assert load_markdown(str(tmp_path / NAME)).config.body.startswith(BODY)


def test_a_driver_sees_name_and_description_then_the_text_then_the_files(tmp_path):
    skill = load_markdown(markdown(tmp_path / NAME, FIELDS | {"license": "of my own"}))
    trace, seen = run(tmp_path, [skill], call(READ), call(READ, file="refs/socks.md"))
    first, second, third = (json.dumps(what, ensure_ascii=False) for what in seen)
    assert trace.status == "completed" and trace.tokens["skill"] == 0 and "of my own" not in third
    assert READ in first and ABOUT in first and "Heavy" not in first and "socks.md" not in first
    assert "Heavy" in second and "<file>refs/socks.md</file>" in second and NOTES not in second and NOTES in third
    assert trace.calls[0]["result"].startswith(f'<skill_content name="{NAME}">\n{BODY}\n</skill_content>')


@pytest.mark.parametrize("fence, file", [
    *[(True, file) for file in ("../secret", "{top}/secret", "link", "linked/secret", "refs/../../secret")],
    *[(True, file) for file in ("../b/refs/socks.md", "{top}/w/mine", "module", "{re}")],
    *[(False, file) for file in ("../secret", "{top}/secret", "link")]])  # fmt: skip
def test_files_outside_the_folder_are_refused(tmp_path, fence, file):
    folder = markdown(tmp_path / NAME)
    for name, target in {"link": tmp_path / "secret", "linked": tmp_path, "module": re.__file__}.items():
        (folder / name).symlink_to(target)
    (tmp_path / "w").mkdir()
    for name in ("secret", "w/mine"):
        (tmp_path / name).write_text(SECRET)
    skills = [load_markdown(folder), load_markdown(markdown(tmp_path / "b", {"name": "b", "description": "Other."}))]
    wanted = file.format(top=tmp_path, re=re.__file__)
    trace, _ = run(tmp_path, skills, call(READ, file=wanted), call(READ, file="refs/socks.md"), enforce=fence)
    assert [event["status"] for event in trace.calls] == ["error", "ok"] and SECRET not in str(trace.events)


@pytest.mark.parametrize("wrong, status, words", [
    ({"file": 3}, "deny", "$.file: 3 is not of type 'string'"), ({"path": "x"}, "deny", "'path' was unexpected"),
    ({"file": "nothing"}, "error", "FileNotFound"), ({"file": "refs"}, "error", "IsADirectory"),
    ({"file": "raw"}, "error", "UnicodeDecode"), ({"file": "a\0b"}, "error", "null"),
    ({"file": ""}, "ok", "Heavy")])  # fmt: skip
def test_what_cannot_be_read_is_told_and_the_run_goes_on(tmp_path, wrong, status, words):
    (markdown(tmp_path / NAME) / "raw").write_bytes(b"\xff\xfe")
    trace, _ = run(tmp_path, [load_markdown(tmp_path / NAME)], call(READ, **wrong), call(READ))
    assert [event["status"] for event in trace.calls] == [status, "ok"] and words in trace.calls[0]["result"]


def test_the_text_of_an_active_skill_opens_every_turn(tmp_path):
    skills = [load_markdown(markdown(tmp_path / name, FIELDS | {"name": name}, f"Text of {name}."), active=name != "b")
              for name in "abc"]  # fmt: skip
    trace, seen = run(tmp_path, skills, call("read_skill_b"))
    for messages, tools in seen:
        assert [one["content"] for one in messages[1:4]] == ["Text of a.", "Text of c.", "Go."]
        assert [one["role"] for one in messages[:4]] == ["system"] * 3 + ["user"] and len(tools) == 3
    assert "Text of b." in seen[1][0][-1]["content"] and trace.tokens["skill"] > 0


def test_an_active_skill_has_a_tool_only_where_there_is_more_to_read(tmp_path):
    folder = markdown(tmp_path / NAME)
    assert list(load_markdown(folder, active=True).tools) == [READ]
    shutil.rmtree(folder / "refs")
    alone = load_markdown(folder, active=True)
    assert not alone.tools and list(load_markdown(folder).tools) == [READ]
    trace, seen = run(tmp_path, [alone], None)
    assert not seen[0][1] and Runtime.resume(tmp_path / "w.run", Watched()).status == "completed"


FORMAL = {name: load_skill(HERE / "skills" / name) for name in NAMES}
TEXTS = {name: load_markdown(HERE / "markdown_skills" / name.replace("_", "-")) for name in NAMES}
PAIR = [FORMAL["code_repair"], TEXTS["reconcile_csv"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_markdown_skill_of_the_course_has_a_formal_twin(tmp_path, name):
    text, formal, task = TEXTS[name], FORMAL[name], load_task(name)
    tools = re.search(r"^Tools: (.*)\.$", text.config.body, re.MULTILINE).group(1)
    assert set(re.findall("`(.+?)`", tools)) == set(formal.tools) and text.description == formal.description
    steps = [call(f"read_skill_{name}"), *(call(step.tool, **step.args) for step in task.steps)]
    trace, seen = run(task.lay_out(tmp_path / "w").parent, [formal, text], *steps)
    assert trace.status == "completed" and task.score_workspace(tmp_path / "w")["score"] == 1
    assert "deny" not in {event["status"] for event in trace.calls} and text.config.body in trace.calls[0]["result"]
    assert all(tools[-1]["function"]["name"] == f"read_skill_{name}" for _, tools in seen)  # no phase hides it


@pytest.mark.parametrize("active", [False, True])
def test_a_run_with_a_markdown_skill_is_resumed(tmp_path, active):
    skills = [load_markdown(markdown(tmp_path / NAME), active=active).without("hooks"),
              make_skill(tmp_path / "formal", do=ANYTHING)]  # fmt: skip
    replies = [call("do", code=APPEND, names={"line": "one"}), call(READ), call(READ, file="refs/socks.md")]
    whole, expected = run(tmp_path, skills, *replies)
    half, seen = run(tmp_path, skills, replies[0], None)
    again = Runtime.resume(tmp_path / "w.run", driver := Watched(*replies[1:]))
    assert (whole.status, half.status, again.status) == ("completed", "interrupted", "completed")
    assert seen + driver.seen[1:] == expected and again.calls[2]["result"] == NOTES
    assert (tmp_path / "w" / "log").read_text() == "one\none\n"


def test_a_markdown_skill_may_have_a_manifest_beside_its_text(tmp_path):
    (markdown(tmp_path / NAME) / "manifest.json").write_text("{}")
    run(tmp_path, [load_markdown(tmp_path / NAME)], None)
    assert Runtime.resume(tmp_path / "w.run", Watched()).status == "completed"


@pytest.mark.parametrize("skill", [*FORMAL.values(), *TEXTS.values()], ids=lambda skill: skill.name)
def test_what_a_journal_keeps_of_a_skill_gives_it_back(skill):
    active = load_markdown(skill.source, active=True) if skill.source else skill
    less = active.without("hooks", "done_when").without("before_llm_call")
    for one in (skill, active, active.without("phases"), less):
        back = from_spec(json.loads(json.dumps(to_spec(one))))
        assert back == one and back.specs() == one.specs() == (active if one is not skill else skill).specs()


@pytest.mark.parametrize("name", NAMES)
def test_the_words_of_a_task_lead_to_both_of_its_skills(name):
    prompt, twins = load_task(name).prompt, [FORMAL[name], TEXTS[name]]
    assert route(prompt, [*FORMAL.values(), *TEXTS.values()], 2) == twins
    assert [route(prompt, [*kind.values()]) for kind in (FORMAL, TEXTS)] == [[twin] for twin in twins]


@pytest.mark.parametrize("prompt", ["", "Xyzzy!", "修理"])
def test_a_task_without_a_word_of_any_skill_leads_to_all(prompt):
    assert route(prompt, []) == []
    assert route(prompt, PAIR) == PAIR and route("Repair the code, reconcile the CSV", PAIR) != PAIR


@pytest.mark.parametrize("said, chosen", [
    ('["reconcile-csv"]', PAIR[1:]), ('I take ["CodeRepair"], I think.', PAIR[:1]), ('```["CodeRepair"]```', PAIR[:1]),
    ('["reconcile-csv", "CodeRepair"]', PAIR), ('["nothing"]', PAIR), ("[]", PAIR), ("none", PAIR), ("[[", PAIR),
    ("", PAIR), ("[3, {}]", PAIR), ("[" * 99_999 + "]", PAIR),
], ids=lambda value: str(value)[:20])  # fmt: skip
def test_a_model_is_asked_by_name_and_description(said, chosen):
    assert route_by_model("Do it.", PAIR, driver := Watched(Reply(said))) == chosen
    (((order, prompt), tools),) = driver.seen
    assert all(f"{skill.name}: {skill.description}" in order["content"] for skill in PAIR) and tools == []
    assert PAIR[1].config.body not in order["content"] and prompt == {"role": "user", "content": "Do it."}


def test_a_model_that_cannot_be_asked_is_told():
    with pytest.raises(DriverFailed, match="ConnectionError: gone"):
        route_by_model("Do it.", PAIR, Watched(None))
