"""A skill's own settings: the model in config.py, filled from config.yaml, the environment on top."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from .models import deepest_fault
from .scripts import LOCK, load_script


def read_config(folder: Path) -> Any:
    """Return the skill's frozen settings: config.py's model, filled from config.yaml and the environment, or None.

    Whatever config.py raises, and what is wrong with the settings, becomes a ValueError that names the file.
    """
    model = read_model(folder)
    if model is None:
        return None
    prefix = f"FAIRYCLAW_CAP_{folder.name.upper()}__"
    settings = read_settings(folder / "config.yaml")
    settings |= {key[len(prefix):].lower(): value for key, value in os.environ.items() if key.startswith(prefix)}
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        fault = deepest_fault(error)
    except Exception as error:  # a validator of the model's own
        fault = f"{type(error).__name__}: {error}; change the settings, or config.py"
    raise ValueError(f"{folder.name}/config.yaml, or {prefix}... in the environment: {fault}")


def read_model(folder: Path) -> type[BaseModel] | None:
    """Return the model that config.py has as `runtime_config_model`, None if it has none or there is no such file."""
    where = f"{folder.name}/config.py"
    if not (folder / "config.py").exists():
        return None
    try:
        with LOCK:
            model = getattr(load_script(folder, "config.py"), "runtime_config_model", None)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{where} cannot be imported ({type(error).__name__}: {error}); correct it") from error
    if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ValueError(f"{where}: runtime_config_model is {repr(model)[:60]}; make it a pydantic model, a class")
    return model


def read_settings(file: Path) -> dict:
    """Return the fields that config.yaml sets, none if there is no such file."""
    where = f"{file.parent.name}/{file.name}"
    if not file.exists():
        return {}
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not YAML ({error}); correct that place") from None
    if settings is not None and not isinstance(settings, dict):
        raise ValueError(f"{where} holds a {type(settings).__name__}; expected fields, each a line such as limit: 3")
    return settings or {}
