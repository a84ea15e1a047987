"""Fetches the newest course: `make update`, or `python scripts/update.py` without make.

What you changed stays as it is, unless the update changes the same file: then yours is first copied into kept/DATE/,
inside the course's folder. It uses the standard library only, because it may run before there is an environment.
"""
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THEIRS = "@{upstream}"


class Trouble(Exception):
    """What went wrong and what to do about it, in words for the person at the keyboard."""


def git(root, *arguments):
    """What git says in the folder `root`; raises Trouble with git's own words where it fails."""
    command = ["git", "--literal-pathspecs", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        raise Trouble("The update needs git, and there is none here: install it, then try again.") from None
    if done.returncode:
        raise Trouble(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
    return done.stdout.decode("utf-8", "replace")


def names(root, *arguments):
    """The file names that git lists, each ended by a zero byte."""
    return [name for name in git(root, *arguments, "-z").split("\0") if name]


def fetch(root):
    """Fetch without changing a file; raises Trouble where there is nothing to fetch from, or no way to it."""
    if not (root / ".git").exists():
        raise Trouble(f"Expected a git clone, and {root} is none (a ZIP file holds no history).\n"
                      "Get the course with git clone, beside this folder, and copy what you wrote over.")
    try:
        git(root, "rev-parse", THEIRS)
    except Trouble as why:
        raise Trouble(f"Expected a branch that follows the course's; git says: {why}\nTry: git switch main; "
                      "and if that is not enough: git branch --set-upstream-to=origin/main") from None
    try:
        git(root, "fetch", "--quiet")
    except Trouble as why:
        raise Trouble(f"The newest course could not be fetched. Is there a network? git says: {why}") from None


def incoming(root):
    """The files that the update adds, changes or removes; raises Trouble where commits of your own stand in its way."""
    behind, ahead = (int(git(root, "rev-list", "--count", span)) for span in (f"HEAD..{THEIRS}", f"{THEIRS}..HEAD"))
    if behind and ahead:
        raise Trouble(f"Expected no commits of your own; yours: {ahead}, new ones of the course: {behind}.\n"
                      "Bring them together yourself: git pull --rebase")
    return names(root, "diff", "--name-only", "--no-renames", "HEAD", THEIRS) if behind else []


def in_the_way(root, theirs):
    """Those of the files that you changed, and those that are new in the update and there already."""
    tracked = set(names(root, "ls-tree", "-r", "--name-only", "HEAD"))
    changed = set(names(root, "diff", "--name-only", "--no-renames", "HEAD"))
    return [name for name in theirs if name in changed or (name not in tracked and (root / name).is_file())]


def copy(files, source, target):
    """Copy the files from one folder into another, subfolders and all."""
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(source / name), str(target / name))


def reset(root, files):
    """Bring the files back to how the course had them; what it did not have is removed."""
    git(root, "reset", "--quiet", "HEAD", "--", *files)
    tracked = set(names(root, "ls-tree", "-r", "--name-only", "HEAD"))
    known = [name for name in files if name in tracked]
    if known:
        git(root, "checkout", "HEAD", "--", *known)
    for name in set(files) - tracked:
        (root / name).unlink()


def take(root, files, kept):
    """Copy your files into the folder `kept`, take the update, and say so; where it fails, yours are put back."""
    yours = [name for name in files if (root / name).is_file()]  # the others you removed
    if yours:
        kept.mkdir(parents=True)
        copy(yours, root, kept)
        print(f"Your {', '.join(yours)} as before: {kept.relative_to(root).as_posix()}/", flush=True)
    try:
        if files:
            reset(root, files)
        git(root, "merge", "--ff-only", "--quiet", THEIRS)
    except (Trouble, OSError) as why:
        copy(yours, kept, root)
        raise Trouble(f"The update was not taken, and your files are as they were. git says: {why}") from None


def update(root, now):
    """Fetch and take the update; print what was kept and how many files are new, or that there is nothing new."""
    fetch(root)
    theirs = incoming(root)
    if not theirs:
        print("The course is up to date.")
        return
    take(root, in_the_way(root, theirs), root / "kept" / now.strftime("%Y-%m-%d-%H%M%S"))
    print(f"The course is updated: {len(theirs)} files changed.")


def main():
    """The exit code: 0 when the course is the newest, 1 after words on what went wrong."""
    try:
        update(ROOT, datetime.now())
        return 0
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
    except OSError as error:
        print(f"\nThe update was not taken: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
