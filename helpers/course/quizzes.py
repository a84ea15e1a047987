"""`quiz`: a module's five questions, each wrong choice with its own explanation."""

from __future__ import annotations

import json
from importlib import resources

from helpers.course.session import check_module


def quiz(module: str) -> None:
    """Show the module's questions as buttons where IPython runs, else print them."""
    questions = questions_of(module)
    try:
        from IPython import get_ipython
        from jupyterquiz import display_quiz
    except ModuleNotFoundError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print("\n".join(as_text(number, asked) for number, asked in enumerate(questions, start=1)))
    else:
        display_quiz(questions, shuffle_answers=False, max_width=760)


def questions_of(module: str) -> list[dict]:
    """Return the questions in `helpers/<module>/quiz.json`, in jupyterquiz's form."""
    check_module(module)
    return json.loads((resources.files(f"helpers.{module}") / "quiz.json").read_text(encoding="utf-8"))


def as_text(number: int, asked: dict) -> str:
    """Return one question with its choices as text."""
    return "\n".join([f"{number}. {asked['question']}", *(f"   - {choice['answer']}" for choice in asked["answers"])])
