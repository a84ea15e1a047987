"""Answers that real models gave: two councils that ship with the course, and 29 LLMs on MMLU-Pro."""
from __future__ import annotations

import os
from pathlib import Path

from helpers.aggregation.answers import AnswerTable
from helpers.aggregation.files import DATA, cache_folder
from helpers.aggregation.mmlu_pro import BASE_URL, build_table


def load_council(options: int = 10) -> AnswerTable:
    """Return what ten small networks answered to 1,800 questions about noisy handwritten digits.

    options: 10 ("which digit?", never shuffled) or 4 (the truth and three others in a drawn order). See data/README.md.
    """
    if options not in (10, 4):
        raise ValueError(f"the council was asked with 10 or 4 options, got {options!r}; try load_council(options=4)")
    return AnswerTable.from_csv(DATA / f"council_{options}.csv")


def load_healthcare() -> AnswerTable:
    """Return what nine weakened classifiers said about 569 breast tumours, out of fold: A malignant, B benign.

    It stands in for the paper's private ARMMAN data: two options, models of unequal accuracy. See data/README.md.
    """
    return AnswerTable.from_csv(DATA / "healthcare.csv")


def load_mmlu_pro(path=None, *, base_url: str = BASE_URL, folder=None) -> AnswerTable:
    """Return what 29 LLMs answered to 11,990 questions of MMLU-Pro with 3 to 10 options.

    path: the table as a CSV file; left out, the variable MMLU_PRO_TABLE, then the copy in `folder` (left out, the
    course's cache folder), which is first made from the archives at `base_url` where it is missing.
    Raises FileNotFoundError for a path without a file, RuntimeError, in words, where there is no network.
    """
    named = path or os.environ.get("MMLU_PRO_TABLE")
    if named and not Path(named).is_file():
        source = "path" if path else "the variable MMLU_PRO_TABLE"
        raise FileNotFoundError(f"{source} names {named}, and there is no such file; leave it out to fetch the answers")
    if named:
        return AnswerTable.from_csv(named)
    folder = Path(folder or cache_folder())
    kept = folder / "mmlu_pro_answers.csv"
    return AnswerTable.from_csv(kept if kept.is_file() else build_table(folder, base_url))
