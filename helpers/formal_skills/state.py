"""The run's skill-local state, JSON that hooks and executors share: what one of them leaves broken is put back."""

from __future__ import annotations

import json

from .compat import ENDED, INBOX
from .files import to_json


class Kept:
    """A state as it was before a hook or an executor had it."""

    def __init__(self, state: dict) -> None:
        self.text = to_json(state)
        self.state = json.loads(self.text)

    def same(self, state: dict) -> bool:
        """Return whether a state is as it was before; not if it cannot be compared, as an array cannot."""
        try:
            return bool(state == self.state)
        except Exception:
            return False

    def check(self, state: dict) -> str:
        """Return the state as JSON; ValueError, TypeError or RecursionError if the run could not go on with it."""
        if to_json(state) == self.text:
            return self.text
        if state.get("phases") != self.state.get("phases"):
            raise ValueError("state['phases'] was changed; only phases.json moves a run from phase to phase")
        if not all(isinstance(text, str) for text in list(state.get(INBOX, []))):
            raise ValueError(f"state[{INBOX!r}] has to be a list of texts")
        if ENDED in state and not {"status", "summary"} <= dict(state[ENDED]).keys():
            raise ValueError(f"state[{ENDED!r}] has to have status and summary")
        self.__init__(state)
        return self.text

    def mend(self, state: dict) -> None:
        """Put the state back, in place, if the run could not go on with it."""
        try:
            self.check(state)
        except (ValueError, TypeError, RecursionError):
            state.clear()
            state.update(json.loads(self.text))
