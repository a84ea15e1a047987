"""Lists the payments that the ledger does not have; those on hold are not open."""

import csv
import json
from pathlib import Path


async def execute(args, context):
    paid = {json.loads(line)["id"] for line in Path("ledger.jsonl").read_text(encoding="utf-8").splitlines()}
    with open("payments.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["id"] not in paid and row["status"] != "hold"]
    return "Error: open: " + ", ".join(f"{row['id']} {row['amount']}" for row in rows) if rows else "nothing is open"
