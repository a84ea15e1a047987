"""The published form of one model's answers to MMLU-Pro, and how many models' answers become one table."""
from __future__ import annotations

import ast
import io
import json
import zipfile
import zlib

from helpers.aggregation.answers import LETTERS

MAX_UNPACKED = 1024 * 2**20  # bytes; the JSON of one model takes some 50 MB


def read_archive(content: bytes) -> list[list[str]]:
    """Return rows (question id, category, number of options, right letter, the model's letter) of one archive's bytes.

    The model's letter is "" where it gave no usable answer, the right letter "" where the record contradicts itself.
    The archive is read in memory and its names are never used as paths. Raises ValueError where it is not of the form
    published: JSON lists of records with question_id, category, options, answer, answer_index and pred.
    """
    rows = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [file for file in archive.infolist() if _holds_answers(file.filename)]
        if sum(file.file_size for file in files) > MAX_UNPACKED:
            raise ValueError(f"unpacked it would take more than {MAX_UNPACKED // 2**20} MiB")
        for file in files:
            for record in _records(json.loads(_unpack(archive, file))):
                row = _row(record)
                rows.setdefault(row[0], row)  # where a question is repeated, the first answer stands
    if not rows:
        raise ValueError("it holds no JSON file with answers")
    return list(rows.values())


def join_answers(answers: dict[str, list[list[str]]]) -> list[list[str]]:
    """Return one row per question, sorted by id: id, category, number of options, right letter, one letter per model.

    answers: per model the rows that `read_archive` returns. A question that a model's archive lacks is empty there. One
    whose right answer or number of options is not the same in all archives was re-keyed between them and is dropped.
    """
    keys, categories, letters = {}, {}, {}
    for model, rows in answers.items():
        for question, category, n_options, gold, letter in rows:
            keys.setdefault(question, set()).add((n_options, gold))
            categories.setdefault(question, category)
            letters[question, model] = letter
    joined = []
    for question in sorted(keys, key=int):
        (n_options, gold), *others = keys[question]
        if gold and not others:
            picked = [letters.get((question, model), "") for model in answers]
            joined.append([question, categories[question], n_options, gold, *picked])
    return joined


def _unpack(archive, file) -> bytes:
    try:
        return archive.read(file)
    except (RuntimeError, EOFError, zlib.error) as problem:  # encrypted, cut short, or damaged inside
        raise zipfile.BadZipFile(f"{file.filename}: {problem}") from None


def _holds_answers(name: str) -> bool:
    return name.endswith(".json") and "__MACOSX" not in name and "summary" not in name.rsplit("/")[-1].lower()


def _records(loaded) -> list:
    lists = list(loaded.values()) if isinstance(loaded, dict) else [loaded]  # some hold one list per category
    if not all(isinstance(part, list) for part in lists):
        raise ValueError("expected a JSON list of records, or one such list per category")
    return [record for part in lists for record in part]


def _row(record) -> list[str]:
    try:
        options, gold, picked = record["options"], record["answer"], record["pred"]
        options = ast.literal_eval(options) if isinstance(options, str) else options
        allowed = LETTERS[:sum(option != "N/A" for option in options)]  # older releases fill up to ten with "N/A"
        right = gold if gold == LETTERS[record["answer_index"]] and gold in allowed else ""
        return [str(int(record["question_id"])), str(record["category"]), str(len(allowed)), right,
                _letter(picked, allowed)]
    except (LookupError, TypeError, ValueError, SyntaxError) as problem:
        raise ValueError(f"a record is not of the published form ({type(problem).__name__}: {problem})") from None


def _letter(picked, allowed: str) -> str:
    picked = picked.strip() if isinstance(picked, str) else ""
    return picked if len(picked) == 1 and picked in allowed else ""
