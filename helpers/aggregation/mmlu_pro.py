"""29 LLMs on MMLU-Pro: fetch the public archives of their answers once and keep one small table."""
from __future__ import annotations

import csv
import errno
import hashlib
import http.client
import socket
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from helpers.aggregation.files import write_csv
from helpers.aggregation.mmlu_pro_archives import join_answers, read_archive

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
COLUMNS = ("question_id", "category", "n_options", "gold")
MEASURED_QUESTIONS = 11_990  # in the table from which the course's numbers were taken, and its SHA-256
MEASURED_SHA256 = "724f8122d2a0c69e93f4a3cafb8e025f76cb8cf79cc24957611581ea36f2eead"
MAX_ARCHIVE = 120 * 2**20  # bytes; GitHub takes files of 100 MiB at most
TRIES, PAUSE, SILENCE, PATIENCE = 3, 2.0, 30.0, 900.0  # seconds between tries, without a byte, for one archive


def build_table(folder, base_url: str = BASE_URL) -> Path:
    """Return the path of the table of all models' answers, after fetching the archives that `folder` lacks.

    base_url: where the archives lie; may be the file:// address of the eval_results folder in a clone.
    Prints a line per archive. Raises RuntimeError, in words, when one cannot be had; those fetched so far are kept.
    """
    folder, table = Path(folder), Path(folder) / "mmlu_pro_answers.csv"
    print(f"MMLU-Pro: {len(MODELS)} archives of answers from {base_url}")
    print(f"each is kept in {folder} once it is here, so you can stop and go on later", flush=True)
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


def fetch(url: str, silence: float | None = None, patience: float | None = None) -> bytes:
    """Return the bytes at an address; TimeoutError after `silence` seconds without a byte or `patience` in all.

    Raises ConnectionError where fewer bytes came than promised, ValueError above MAX_ARCHIVE.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "four-papers"})
    give_up = time.monotonic() + (patience or PATIENCE)
    with urllib.request.urlopen(request, timeout=silence or SILENCE) as answer:
        promised, content = int(answer.headers.get("Content-Length") or 0), bytearray()
        while part := answer.read1(2**16):
            content += part
            if len(content) > MAX_ARCHIVE:
                raise ValueError(f"it is larger than {MAX_ARCHIVE // 2**20} MiB")
            if time.monotonic() > give_up:
                raise TimeoutError(f"{len(content):,} bytes in {patience or PATIENCE:.0f} s is too slow")
    if len(content) < promised:
        raise ConnectionError(f"the connection broke off after {len(content):,} of {promised:,} bytes")
    return bytes(content)


def _model_rows(model: str, folder: Path, base_url: str) -> tuple[list[list[str]], str]:
    kept, header = folder / f"{model}.csv", [*COLUMNS, "answer"]
    if kept.is_file():
        with kept.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        if rows[:1] == [header] and len(rows) > 1 and all(len(row) == len(header) for row in rows):
            return rows[1:], "kept from before"
    started = time.monotonic()
    rows, size = _fetch_rows(f"{base_url}/model_outputs_{model}_5shots.zip")
    write_csv(kept, header, rows)
    return rows, f"{size / 1e6:.1f} MB in {time.monotonic() - started:.0f} s"


def _fetch_rows(url: str) -> tuple[list[list[str]], int]:
    for left in reversed(range(TRIES)):
        try:
            content = fetch(url)
            return read_archive(content), len(content)
        except (OSError, http.client.HTTPException, zipfile.BadZipFile) as problem:
            if not left or _is_final(problem):
                raise
            print(f"      {_in_words(problem)}; trying again in {PAUSE:.0f} s", flush=True)
            time.sleep(PAUSE)


def _is_final(problem: Exception) -> bool:
    """Whether another try cannot help: the address is wrong, or there is no network at all."""
    if isinstance(problem, urllib.error.HTTPError):
        return problem.code < 500 and problem.code != 429
    reason = getattr(problem, "reason", None)
    unreachable = getattr(reason, "errno", None) in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    return unreachable or isinstance(reason, (socket.gaierror, ConnectionRefusedError))


def _in_words(problem: Exception) -> str:
    if isinstance(problem, urllib.error.HTTPError):
        return f"the server answered {problem.code} ({problem.reason})"
    if isinstance(problem, zipfile.BadZipFile):
        return f"what came is not a whole zip archive ({problem})"
    return str(getattr(problem, "reason", None) or problem or type(problem).__name__)


def _advice(model: str, base_url: str, folder: Path, fetched: int, problem: Exception) -> str:
    return (f"the answers of {model} could not be had from {base_url}: {_in_words(problem)}. What you can do: with a "
            f"network, call load_mmlu_pro() again ({fetched} of {len(MODELS)} archives are kept in {folder}); with the "
            f"table as a CSV file, call load_mmlu_pro(path=...) or set MMLU_PRO_TABLE to its path; without either, go "
            f"on: the notebook reads the derived tables that ship with the course.")


def _compared_with_ours(table: Path, questions: int) -> str:
    if hashlib.sha256(table.read_bytes()).hexdigest() == MEASURED_SHA256:
        return f"{questions:,} questions: byte for byte the table that the course measured"
    return (f"{questions:,} questions; the table that the course measured has {MEASURED_QUESTIONS:,} and other bytes, "
            f"so expect numbers close to the course's, not equal to them")
