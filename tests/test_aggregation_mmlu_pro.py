"""MMLU-Pro is fetched soundly: a made-up server on this machine, with every mishap, and the forms of an archive."""

from __future__ import annotations

import csv
import socket
import zipfile

import pytest
from made_up_archives import Forge, archive_name, record, zipped

from helpers.aggregation import load_mmlu_pro, mmlu_pro, mmlu_pro_archives


@pytest.fixture
def forge(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("MMLU_PRO_TABLE", raising=False)
    monkeypatch.setattr(mmlu_pro, "PAUSE", 0.0)
    forge = Forge()
    yield forge
    forge.close()


FOURTH = archive_name(mmlu_pro.MODELS[3])


def test_archives_become_one_table_and_are_asked_for_once(forge, tmp_path, capsys):
    table = load_mmlu_pro(base_url=forge.url, folder=tmp_path)
    assert table.models == mmlu_pro.MODELS
    assert table.answers[0].tolist() == [i % 9 for i in range(29)]
    assert table.n_options.tolist() == [9, 9] and table.truth.tolist() == [8, 1]
    shown = capsys.readouterr().out
    assert shown.count("questions, 0.0 MB") == 29 and "[29/29] mathstral-7B: 2 questions" in shown
    assert "has 11,990 and other bytes" in shown
    load_mmlu_pro(base_url=forge.url, folder=tmp_path)
    assert len(forge.asked) == 29 and capsys.readouterr().out == ""
    assert not list(tmp_path.rglob("*.tmp"))


def test_missing_archive_is_said_in_words_and_the_rest_is_kept(forge, tmp_path, capsys):
    whole = forge.archives.pop(FOURTH)
    with pytest.raises(RuntimeError) as caught:
        load_mmlu_pro(base_url=forge.url, folder=tmp_path)
    said = str(caught.value)
    told = ("Llama-2-7b-hf", "404", forge.url, "3 of 29", "path=", "MMLU_PRO_TABLE", "derived tables", str(tmp_path))
    for part in told:
        assert part in said, f"{part!r} is not in: {said}"
    assert forge.asked.count(FOURTH) == 1, "another try cannot help"
    forge.archives[FOURTH] = whole
    assert load_mmlu_pro(base_url=forge.url, folder=tmp_path).n_questions == 2
    assert len(forge.asked) == 1 + 29, "the first three were kept"
    assert capsys.readouterr().out.count("kept from before") == 3


@pytest.mark.parametrize("mishap", ["cut", 503, 429])
def test_passing_trouble_is_tried_again(forge, tmp_path, mishap, capsys):
    forge.plans[FOURTH] = [mishap, mishap]
    assert load_mmlu_pro(base_url=forge.url, folder=tmp_path).n_models == 29
    assert forge.asked.count(FOURTH) == 3 and capsys.readouterr().out.count("trying again") == 2


def test_connection_that_always_breaks_off_ends_in_words(forge, tmp_path):
    forge.plans[FOURTH] = ["cut"] * 3
    with pytest.raises(RuntimeError, match=r"broke off after \d+ of \d+ bytes"):
        load_mmlu_pro(base_url=forge.url, folder=tmp_path)
    assert forge.asked.count(FOURTH) == 3


def test_silent_server_is_not_waited_for_without_end(forge, tmp_path, monkeypatch):
    monkeypatch.setattr(mmlu_pro, "SILENCE", 0.2)
    forge.plans[FOURTH] = ["stall"] * 3
    with pytest.raises(RuntimeError, match="timed out"):
        load_mmlu_pro(base_url=forge.url, folder=tmp_path)


def test_slow_or_huge_archive_is_given_up(forge, monkeypatch):
    url = f"{forge.url}/{FOURTH}"
    with pytest.raises(TimeoutError, match="too slow"):
        mmlu_pro.fetch(url, patience=1e-9)
    monkeypatch.setattr(mmlu_pro, "MAX_ARCHIVE", 100)
    with pytest.raises(ValueError, match="larger than"):
        mmlu_pro.fetch(url)


def test_no_network_is_said_at_once(forge, tmp_path, monkeypatch):
    monkeypatch.setattr(mmlu_pro, "PAUSE", 600.0)
    forge.close()
    with pytest.raises(RuntimeError, match="0 of 29 archives are kept"):
        load_mmlu_pro(base_url=forge.url, folder=tmp_path)

    def no_names(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    with pytest.raises(RuntimeError, match="from https://github.com/.*f418b11.*not known.*without either, go on"):
        load_mmlu_pro(folder=tmp_path)


WRONG = {
    "a truncated zip": zipped([record()])[:-30],
    "not a zip": b"<html>Not here</html>",
    "no JSON": zipped(b"hello", "readme.txt"),
    "broken JSON": zipped(b'[{"question_id": 70,'),
    "a number": zipped(7),
    "an empty list": zipped([]),
    "a dict of scores": zipped({"business": {"acc": 0.5}}),
    "no prediction": zipped([{"question_id": 70, "options": ["a", "b"], "answer": "A", "answer_index": 0}]),
    "a list of strings": zipped(["A", "B"]),
    "no options": zipped([record(options=None)]),
    "index out of range": zipped([record(answer_index=40)]),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_archive_of_another_form_ends_in_words(forge, tmp_path, content):
    forge.archives[FOURTH] = content
    with pytest.raises(RuntimeError, match="the answers of Llama-2-7b-hf could not be had"):
        load_mmlu_pro(base_url=forge.url, folder=tmp_path)
    assert not (tmp_path / "mmlu_pro_answers.csv").exists()


def test_damaged_byte_inside_an_archive_is_noticed():
    content = bytearray(zipped([record(i) for i in range(50)]))
    content[80] ^= 0xFF
    with pytest.raises(zipfile.BadZipFile):
        mmlu_pro_archives.read_archive(bytes(content))


def test_archive_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(mmlu_pro_archives, "MAX_UNPACKED", 10)
    with pytest.raises(ValueError, match="unpacked it would take more than"):
        mmlu_pro_archives.read_archive(zipped([record()]))


@pytest.mark.parametrize(
    ("pred", "letter"),
    [("A", "A"), (" B ", "B"), *((unusable, "") for unusable in (None, "", "J", "AB", "a", "None", 3, "7"))],
)
def test_only_a_letter_of_an_option_is_an_answer(pred, letter):
    assert mmlu_pro_archives.read_archive(zipped([record(pred=pred)])) == [["70", "business", "9", "I", letter]]


def test_names_in_an_archive_are_not_paths_and_only_answers_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = {"__MACOSX/._x.json": b"\x00\x05", "business_summary.json": {"acc": 1}, "notes.txt": b"hello"}
    rows = mmlu_pro_archives.read_archive(zipped([record(pred="C")], "../../outside.json", **more))
    assert [row[4] for row in rows] == ["C"] and not list(tmp_path.iterdir())


def test_forms_of_one_archive_give_the_same_rows():
    first, second = record(70, pred="C"), record(71, "A", "A", n_options=4)
    plain = mmlu_pro_archives.read_archive(zipped([first, second]))
    padded = second | {"options": [*second["options"], "N/A", "N/A"]}
    spelled = first | {"options": str(first["options"]), "question_id": "70"}
    assert mmlu_pro_archives.read_archive(zipped({"business": [first], "law": [second]})) == plain
    assert mmlu_pro_archives.read_archive(zipped([first], **{"law.json": [second]})) == plain
    assert mmlu_pro_archives.read_archive(zipped([spelled, padded, record(70, pred="D")])) == plain


def test_rekeyed_questions_are_dropped_for_every_model_and_absent_ones_left_empty():
    old = ["9 law 10 A A", "70 law 10 B C", "8 law 9 C C"]
    new = ["9 law 10 B B", "70 law 10 B B", "8 law 8 C C", "100 biology 3 C A"]
    joined = mmlu_pro_archives.join_answers({model: [row.split() for row in rows] for model, rows in
                                             (("old", old), ("new", new))})  # fmt: skip
    assert joined == [["70", "law", "10", "B", "C", "B"], ["100", "biology", "3", "C", "", "A"]]


def test_record_whose_letter_and_index_disagree_loses_its_question():
    rows = mmlu_pro_archives.read_archive(zipped([record(3983, "C", "C", answer_index=1), record(12, "A", "A")]))
    assert [row[3] for row in rows] == ["", "A"]
    assert [row[0] for row in mmlu_pro_archives.join_answers({"model": rows})] == ["12"]


def test_damaged_copy_of_one_archive_is_fetched_again(forge, tmp_path):
    load_mmlu_pro(base_url=forge.url, folder=tmp_path)
    (tmp_path / "mmlu_pro_answers.csv").unlink()
    kept = sorted((tmp_path / "mmlu_pro-f418b11").glob("*.csv"))
    kept[0].write_text("")
    kept[1].write_text(kept[1].read_text()[:-4])
    load_mmlu_pro(base_url=forge.url, folder=tmp_path)
    assert len(forge.asked) == 31


def test_clone_on_disk_serves_as_well(forge, tmp_path):
    clone = tmp_path / "eval_results"
    clone.mkdir()
    for name, content in forge.archives.items():
        (clone / name).write_bytes(content)
    assert load_mmlu_pro(base_url=clone.as_uri(), folder=tmp_path / "kept").n_models == 29
    assert not forge.asked


def test_all_of_mmlu_pro_goes_through_archives_and_back_to_the_same_bytes(mmlu_pro_table, tmp_path, capsys):
    with mmlu_pro_table.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for model in mmlu_pro.MODELS:
        records = [record(int(line["question_id"]), line["gold"], line[model] or None, int(line["n_options"]),
                          category=line["category"]) for line in lines]  # fmt: skip
        (tmp_path / archive_name(model)).write_bytes(zipped(records))
    table = mmlu_pro.build_table(tmp_path / "kept", tmp_path.as_uri())
    assert table.read_bytes() == mmlu_pro_table.read_bytes()
    assert "byte for byte the table that the course measured" in capsys.readouterr().out
    assert load_mmlu_pro(table).n_questions == mmlu_pro.MEASURED_QUESTIONS
