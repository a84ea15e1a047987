"""Lists what the two files do not agree on and the output does not have yet."""

import csv
import json
from pathlib import Path


def amounts(name):
    with open(name, encoding="utf-8", newline="") as file:
        return {row["reference"]: row["amount"] for row in csv.DictReader(file)}


async def execute(args, context):
    bank, books, path = amounts("bank.csv"), amounts("books.csv"), Path("differences.json")
    written = {row["reference"] for row in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else set()
    left = [key for key in sorted(bank | books) if bank.get(key) != books.get(key) and key not in written]
    shown = ", ".join(f"{key} (bank {bank.get(key)}, books {books.get(key)})" for key in left)
    return f"Error: not written yet: {shown}" if left else "nothing is left"
