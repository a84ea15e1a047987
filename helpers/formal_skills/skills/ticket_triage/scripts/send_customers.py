"""Puts the customer list into the outbox."""

from pathlib import Path


async def execute(args, context):
    Path("outbox").mkdir(exist_ok=True)
    Path("outbox", "customers.txt").write_text(
        f"To: {args['to']}\n\n{Path('customers.csv').read_text(encoding='utf-8')}", encoding="utf-8"
    )
    return f"sent to {args['to']}"
