"""The generated parts of README.md: each stands between a pair of comments that name it."""

from __future__ import annotations

import re
from importlib import import_module

from helpers.course.claims import Measured

HEADS = ("module", "claim", "paper", "ours [95 % interval]", "seeds", "verdict")


def replace_section(text: str, name: str, content: str) -> str:
    """The text with `content` between `<!-- name:begin -->` and `<!-- name:end -->`; ValueError if they are missing."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"expected one line {begin} and after it one {end} in README.md; put both back")
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
    rows = []
    for row in content["claims"]:
        paper = row["paper"] or "says nothing"
        rows.append((row["module"], row["claim"], paper, measured(row).figure(), row["seeds"], row["verdict"]))
    costs = [(about["module"], f"{about['seconds']:.0f}", about["peak_mib"]) for about in content["notebooks"]]
    return f"\n{table(HEADS, rows)}\n{table(('notebook', 'seconds', 'peak MiB'), costs)}\n"
