"""Which skills a task needs: by the words of their descriptions, or by asking a model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer

from helpers.course.threads import in_thread

from .drivers import Driver, answer
from .manifest import FormalSkill

STOP = {"the", "and", "with", "that", "its", "not", "for", "are", "all", "which", "each", "from", "then", "write"}


def route(prompt: str, skills: Sequence[FormalSkill], most: int = 1) -> list[FormalSkill]:
    """Return the skills whose names and descriptions are nearest to a task by TF-IDF, at most `most`, best first.

    Skills that share no word with the task are left out; if all do, all are returned, for the driver to choose.
    """
    if not skills:
        return []
    texts = [f"{re.sub('(?<=[a-z])(?=[A-Z])', ' ', skill.name)} {skill.description}" for skill in skills]
    words = TfidfVectorizer(analyzer=stems).fit([*texts, prompt])
    near = (words.transform(texts) @ words.transform([prompt]).T).toarray()[:, 0]
    best = [skills[place] for place in (-near).argsort(kind="stable") if near[place] > 0]
    return best[:most] or list(skills)


def stems(text: str) -> list[str]:
    """Return the words of a text, shortened to five letters, so that "repair" finds "repairing"."""
    return [word[:5] for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in STOP]


def route_by_model(prompt: str, skills: Sequence[FormalSkill], driver: Driver) -> list[FormalSkill]:
    """Return the skills that a model names for a task (FairyClaw's ToolRouter); all if its answer is no list."""
    lines = "\n".join(f"{skill.name}: {skill.description}" for skill in skills)
    order = f"Which of these skills does the task need? Answer with a JSON array of names.\n{lines}"
    asked = [{"role": "system", "content": order}, {"role": "user", "content": prompt}]
    said = in_thread(answer(driver, asked, [], {})).text
    try:
        named = json.loads(said[said.index("[") : said.rindex("]") + 1])
        return [skill for skill in skills if skill.name in named] or list(skills)
    except (ValueError, TypeError, RecursionError):
        return list(skills)
