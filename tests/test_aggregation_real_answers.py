"""The recorded tables are what data/README.md says; where tables are looked for, and how one is written."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from helpers.aggregation import load_council, load_healthcare, load_mmlu_pro
from helpers.aggregation.files import DATA, cache_folder, write_csv

STRANGERS = [("conv8-B", "former24-C"), ("conv16-A", "former24-C"), ("conv16-C", "former32-A")]


def right(table):
    """Each model's share of right answers; none is wrong."""
    return (table.answers == table.truth[:, None]).mean(axis=0)


def same_wrong(table, one, other):
    """Among the questions that both got wrong: the share on which they chose the same wrong option."""
    pair = table.subset(models=[one, other])
    wrong = ((pair.answers >= 0) & (pair.answers != pair.truth[:, None])).all(axis=1)
    return np.mean(pair.answers[wrong, 0] == pair.answers[wrong, 1])


@pytest.mark.parametrize("options", [10, 4])
def test_council_is_as_described(options):
    table = load_council(options)
    assert (table.n_questions, table.n_models) == (1800, 10)
    assert set(table.n_options) == {options}
    assert 0.005 < np.mean(table.answers < 0) < 0.05, "some answers are missing, few"
    silent = {name for name, share in zip(table.models, np.mean(table.answers < 0, axis=0)) if share}
    assert silent == {"conv8-B", "former32-A-early", "former24-C"}
    assert set(table.answers[table.answers >= 0]) == set(range(options))


def test_council_members_run_from_weak_to_strong():
    ten, four = right(load_council(10)), right(load_council(4))
    assert 0.4 < ten.min() < 0.5 and 0.85 < ten.max() < 0.95
    assert np.all(four > ten), "four options are easier than ten"
    assert np.all(ten > 0.1) and np.all(four > 0.25), "all members beat chance"


@pytest.mark.parametrize("options", [10, 4])
def test_relatives_err_alike_and_strangers_less(options):
    table = load_council(options)
    strangers = max(same_wrong(table, *pair) for pair in STRANGERS)
    assert same_wrong(table, "conv16-A", "conv16-A-twin") > strangers + 0.05


def test_council_ids_name_900_images_twice_and_order_hides_no_answer():
    for options in (10, 4):
        with (DATA / f"council_{options}.csv").open(encoding="utf-8") as file:
            ids = [row["question_id"] for row in csv.DictReader(file)]
        assert sorted(ids) == sorted(f"{i:04d}-{noise}" for i in range(900) for noise in ("mild", "strong"))
    places = np.bincount(load_council(4).truth, minlength=4) / 1800
    assert np.all(np.abs(places - 0.25) < 0.04), "the right option stands anywhere"
    assert np.array_equal(load_council(10).truth[:900], load_council(10).truth[900:])


def test_tables_are_small():
    sizes = {path.name: path.stat().st_size for path in DATA.glob("*.csv")}
    assert sizes["council_10.csv"] + sizes["council_4.csv"] < 200_000
    assert sizes["healthcare.csv"] < 50_000


def test_healthcare_answers_match_the_patients():
    from sklearn.datasets import load_breast_cancer

    table = load_healthcare()
    assert (table.n_questions, table.n_models, set(table.n_options)) == (569, 9, {2})
    assert np.array_equal(table.truth, load_breast_cancer().target)
    assert np.all(table.answers >= 0)
    assert 0.55 < right(table).min() < 0.65 and 0.85 < right(table).max() < 0.93


def test_readme_gives_the_measured_accuracies():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for table in (load_council(10), load_council(4), load_healthcare()):
        for name, share in zip(table.models, right(table)):
            line = next(line for line in text.splitlines() if line.startswith((f"| {name} |", f"| {name}:")))
            assert f" {share:.3f} " in line, f"{name} is right on {share:.3f}"


def test_council_with_other_options_says_what_there_is():
    with pytest.raises(ValueError, match="10 or 4 options, got 5"):
        load_council(5)


def test_healthcare_recorded_again_is_the_same_but_for_a_few(tmp_path, capsys):
    from scripts import record_healthcare

    record_healthcare.main(tmp_path)
    assert different_cells(tmp_path / "healthcare.csv", DATA / "healthcare.csv") < 0.02


def test_council_asks_about_images_that_no_member_trained_on():
    from scripts import record_council

    parts = record_council.load_parts()
    assert [len(labels) for _, labels in parts.values()] == [900, 299, 299, 299]
    everything = np.concatenate([images.numpy().reshape(len(images), -1) for images, _ in parts.values()])
    assert len(np.unique(everything, axis=0)) == 1797, "no image stands in two parts"
    assert np.array_equal(record_council.ask(*parts["asked"])[2], load_council(10).truth)


@pytest.mark.long
def test_council_recorded_again_behaves_alike(tmp_path, capsys):
    from scripts import record_council

    record_council.main(tmp_path)
    for options in (10, 4):
        name = f"council_{options}.csv"
        again = type(load_council(options)).from_csv(tmp_path / name)
        assert np.max(np.abs(right(again) - right(load_council(options)))) < 0.04
        assert different_cells(tmp_path / name, DATA / name) < 0.06


def different_cells(one, other):
    """The share of cells in which two CSV tables differ."""
    one, other = (list(csv.reader(path.read_text(encoding="utf-8").splitlines())) for path in (one, other))
    assert [len(row) for row in one] == [len(row) for row in other]
    return np.mean([a != b for row, twin in zip(one, other) for a, b in zip(row, twin)])


def test_path_comes_before_the_variable_and_both_before_the_cache(tmp_path, monkeypatch):
    for name, gold in (("one.csv", "A"), ("two.csv", "B")):
        write_csv(tmp_path / name, ["question_id", "category", "n_options", "gold", "m"], [[1, "law", 10, gold, ""]])
    monkeypatch.setenv("MMLU_PRO_TABLE", str(tmp_path / "two.csv"))
    assert load_mmlu_pro().truth.tolist() == [1]
    assert load_mmlu_pro(tmp_path / "one.csv").truth.tolist() == [0]
    monkeypatch.setenv("MMLU_PRO_TABLE", str(tmp_path / "none.csv"))
    with pytest.raises(FileNotFoundError, match="the variable MMLU_PRO_TABLE names .*none.csv"):
        load_mmlu_pro()
    with pytest.raises(FileNotFoundError, match="path names .*nothing.csv"):
        load_mmlu_pro(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, "~/.cache/four-papers"),
        ("linux", {"XDG_CACHE_HOME": "~/x"}, "~/x/four-papers"),
        ("darwin", {"XDG_CACHE_HOME": "~/x"}, "~/Library/Caches/four-papers"),
        ("win32", {"LOCALAPPDATA": "~/l"}, "~/l/four-papers"),
        ("win32", {}, "~/AppData/Local/four-papers"),
        ("linux", {"FOUR_PAPERS_CACHE": "~/mine", "XDG_CACHE_HOME": "~/x"}, "~/mine"),
    ],
)
def test_cache_lies_where_the_platform_keeps_caches(platform, variables, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", platform)
    for name in ("FOUR_PAPERS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("~", str(tmp_path)))
    assert str(cache_folder()) == folder.replace("~", str(tmp_path))


def test_table_is_not_left_half_written(tmp_path):
    with pytest.raises(RuntimeError):
        write_csv(tmp_path / "table.csv", ["a"], _failing())
    assert not list(tmp_path.iterdir())


def _failing():
    yield ["first"]
    raise RuntimeError("the source broke")
