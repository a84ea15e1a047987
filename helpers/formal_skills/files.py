"""Files of a run and of a skill: JSON that is read with care, schemas for it, lines that are written whole."""

from __future__ import annotations

import json
import os
from math import isfinite
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema_specifications import REGISTRY
from referencing import Resource
from referencing.jsonschema import DRAFT202012


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, or raise a ValueError that says where it stops being JSON."""
    where = f"{path.parent.name}/{path.name}"
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path.parent.name} has no {path.name}; is it the folder of a formal skill?") from None
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); expected a file of JSON") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON ({error}); correct that place") from None


def parse_json(text: str) -> Any:
    """Return what a JSON text says; NaN, Infinity and what is too large for a float are a ValueError."""
    return json.loads(text, parse_constant=finite, parse_float=finite)


def finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is no number of JSON")
    return number


def check_schema(schema: Any) -> None:
    """Raise a ValueError if a value is no JSON schema, or a "$ref" in it leads nowhere or back to itself."""
    if not isinstance(schema, dict):
        raise ValueError(f"a JSON schema is an object, not {repr(schema)[:60]}")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        resource = Resource.from_contents(schema, default_specification=DRAFT202012)
        check_references(resource, REGISTRY.resolver_with_root(resource))
        list(jsonschema.Draft202012Validator(schema, registry=REGISTRY).iter_errors({}))
    except jsonschema.SchemaError as error:
        raise ValueError(f"it is no JSON schema: {error.message[:200]}") from None
    except Exception as error:  # a reference that cannot be followed has errors of many names
        why = "it leads back to itself" if isinstance(error, RecursionError) else str(error)[:200]
        raise ValueError(f'no value can be held against it, mend its "$ref": {why}') from None


def check_references(resource: Resource, resolver: Any) -> None:
    """Follow every "$ref" of a schema and of its parts; raises what the library `referencing` raises."""
    for key in ("$ref", "$dynamicRef"):
        if isinstance(resource.contents, dict) and key in resource.contents:
            resolver.lookup(resource.contents[key])
    for part in resource.subresources():
        check_references(part, resolver.in_subresource(part))


def schema_fault(schema: dict[str, Any], value: Any, longest: int = 200) -> str:
    """Return where and why a value does not fit a schema, or cannot be held against it, cut; "" if it fits."""
    try:
        faults = jsonschema.Draft202012Validator(schema, registry=REGISTRY).iter_errors(value)
        fault = jsonschema.exceptions.best_match(faults)
    except Exception as error:  # such as a number that is too large to be divided
        return f"$: cannot be checked ({type(error).__name__}: {str(error)[:longest]})"
    return f"{fault.json_path[:100]}: {fault.message[:longest]}" if fault else ""


def inside(root: Path, path: str) -> Path:
    """Return the place of a path below a folder, links followed, or raise a ValueError if it lies outside."""
    place = (root / path).resolve()
    if not place.is_relative_to(root.resolve()):
        raise ValueError(f"{path} lies outside {root.name}")
    return place


to_json = json.JSONEncoder(default=str).encode  # what json.dumps(..., default=str) makes anew each time


def append_line(path: Path, entry: dict) -> dict:
    """Add an entry as one line of JSON, in one write: a process that is killed leaves the line or nothing of it.

    Returns the entry as it will be read again.
    """
    line = to_json(entry).encode() + b"\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)
    return json.loads(line)


def read_lines(path: Path) -> list[dict]:
    """Return the entries of a file of JSON lines; a torn last line, left by a full disk, is cut off."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return [json.loads(line) for line in data[:whole].splitlines()]
