"""Checks compose.yaml against the rules of policy.md."""

from pathlib import Path

from helpers.formal_skills.actions import read_yaml


async def execute(args, context):
    services, found = read_yaml(Path("compose.yaml"))["services"], []
    for name, service in services.items():
        if ":" not in service["image"] or service["image"].endswith(":latest"):
            found.append(f"{name}: image {service['image']} has no fixed version")
        if service.get("privileged"):
            found.append(f"{name}: runs privileged")
        if any(str(port).startswith("0.0.0.0") for port in service.get("ports", [])):
            found.append(f"{name}: a port is open to every address")
        if not service.get("read_only") and name != "db":
            found.append(f"{name}: its file system can be written")
    return "Error: " + "; ".join(found) if found else "the policy holds"
