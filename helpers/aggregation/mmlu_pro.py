"""29 LLMs on MMLU-Pro: fetch the public archives of their answers once, keep one small table."""
from __future__ import annotations

import ast
import csv
import hashlib
import http.client
import io
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from helpers.aggregation.answers import LETTERS

REVISION = "f418b116db00b065c2aea046518d8fcf74d39872"
BASE_URL = f"https://github.com/TIGER-AI-Lab/MMLU-Pro/raw/{REVISION}/eval_results"
MODELS = (
    "DeepSeek-Coder-V2", "Llama-2-13b-hf", "Llama-2-70b-hf", "Llama-2-7b-hf", "Meta-Llama-3-70B", "Meta-Llama-3-8B",
    "Meta-Llama-3_1-70B-Instruct", "Meta-Llama-3_1-70B", "Meta-Llama-3_1-8B-Instruct", "Meta-Llama-3_1-8B",
    "Mistral-7B-Instruct-v0.1", "Mistral-7B-Instruct-v0.2", "Mistral-7B-v0.1", "Mistral-7B-v0.2-hf",
    "Mixtral-8x7B-Instruct-v0.1", "Mixtral-8x7B-v0.1", "Phi-3-mini-4k-instruct", "Qwen1.5-110B", "Qwen1.5-72B-Chat",
    "Qwen1.5-7B-Chat", "Yi-34B", "Yi-6B", "Yi-6b-Chat", "c4ai-command-r-v01", "gemini-1.5-flash-002",
    "gemini-1.5-pro-002", "gemma-7b", "jamba-1.5-large", "mathstral-7B",
)  # fmt: skip
COLUMNS = ["question_id", "category", "n_options", "gold"]
MEASURED = (11_990, "724f8122d2a0c69e93f4a3cafb8e025f76cb8cf79cc24957611581ea36f2eead")  # questions and SHA-256 of ours
MAX_ARCHIVE, MAX_JSON = 120 * 2**20, 1024 * 2**20  # bytes; a file on GitHub has at most 100 MiB
TRIES, PAUSE, SILENCE, PATIENCE = 3, 2.0, 30.0, 900.0  # seconds: between tries, without a byte, per archive


def cache_folder() -> Path:
    """Return the folder for fetched tables: FOUR_PAPERS_CACHE, else four-papers in the platform's cache folder."""
    if named := os.environ.get("FOUR_PAPERS_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "four-papers"


def write_csv(path, header, rows) -> None:
    """Write a CSV table at once: the file appears complete or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def build_table(folder, base_url: str = BASE_URL) -> Path:
    """Return the path of the table of all models' answers, fetching the archives that `folder` does not have yet.

    base_url: where the archives lie; also the file:// address of the eval_results folder in a clone of the repository.
    Raises RuntimeError in words when an archive cannot be had; what was fetched until then is kept.
    """
    folder, table = Path(folder), Path(folder) / "mmlu_pro_answers.csv"
    print(f"MMLU-Pro: {len(MODELS)} archives of answers from {base_url}\nkept in {folder}; you can stop and go on later")
    answers = {}
    for number, model in enumerate(MODELS, start=1):
        try:
            answers[model], remark = _model_rows(model, folder / f"mmlu_pro-{REVISION[:7]}", base_url)
        except (OSError, http.client.HTTPException, zipfile.BadZipFile, ValueError) as problem:
            raise RuntimeError(_advice(model, base_url, folder, number - 1, problem)) from problem
        print(f"[{number:2d}/{len(MODELS)}] {model}: {len(answers[model]):,} questions, {remark}", flush=True)
    rows = join_answers(answers)
    write_csv(table, [*COLUMNS, *MODELS], rows)
    print(_compared_with_ours(table, len(rows)))
    return table


def join_answers(answers: dict[str, list[list[str]]]) -> list[list[str]]:
    """Return one row per question, sorted by id: id, category, options, right letter, then one letter per model.

    answers: per model its rows as `read_archive` gives them. A question that a model's archive lacks is empty there; one
    whose right answer or number of options is not the same in all archives was re-keyed and is dropped.
    """
    keys, categories, letters = {}, {}, {}
    for model, rows in answers.items():
        for question, category, n_options, gold, letter in rows:
            keys.setdefault(question, set()).add((n_options, gold))
            categories.setdefault(question, category)
            letters[question, model] = letter
    kept = sorted((question for question in keys if len(keys[question]) == 1), key=int)
    return [[question, categories[question], *next(iter(keys[question])),
             *(letters.get((question, model), "") for model in answers)] for question in kept]


def read_archive(content: bytes) -> list[list[str]]:
    """Return rows (question id, category, options, right letter, the model's letter or "") of one archive's bytes.

    The archive is read in memory and its names are never used as paths. Raises ValueError where it is not of the form
    published: JSON lists of records with question_id, category, options, answer and pred.
    """
    rows = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [file for file in archive.infolist() if _holds_answers(file.filename)]
        if sum(file.file_size for file in files) > MAX_JSON:
            raise ValueError(f"unpacked it would take more than {MAX_JSON // 2**20} MiB")
        for file in files:
            for record in _records(json.loads(archive.read(file))):
                row = _row(record)
                rows.setdefault(row[0], row)  # some archives repeat a question; the first answer stands
    if not rows:
        raise ValueError("it holds no JSON file with answers")
    return list(rows.values())


def _holds_answers(name: str) -> bool:
    return name.endswith(".json") and "__MACOSX" not in name and "summary" not in name.rsplit("/")[-1].lower()


def _records(loaded) -> list:
    lists = [loaded] if isinstance(loaded, list) else list(loaded.values()) if isinstance(loaded, dict) else [None]
    if not all(isinstance(part, list) for part in lists):
        raise ValueError("expected a JSON list of records (or one list per category)")
    return [record for part in lists for record in part]


def _row(record) -> list[str]:
    try:
        options, gold, picked = record["options"], record["answer"], record["pred"]
        options = ast.literal_eval(options) if isinstance(options, str) else options
        allowed = LETTERS[:sum(option != "N/A" for option in options)]
        row = [str(int(record["question_id"])), str(record["category"]), str(len(allowed)), gold]
    except (KeyError, TypeError, ValueError, SyntaxError) as problem:
        raise ValueError(f"a record is not of the published form ({type(problem).__name__}: {problem})") from None
    if not _is_one_of(gold, allowed):
        raise ValueError(f"question {row[0]} has the right answer {gold!r}, but {len(allowed)} options")
    picked = picked.strip() if isinstance(picked, str) else ""
    return [*row, picked if _is_one_of(picked, allowed) else ""]


def _is_one_of(letter, allowed: str) -> bool:
    return isinstance(letter, str) and len(letter) == 1 and letter in allowed


def _model_rows(model: str, folder: Path, base_url: str) -> tuple[list[list[str]], str]:
    kept = folder / f"{model}.csv"
    if kept.is_file():
        with kept.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file) or [[]]
        if header == [*COLUMNS, "answer"] and rows and all(len(row) == len(header) for row in rows):
            return rows, "kept from before"
    started = time.monotonic()
    content = _with_patience(lambda: fetch(f"{base_url}/model_outputs_{model}_5shots.zip"))
    rows = read_archive(content)
    write_csv(kept, [*COLUMNS, "answer"], rows)
    return rows, f"{len(content) / 1e6:.1f} MB in {time.monotonic() - started:.0f} s"
