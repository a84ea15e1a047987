"""The generated parts of README.md: each stands between a pair of comments that name it."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module

from helpers.course.claims import NEW, NOT, PARTLY, REPRODUCED, REVERSED, Measured

VERDICTS = (NEW, REPRODUCED, PARTLY, NOT, REVERSED)
OF_GUESSES = {NEW: "hold", PARTLY: "partly", NOT: "do not", REVERSED: "the opposite"}
HEADS = ("claim", "paper", "ours [95 % interval]", "seeds", "verdict", "rule: our figure lies")


def replace_section(text: str, name: str, content: str) -> str:
    """The text with `content` between `<!-- name:begin -->` and `<!-- name:end -->`; ValueError if they are missing."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"expected one line {begin} and after it one {end} in the file; put both back")
    return pattern.sub(lambda found: found[1] + content + found[2], text)


def table(heads, rows) -> str:
    """A Markdown table; what would end a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[" ".join(str(cell).replace("|", "\\|").split()) for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def measured(row: dict) -> Measured:
    """A row of claims.json together with the claim that its module declares; ValueError where it declares none."""
    declared = import_module(f"helpers.{row['module']}.claims").CLAIMS
    if row["id"] not in declared:
        raise ValueError(f"claims.json has {row['id']!r}, which helpers/{row['module']}/claims.py does not declare; "
                         "run make notebooks")
    figures = (row[key] for key in ("ours", "low", "high", "seeds", "verdict"))
    return Measured(declared[row["id"]], *figures)


def claims_section(content: dict) -> str:
    """README's tables of claims and of what each notebook costs, from the content of claims.json; "" if it is empty."""
    if not content["claims"]:
        return ""
    modules = dict.fromkeys(row["module"] for row in content["claims"])
    folds = "".join(fold(module, [row for row in content["claims"] if row["module"] == module]) for module in modules)
    costs = [(about["module"], f"{about['seconds']:.0f}", about["peak_mib"]) for about in content["notebooks"]]
    return f"\n{folds}{table(('notebook', 'seconds', 'peak MiB'), costs)}\n"


def fold(module: str, rows: list[dict]) -> str:
    """A module's claims behind a line that counts its verdicts, opened by a click."""
    cells = [(row["claim"], row["paper"] or "says nothing", measured(row).figure(), row["seeds"],
              measured(row).outcome, measured(row).claim.rule.aim) for row in rows]  # fmt: skip
    return f"<details><summary><b>{module}</b>: {counted(rows)}</summary>\n\n{table(HEADS, cells)}\n</details>\n\n"


def counted(rows: list[dict]) -> str:
    """How many claims of the paper came out how, and apart from them how many guesses of ours."""
    said = []
    for one, several, some, words in (
        ("claim of the paper", "claims of the paper", [row for row in rows if row["paper"]], {}),
        ("guess of ours", "guesses of ours", [row for row in rows if not row["paper"]], OF_GUESSES),
    ):
        counts = Counter(row["verdict"] for row in some)
        parts = ", ".join(f"{counts[verdict]} {words.get(verdict, verdict)}" for verdict in VERDICTS if counts[verdict])
        said += [f"{len(some)} {one if len(some) == 1 else several}: {parts}"] if some else []
    return "; ".join(said)
