"""Pays: adds a line to the ledger, as the bank would, whether or not the payment is there already."""

import json


async def execute(args, context):
    with open("ledger.jsonl", "a", encoding="utf-8") as ledger:
        ledger.write(json.dumps({"id": args["id"], "amount": args["amount"]}) + "\n")
    return f"paid {args['id']}"
