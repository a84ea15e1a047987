"""Tables of answers read from CSV files: as people and spreadsheets write them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.aggregation import AnswerTable, simulate

HEADER = "question_id,category,n_options,gold,one,two\n"


@pytest.fixture
def read(tmp_path):
    """Return a function (text, ...) -> the table read from a file with that text."""

    def read(text, encoding="utf-8", **settings):
        path = tmp_path / "answers.csv"
        path.write_bytes(text.encode(encoding))
        return AnswerTable.from_csv(path, **settings)

    return read


def write(table: AnswerTable, name) -> str:
    """The table as CSV text, options named by `name`."""
    lines = [",".join(["gold", "n_options", *table.models])]
    for answers, truth, n_options in zip(table.answers, table.truth, table.n_options):
        lines.append(",".join([name(truth), str(n_options), *(name(answer) for answer in answers)]))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", [lambda a: "" if a < 0 else chr(65 + a), lambda a: "" if a < 0 else chr(97 + a),
                                  str, lambda a: "" if a < 0 else f" {a} "], ids=["A", "a", "int", "spaces"])
def test_round_trip(read, name):
    table = simulate((0.5, 0.7, 0.9), np.tile([2, 5, 26], 30), 90, 0, missing=0.3)
    again = read(write(table, name))
    assert np.array_equal(again.answers, table.answers) and np.array_equal(again.truth, table.truth)
    assert np.array_equal(again.n_options, table.n_options) and again.models == table.models


def test_columns(read):
    table = read(HEADER + "7,maths,4,C,b,\n8,law,3,,2,A\n")
    assert table.models == ("one", "two") and table.answers.tolist() == [[1, -1], [2, 0]]
    assert table.truth.tolist() == [2, -1] and table.n_options.tolist() == [4, 3]
    assert read("one,two\nA,B\n", truth=None, n_options=2).truth is None
    other = read("right,k,one,note\nA,2,B,x\n", truth="right", n_options="k", ignore=("note",))
    assert other.models == ("one",) and other.truth.tolist() == [0]


@pytest.mark.parametrize("text", [
    "\ufeff" + HEADER + "7,maths,4,C,B,\n",  # as Excel saves "CSV UTF-8"
    (HEADER + "7,maths,4,C,B,\n").replace("\n", "\r\n"),
    HEADER + "7,maths,4,C,B,\n\n\n",
    HEADER + '7,"maths, pure",4,"C","B",""\n',
    HEADER + "7,maths,4,C,B,",
], ids=["byte order mark", "crlf", "blank lines", "quotes", "no newline"])  # fmt: skip
def test_as_spreadsheets_write_it(read, text):
    table = read(text)
    assert table.models == ("one", "two")
    assert table.answers.tolist() == [[1, -1]] and table.truth.tolist() == [2]


@pytest.mark.parametrize("text, words", [
    ("", "header and at least one question"), (HEADER, "header and at least one question"),
    (HEADER + "7,maths,4,C,B\n", "line 2: 5 cells, but the header has 6"),
    (HEADER + "7,maths,4,C,B,A\n8,law,4,C,B,A,D\n", "line 3: 7 cells"),
    (HEADER + "7,maths,4,C,AB,A\n", "line 2, column one.*'AB'"),  # not option 0
    (HEADER + "7,maths,4,C,NO,A\n", "column one.*'NO'"),
    (HEADER + "7,maths,4,C,é,A\n", "column one"), (HEADER + "7,maths,4,C,1.5,A\n", "column one.*'1.5'"),
    (HEADER + "7,maths,4,C,?,A\n", "column one"), (HEADER + "7,maths,four,C,A,A\n", "column n_options"),
    (HEADER + "7,maths,4,C,99999999999999999999,A\n", "column one"),
    (HEADER + "7,maths,4,C,E,A\n", "option 4, but question 0 has only 4"), (HEADER + "7,maths,,C,A,A\n", "2 options"),
    (HEADER + "7,maths,4,Z,A,A\n", "truth"),
    (HEADER.replace("two", "one") + "7,maths,4,C,A,A\n", "different names"),
    ("gold,one\nA,B\n", "no column 'n_options'"), ("n_options,one\n3,B\n", "no column 'gold'"),
    (HEADER.replace(",", ";") + "7;maths;4;C;A;A\n", "has no comma"),
    ("gold\tn_options\tone\nA\t3\tB\n", "has no comma"), ("gold,n_options,one,\nA,3,B,\n", "column 4 has no name"),
    (HEADER + "\n7,maths,4,C,B\n", "line 3: 5 cells"),  # lines keep their numbers behind a blank one
    (HEADER + "7,maths,4,C,E,A\n", "answers.csv, read with the models one, two"),
    ("gold,n_options\nA,3\n", "no column is a model"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused_in_words(read, text, words):
    with pytest.raises(ValueError, match=words):
        read(text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.csv"):
        AnswerTable.from_csv(tmp_path / "nowhere.csv")


def test_blank_lines_and_blanks_around_names_do_no_harm(read):
    table = read("gold , n_options, one\n\nA,3,B\n\nC,3,C\n\n")
    assert table.models == ("one",) and table.answers.tolist() == [[1], [2]] and table.truth.tolist() == [0, 2]


def test_another_encoding_is_named(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_bytes("gold,n_options,modèle\nA,3,B\n".encode("latin-1"))
    with pytest.raises(ValueError, match="answers.csv is not in UTF-8"):
        AnswerTable.from_csv(path)
