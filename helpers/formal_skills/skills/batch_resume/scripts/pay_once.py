"""A guard: nothing is paid twice, nothing unknown is paid, and the amount is the one that was asked for."""

import csv
import json
from pathlib import Path

from helpers.formal_skills.payloads import deny


async def execute_hook(hook_input):
    request = hook_input.payload.request
    if request.name != "pay":
        return None
    args, root = json.loads(request.arguments_json), Path(hook_input.context.state["meta"]["workspace_root"])
    paid = {json.loads(line)["id"] for line in (root / "ledger.jsonl").read_text(encoding="utf-8").splitlines()}
    if args["id"] in paid:
        return deny(f"{args['id']} is in the ledger already; it is paid once")
    with open(root / "payments.csv", encoding="utf-8", newline="") as file:
        asked = {row["id"]: float(row["amount"]) for row in csv.DictReader(file)}
    if asked.get(args["id"]) != args["amount"]:
        return deny(f"payments.csv asks for {asked.get(args['id'])} for {args['id']}, not {args['amount']}")
    return None
