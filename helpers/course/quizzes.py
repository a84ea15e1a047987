"""`quiz`: a module's five questions, each wrong choice with its own explanation."""

from __future__ import annotations

import json
from importlib import resources

from helpers.course.session import check_module

# jupyterquiz loads MathJax from another host where the page has one that cannot typeset; these questions need none.
NO_MATHJAX = "if (window.MathJax && !window.MathJax.hasOwnProperty('typeset')) window.MathJax.typeset = () => {};"
# JupyterLab takes keys for its own shortcuts unless told not to; a screen reader reads out what is "live".
BY_KEYBOARD = """
document.querySelectorAll(".Quiz input").forEach((choice) => choice.setAttribute("data-lm-suppress-shortcuts", "true"));
document.querySelectorAll(".Quiz .Feedback").forEach((said) => said.setAttribute("aria-live", "polite"));
"""


def quiz(module: str) -> None:
    """Show the module's questions, for mouse or Tab, arrows and Space, where IPython runs; else print them."""
    questions = questions_of(module)
    try:
        from IPython import get_ipython
        from IPython.display import Javascript, display
        from jupyterquiz import display_quiz
    except ModuleNotFoundError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print("\n".join(as_text(number, asked) for number, asked in enumerate(questions, start=1)))
    else:
        display(Javascript(NO_MATHJAX))
        display_quiz(questions, shuffle_answers=False, max_width=760)
        display(Javascript(BY_KEYBOARD))


def questions_of(module: str) -> list[dict]:
    """Return the questions in `helpers/<module>/quiz.json`, in jupyterquiz's form."""
    check_module(module)
    return json.loads((resources.files(f"helpers.{module}") / "quiz.json").read_text(encoding="utf-8"))


def as_text(number: int, asked: dict) -> str:
    """Return one question with its choices as text."""
    return "\n".join([f"{number}. {asked['question']}", *(f"   - {choice['answer']}" for choice in asked["answers"])])
