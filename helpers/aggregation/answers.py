"""The one object of this module: who answered what."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike

NO_ANSWER = -1
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, eq=False)
class AnswerTable:
    """Recorded answers of several models to the same multiple-choice questions.

    answers: int (questions, models), option index from 0, -1 where a model gave none.
    n_options: options per question, one int for all or one per question; at least 2.
    truth: int (questions,), -1 where unknown, or None. Only `accuracy`, `compare` and the plots read it.
    models: one name per model; "model 1", "model 2", ... when left out.
    Raises ValueError where an entry is not a whole number or lies outside its question's options.
    """

    answers: Int[np.ndarray, "questions models"] | ArrayLike
    n_options: Int[np.ndarray, " questions"] | ArrayLike
    truth: Int[np.ndarray, " questions"] | ArrayLike | None = None
    models: Sequence[str] | None = None

    def __post_init__(self):
        answers = _whole_numbers(self.answers, "answers")
        if answers.ndim != 2 or answers.shape[1] == 0:
            raise ValueError(f"answers must be a (questions, models) table with at least one model, got shape "
                             f"{answers.shape}; one list of answers per question?")
        n_options = options_per_question(self.n_options, len(answers))
        _inside_options(answers, n_options[:, None], "answers")
        truth = self.truth
        if truth is not None:
            truth = _whole_numbers(truth, "truth")
            if truth.shape != (len(answers),):
                raise ValueError(f"truth must have one entry per question, shape ({len(answers)},), got {truth.shape}")
            _inside_options(truth, n_options, "truth")
        names = self.models if self.models is not None else [f"model {i + 1}" for i in range(answers.shape[1])]
        models = tuple(map(str, names))
        if len(models) != answers.shape[1] or len(set(models)) != len(models):
            raise ValueError(f"models must be {answers.shape[1]} different names, got {list(models)}")
        for field, value in (("answers", answers), ("n_options", n_options), ("truth", truth)):
            if value is not None:
                value.setflags(write=False)
            object.__setattr__(self, field, value)
        object.__setattr__(self, "models", models)

    @property
    def n_questions(self) -> int:
        return self.answers.shape[0]

    @property
    def n_models(self) -> int:
        return self.answers.shape[1]

    @property
    def n_answering(self) -> int:
        """The number of models that answered anything."""
        return int(np.sum(np.any(self.answers >= 0, axis=0)))

    @classmethod
    def from_csv(cls, path, truth="gold", n_options="n_options", ignore=("question_id", "category")) -> AnswerTable:
        """Return the table in a CSV file with one row per question and one column per model.

        Cells are letters (A is option 0) or ints from 0; empty is no answer. `truth` and `n_options` name columns; pass
        truth=None where there is none, and an int as `n_options` where all questions have equally many. Columns in
        `ignore` are skipped, all others are models.
        Raises FileNotFoundError, and ValueError that names the file, and line and column where there is one.
        """
        header, rows = _read_rows(path)
        wanted = [name for name in (truth, n_options) if isinstance(name, str)]
        if missing := [name for name in wanted if name not in header]:
            raise ValueError(f"{path}: no column {missing[0]!r} among {header[:6]}...; name yours in from_csv(...), or "
                             f"pass truth=None without a right answer, n_options=4 for four options everywhere")
        models = [name for name in header if name not in {*wanted, *ignore}]
        if not models:
            raise ValueError(f"{path}: no column is a model's answers, for all are named by truth, n_options or ignore")
        columns = {name: _read_column(path, rows, header, name) for name in [*wanted, *models]}
        try:
            return cls(answers=np.stack([columns[name] for name in models], axis=1),
                       n_options=columns[n_options] if isinstance(n_options, str) else n_options,
                       truth=columns[truth] if truth else None, models=tuple(models))
        except ValueError as error:
            raise ValueError(f"{path}, read with the models {', '.join(models[:6])}: {error}; is each of these columns "
                             f"a model's answers? List the others in ignore=(...)") from None

    def relabelled(self, seed) -> AnswerTable:
        """Return the table with the options of each question renamed at random, alike for all models and the truth.

        This is all that can be done to answers already recorded: the models still saw one order of the options.
        """
        order = random_orders(self.n_options, int(self.n_options.max(initial=2)), np.random.default_rng(seed))

        def rename(options):
            return np.where(options < 0, NO_ANSWER, np.take_along_axis(order, np.maximum(options, 0), axis=1))

        truth = None if self.truth is None else rename(self.truth[:, None])[:, 0]
        return replace(self, answers=rename(self.answers), truth=truth)

    def subset(self, models=None, questions=None) -> AnswerTable:
        """Return the table of some models (names or indices) and some questions (indices or a bool mask)."""
        columns = list(range(self.n_models)) if models is None else [self._column(model) for model in models]
        rows = np.arange(self.n_questions)
        if questions is not None:
            rows = rows[np.asarray(questions)] if np.size(questions) else rows[:0]
        truth = None if self.truth is None else self.truth[rows]
        return AnswerTable(self.answers[np.ix_(rows, columns)], self.n_options[rows], truth,
                           tuple(self.models[i] for i in columns))

    def _column(self, model) -> int:
        if isinstance(model, str):
            if model not in self.models:
                raise ValueError(f"no model {model!r} in this table; it has {', '.join(self.models)}")
            return self.models.index(model)
        if isinstance(model, (bool, np.bool_)) or not -self.n_models <= model < self.n_models:
            raise ValueError(f"models are chosen by name or by index below {self.n_models}, got {model!r}")
        return range(self.n_models)[model]

    def __repr__(self) -> str:
        options = sorted(set(self.n_options.tolist()))
        shown = f"{options[0]}" if len(options) == 1 else f"{options[0]} to {options[-1]}" if options else "no"
        return (f"AnswerTable({self.n_questions:,} questions x {self.n_models} models, {shown} options, "
                f"{np.mean(self.answers >= 0) if self.answers.size else 0:.1%} answered, "
                f"truth {'known' if self.truth is not None else 'hidden'})")


def random_orders(n_options: Int[np.ndarray, " questions"], width: int, rng) -> Int[np.ndarray, "questions width"]:
    """Return one random permutation of 0..n_options-1 per question; columns beyond a question's options stay put."""
    keys = rng.random((len(n_options), width))
    beyond = np.arange(width) >= np.asarray(n_options)[:, None]
    return np.argsort(np.where(beyond, 1 + np.arange(width), keys), axis=1)


def _whole_numbers(values, name) -> np.ndarray:
    try:
        values = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must have rows of equal length; write -1 where there is no answer") from None
    if values.dtype.kind not in "iu":
        try:
            floats = np.asarray(values, dtype=float)
        except (TypeError, ValueError):
            raise ValueError(f"{name} must be whole numbers (option indices from 0, -1 for none), got {values.dtype} "
                             f"values; AnswerTable.from_csv reads letters") from None
        if not np.all(np.isfinite(floats)) or np.any(floats != np.floor(floats)):
            raise ValueError(f"{name} must be whole numbers, got NaN, None or fractions; -1 stands for no answer")
        values = floats
    if values.size and (values.min() < -1 or values.max() > 32_767):
        raise ValueError(f"{name} must lie between -1 and 32,767, got {values.min()} to {values.max()}")
    return values.astype(np.int16, copy=True)


def options_per_question(n_options, n_questions) -> np.ndarray:
    """Return the options of each question, (questions,); ValueError unless n_options is one int or one per question."""
    n_options = _whole_numbers(n_options, "n_options")
    if n_options.ndim == 0:
        n_options = np.full(n_questions, n_options)
    if n_options.shape != (n_questions,):
        raise ValueError(f"n_options must be one int or {n_questions}, one per question; got shape {n_options.shape}")
    if n_options.size and n_options.min() < 2:
        raise ValueError(f"every question needs at least 2 options, got {n_options.min()}")
    return n_options


def _inside_options(options, n_options, name) -> None:
    outside = np.argwhere(options >= n_options)
    if len(outside):
        where = tuple(int(i) for i in outside[0])
        raise ValueError(f"{name}{list(where)} is option {options[where]}, but question {where[0]} has only "
                         f"{np.broadcast_to(n_options, options.shape)[where]} options (counted from 0)")


def option_of(cell: str) -> int:
    """Return the option that a letter (A is 0) or a number names; ValueError for anything else."""
    return LETTERS.index(cell.upper()) if len(cell) == 1 and cell.isalpha() else int(cell)


def _read_rows(path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header's names and the other lines with their numbers; blank lines are left out."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:  # spreadsheets write a byte order mark
            lines = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not in UTF-8; save it again as CSV in UTF-8") from None
    if len(lines) < 2:
        raise ValueError(f"{path}: expected a header and at least one question, got {len(lines)} lines")
    header = [name.strip() for name in lines[0][1]]
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise ValueError(f"{path}: the header {header[0]!r} has no comma; expected commas between the columns")
    if "" in header:
        raise ValueError(f"{path}: column {header.index('') + 1} has no name; name it, or drop the last comma")
    return header, lines[1:]


def _read_column(path, rows, header, name) -> np.ndarray:
    column = header.index(name)
    values = np.empty(len(rows), dtype=np.int64)
    for place, (line, row) in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"{path}, line {line}: {len(row)} cells, but the header has {len(header)}")
        cell = row[column].strip()
        try:
            values[place] = NO_ANSWER if cell == "" else option_of(cell)
        except (ValueError, OverflowError):
            raise ValueError(f"{path}, line {line}, column {name}: expected a letter, an int or nothing, "
                             f"got {cell!r}") from None
    return values
