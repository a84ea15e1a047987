"""What the recording scripts are asked to do: a word that they do not know stops them at once, with a sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts import record_injection, record_lora, record_skills
from scripts.notebook_format import ROOT


@pytest.mark.parametrize("words", ["", "nope", "runn 0 1", "run", "train", "train x", "run 0 7", "collect 0"])
def test_module_1_says_what_it_expects(words):
    with pytest.raises(SystemExit, match=f"^expected train or run with seeds .* got {words or 'nothing'}; try: "):
        record_injection.asked(words.split())


@pytest.mark.parametrize("words, got", [("nope", "nope"), ("main nope", "nope"), ("", "none")])
def test_module_3_says_what_it_expects(words, got):
    with pytest.raises(SystemExit, match=f"^expected names out of main, rank-.*run_real; got {got}; try: "):
        record_lora.asked(words.split())


def test_module_4_says_what_it_expects():
    with pytest.raises(SystemExit, match="^expected names out of sloppy, .*runs, or none for all; got nope, no; try: "):
        record_skills.asked(["runs", "nope", "no"])


def test_what_is_known_is_taken():
    assert record_injection.asked(["run", "0", "4"]) == ("run", [0, 4])
    assert record_injection.asked(["collect"]) == ("collect", [])
    assert record_lora.asked(["rank-4", "run_real"]) == ["rank-4", "run_real"]
    assert record_skills.asked(["runs"]) == ["runs"] and {"lapses", "runs"} < set(record_skills.asked([]))


def test_a_misspelt_word_starts_nothing(tmp_path):
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from scripts import record_injection as r; r.main(['runn'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("expected train or run") and not any(tmp_path.iterdir())
