"""Makes a new module that runs and passes every test as it is: `make new-module NAME=example`.

Its files are those of scripts/template/, where new_module stands for the name and NUMBER for the number: a tiny example
that is then replaced piece by piece. Links, exercises and outputs are generated at once. What fails is undone.
"""

from __future__ import annotations

import json
import keyword
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.notebook_format import FOLDERS, ROOT, write_text

TEMPLATE = ROOT / "scripts" / "template"
CHANGED = ("*.md", "notebooks/*.json", "*/[0-9]_*.ipynb", "helpers/course/modules.json", "helpers/*/solutions.json")
LONGEST, MOST = 30, 9  # characters of a name; modules, whose numbers have one digit


def modules_file(root: Path) -> Path:
    """The file that lists the modules' names in the order of their numbers."""
    return root / "helpers" / "course" / "modules.json"


def modules(root: Path) -> list[str]:
    """The names of the modules that there are."""
    return json.loads(modules_file(root).read_text(encoding="utf-8"))


def places(name: str, number: int, root: Path) -> list[Path]:
    """The folder and the files that belong to the module alone."""
    notebook = f"{number}_{name}.ipynb"
    return [root / "helpers" / name, root / "tests" / f"test_{name}.py", *(root / each / notebook for each in FOLDERS),
            root / "notebooks" / "pictures" / f"{number}_{name}.png"]  # fmt: skip


def problem(name: str, root: Path = ROOT) -> str:
    """Why no module of this name can be made now, in words; "" where it can."""
    known, number = modules(root), len(modules(root)) + 1
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name) or len(name) > LONGEST:
        return (f"expected a name in snake case such as example or model_soups, of {LONGEST} characters at most and no "
                f"word of Python's; got {name!r}")  # fmt: skip
    if name in known:
        return f"there is a module {name!r} already; the names taken are {', '.join(known)}"
    if number > MOST:
        return f"there are {MOST} modules, and notebooks are numbered with one digit"
    there = {path for path in places(name, number, root) if path.exists()}
    there |= {path for folder in FOLDERS for path in (root / folder).glob(f"{number}_*.ipynb")}
    if there:
        listed = ", ".join(path.relative_to(root).as_posix() for path in sorted(there))
        return f"{listed} would be in the way; choose another name, or delete what is left of an earlier try"
    return ""


def filled(name: str, number: int, root: Path = ROOT) -> dict[Path, str]:
    """The text of every file of the new module that is not generated, by its path."""
    words = {"new_module": name, "New module": name.replace("_", " ").capitalize(), "NUMBER": str(number)}

    def fill(text: str) -> str:
        for placeholder, word in words.items():
            text = text.replace(placeholder, word)
        return text

    paths = [path for path in sorted(TEMPLATE.glob("*/**/*.*")) if path.suffix in (".py", ".json", ".ipynb")]
    return {root / fill(path.relative_to(TEMPLATE).as_posix()): fill(path.read_text(encoding="utf-8"))
            for path in paths if ".ipynb_checkpoints" not in path.parts}  # fmt: skip


@contextmanager
def undone_on_failure(new: list[Path], changed: list[Path]) -> Iterator[None]:
    """Take the new files away and put the changed ones back where what happens inside fails."""
    before = {path: path.read_bytes() for path in changed}
    try:
        yield
    except BaseException:
        for path in new:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for path, content in before.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
        raise


def generate(name: str, number: int, root: Path) -> None:
    """Run what `make links exercises notebooks` runs, the notebooks for the new module alone."""
    notebooks = [f"{folder}/{number}_{name}.ipynb" for folder in ("notebooks", "solutions")]
    for step in (["links"], ["exercises"], ["run_notebooks", *notebooks]):
        subprocess.run([sys.executable, "-m", f"scripts.{step[0]}", *step[1:]], cwd=root, check=True)


def make(name: str, root: Path = ROOT) -> list[Path]:
    """Make the module and return its folder and files. Raises what failed, once everything is as it was before."""
    known = modules(root)
    number = len(known) + 1
    new = places(name, number, root)
    with undone_on_failure(new, [path for pattern in CHANGED for path in root.glob(pattern)]):
        for path, text in filled(name, number, root).items():
            write_text(path, text)
        write_text(modules_file(root), json.dumps([*known, name], indent=1) + "\n")
        generate(name, number, root)
    return new


def main(names: list[str]) -> int:
    """The exit code; says what was made and what is left to do, or why nothing was."""
    name = " ".join(names)
    trouble = problem(name) if name else "expected a name: make new-module NAME=example"
    if trouble:
        print(f"No module was made: {trouble}", file=sys.stderr)
        return 2
    try:
        new = make(name)
    except (subprocess.CalledProcessError, OSError, ValueError, KeyboardInterrupt) as error:
        print(f"No module was made, and all is as before: {str(error) or 'interrupted'}", file=sys.stderr)
        return 1
    print(f"Module {len(modules(ROOT))}, {name}, is there and should pass `make test` as it is:")
    print("".join(f"  {path.relative_to(ROOT).as_posix()}\n" for path in new), end="")
    print('"To replace:" in its files says what to put there; CONTRIBUTING.md, "Add a module", in which order.')
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
