"""Makes .venv and installs the course into it: what learners need, or with --tests what the tests need too.

It uses the standard library only, and no syntax newer than Python 3.6, so that an old Python gets words
instead of a traceback. A second run finds its stamp and installs nothing.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
PROBE_SECONDS = 3.0
ROOM_GB = 3.0
BUILDS = "setuptools>=77"  # what pip builds the course with, as pyproject.toml says


class Trouble(Exception):
    """What went wrong and what to do about it, in words for the person at the keyboard."""


def check_python(version=sys.version_info, executable=sys.executable):
    """Raise Trouble when this Python cannot make the environment."""
    if tuple(version[:2]) < OLDEST:
        raise Trouble(
            "The course needs Python {}.{} or newer, and {} is {}.{}.\n".format(*OLDEST, executable, *version[:2])
            + "Install a newer Python, then name it: make lab PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401  # Debian and Ubuntu ship it apart from Python
        import venv  # noqa: F401
    except ImportError as error:
        raise Trouble(
            f"{executable} cannot make virtual environments: its {error.name!r} module is missing.\n"
            "On Debian or Ubuntu install it with: sudo apt-get install python3-venv\n"
            "Then run the same command again."
        ) from None


def python_of(venv):
    """The path of the Python inside the virtual environment `venv`."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def digest(root, tests):
    """A hash of everything that decides what is installed, hexadecimal."""
    import tomllib  # here, not above: an old Python gets check_python's words first

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [project["build-system"], project["project"], project["tool"]["setuptools"]]
    names = ["constraints.txt", "requirements-nodeps.txt"] if tests else ["constraints.txt"]
    parts += [(root / name).read_text(encoding="utf-8") for name in names]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_stamp(venv):
    """What an earlier run installed into `venv`, {} if nothing was finished there or its Python is gone."""
    try:
        return json.loads((venv / "course.json").read_text()) if python_of(venv).exists() else {}
    except (OSError, ValueError):
        return {}


def write_stamp(venv, root, tests):
    """Note in `venv` that it holds what `root` asks for now; the tests' set includes the learners'."""
    stamp = {"root": str(root), "learner": digest(root, False)}
    if tests:
        stamp["tests"] = digest(root, True)
    part = venv / "course.json.part"
    part.write_text(json.dumps(stamp))
    part.replace(venv / "course.json")


def has_gpu():
    """Whether this Linux machine has an NVIDIA or AMD accelerator that PyTorch's full build could use."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/kfd"))


def answers(url, seconds=PROBE_SECONDS):
    """Whether `url` answers within `seconds`, looking up its name included.

    A name server that is silent cannot be timed out from Python, so a thread waits for it and is left behind.
    """
    heard = []

    def ask():
        try:
            urllib.request.urlopen(url, timeout=seconds).close()
            heard.append(True)
        except urllib.error.HTTPError as error:
            heard.append(error.code < 500)  # an index may refuse its front page and still serve wheels
        except Exception:  # whatever it is, this index is of no use now
            heard.append(False)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(heard and heard[0])


def chosen_index(index, named):
    """The index with PyTorch's CPU build that is to be asked, "" where a GPU speaks against it and nobody named one."""
    return index if named or not has_gpu() else ""


def torch_options(index):
    """The pip options that choose PyTorch's build: on Linux the index that is given if it answers, else none."""
    if not index or not sys.platform.startswith("linux"):
        return []
    if answers(index):
        return ["--extra-index-url", index]
    print(f"  {index} does not answer: taking torch from pip's usual place", flush=True)
    return []


def run_pip(venv, verb, *arguments):
    """Run pip in `venv`, or raise Trouble with the likely cause."""
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    command = [str(python_of(venv)), "-m", "pip", verb, "--no-input", "--disable-pip-version-check", *quiet]
    code = subprocess.call([*command, *arguments], cwd=str(ROOT), stdin=subprocess.DEVNULL)
    if code:
        room = shutil.disk_usage(str(venv.parent)).free / 1e9
        likely = "the disk is nearly full" if room < 1 else "no network, or no wheel for this Python (see pip above)"
        raise Trouble(
            f"pip {verb} {arguments[-1]} failed (pip ended with {code}). Likely: {likely}; {room:.1f} GB are free.\n"
            "Run the same command again when that is mended; what is already installed stays."
        )


def make_venv(venv):
    """Make an empty virtual environment at `venv`, in place of a broken, moved or half-made one."""
    room = shutil.disk_usage(str(venv.parent)).free / 1e9
    if room < ROOM_GB:
        raise Trouble(f"The environment needs {ROOM_GB:.0f} GB and {venv.parent} has {room:.1f} GB free: make room.")
    code = subprocess.call([sys.executable, "-m", "venv", "--clear", str(venv)], stdin=subprocess.DEVNULL)
    if code:
        shutil.rmtree(str(venv), ignore_errors=True)
        raise Trouble(
            f"{sys.executable} could not make {venv} (see above).\n"
            "On Debian or Ubuntu this often helps: sudo apt-get install python3-venv"
        )


def usable(venv, root):
    """Whether `venv` can be installed into: it has a Python with pip, and was not moved here from elsewhere."""
    if not python_of(venv).exists() or read_stamp(venv).get("root", str(root)) != str(root):
        return False
    return subprocess.call([str(python_of(venv)), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


def source_options(wheelhouse):
    """The pip options that take packages from a folder made by `make wheelhouse` and from nowhere else, [] without.

    Raises Trouble where the folder holds no wheels.
    """
    if not wheelhouse:
        return []
    folder = Path(wheelhouse).expanduser().resolve()
    if not any(folder.glob("*.whl")):
        raise Trouble(f"{folder} holds no wheels. Make them where there is a network: make wheelhouse")
    return ["--no-index", "--find-links", str(folder)]


def download(venv, folder, torch_index):
    """Put into `folder` every package that learners need on a machine like this one; `venv` must be ready."""
    print(f"Downloading into {folder}", flush=True)
    options = ["--dest", str(folder), "--constraint", "constraints.txt", *torch_options(torch_index)]
    run_pip(venv, "download", *options, "torch", BUILDS, "wheel", ".")
    size = sum(each.stat().st_size for each in folder.iterdir()) / 1e6
    print(f"{folder} has {len(list(folder.iterdir()))} files, {size:.0f} MB. On a machine of the same kind (system,")
    print("Python version) that has the course and this folder, but no network: make lab WHEELHOUSE=FOLDER")


def install(venv, root, tests, torch_index, wheelhouse=""):
    """Bring `venv` up to date and stamp it; the old stamp goes first, so a failure leaves none."""
    chosen = source_options(wheelhouse) or torch_options(torch_index)
    start = time.monotonic()
    if not usable(venv, root):
        print("Making .venv", flush=True)
        make_venv(venv)
    (venv / "course.json").unlink(missing_ok=True)
    print("Installing torch, the largest package", flush=True)
    run_pip(venv, "install", "--constraint", "constraints.txt", *chosen, "torch")
    print("Installing the course and its packages", flush=True)
    course = ".[test,book,peers,cluster,real]" if tests else "."
    run_pip(venv, "install", "--constraint", "constraints.txt", *source_options(wheelhouse), "--editable", course)
    if tests:
        pinned = ["--no-deps", "--constraint", "constraints.txt"]
        run_pip(venv, "install", *pinned, "--requirement", "requirements-nodeps.txt")
    write_stamp(venv, root, tests)
    print(f"The environment is ready ({time.monotonic() - start:.0f} s).", flush=True)


def main():
    """The exit code: 0 when .venv holds what was asked for, 1 after words on what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", action="store_true", help="also install what the tests need")
    parser.add_argument("--torch-index", default="", help="package index with PyTorch's CPU build")
    parser.add_argument("--even-with-gpu", action="store_true", help="ask that index on a machine with a GPU too")
    parser.add_argument("--wheelhouse", default="", help="install from this folder, without a network")
    parser.add_argument("--download", default="", help="then download all packages into this folder")
    options = parser.parse_args()
    venv = ROOT / ".venv"
    try:
        check_python()
        index = chosen_index(options.torch_index, options.even_with_gpu)
        stamp = read_stamp(venv)
        done = stamp.get("tests" if options.tests else "learner") == digest(ROOT, options.tests)
        if not done or stamp.get("root") != str(ROOT):
            install(venv, ROOT, options.tests, index, options.wheelhouse)
        if options.download:
            download(venv, Path(options.download).expanduser().resolve(), index)
        return 0
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
    except OSError as error:
        print(f"\nThe environment could not be made: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
