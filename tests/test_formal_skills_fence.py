"""The fence: executors that try to leave the workspace, each refused, with nothing written or leaked outside.

Most attacks meet the audit hook alone ("hook": no Landlock), and then the whole fence ("whole": with Landlock, where
the kernel has it). What the hook cannot see, native code and programs, only the kernel stops; the tests say so.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tiny_skills import ANYTHING, SECRET, Fort, bytes_of, call, make_skill

from helpers.formal_skills import tasks
from helpers.formal_skills.drivers import Scripted
from helpers.formal_skills.runtime import Runtime

ORACLES = sorted(str(path) for path in Path(tasks.__file__).parent.glob("*/oracle.py"))
FD = "fd = os.open('sub', os.O_RDONLY); "
TAR = """
with tarfile.open("t.tar", "w") as tar:
    tar.addfile(tarfile.TarInfo("../out/new"), io.BytesIO())
tarfile.open("t.tar").extractall(".")
"""
# What the message must name -> programs; `top` holds the workspace w, w.run, and out and W with a secret each.
ATTACKS = {
    "{top}/out/new": [
        "open(f'{top}/out/new', 'w')", "open(f'{top}/out/new'.encode(), 'ab')", "Path(top, 'out', 'new').touch()",
        "os.rename('a.txt', f'{top}/out/new')", "os.open(f'{top}/out/new', os.O_CREAT | os.O_RDWR)",
        "open('a.txt', 'w', opener=lambda _, how: os.open(f'{top}/out/new', how))"],
    "{top}/out/secret": [
        "open(f'{top}/out/secret', 'a').write('x')", "os.rename(f'{top}/out/secret', 'new')",
        "os.open(f'{top}/out/secret', os.O_TRUNC)", "out = Path(top, 'out', 'secret').read_text()"],
    "{top}/out": ["os.open(f'{top}/out', os.O_TMPFILE | os.O_RDWR)", "shutil.copy('a.txt', f'{top}/out')",
                  "out = str(os.listdir(f'{top}/out'))"],
    "{top}/W/": ["open(f'{top}/W/new', 'w')", "out = open(f'{top}/W/secret').read()"],
    "../out/new": [
        "open('../out/new', 'w')", "open('sub/../../out/new', 'w')", "Path('../out/new').write_text('x')",
        "shutil.move('a.txt', '../out/new')", "shutil.copytree('sub', '../out/new')", "Path('../out/new').mkdir()",
        "sqlite3.connect('../out/new')", "Path('sub').rename('../out/new')",
        FD + "os.mkdir('../../out/new', dir_fd=fd)", FD + "os.open('../../out/new', os.O_CREAT | os.O_RDWR, dir_fd=fd)",
        FD + "os.rename('b.txt', '../../out/new', src_dir_fd=fd, dst_dir_fd=fd)", TAR],
    "../out/secret": [
        "os.replace('a.txt', '../out/secret')", "shutil.copy('../out/secret', 'new')", "os.chmod('../out/secret', 0)",
        "shutil.move('../out/secret', 'new')", "os.utime('../out/secret', (1, 1))", "os.truncate('../out/secret', 0)",
        "Path('../out/secret').unlink()", "out = os.read(os.open('../out/secret', os.O_RDONLY), 99)",
        FD + "os.remove('../../out/secret', dir_fd=fd)",
        FD + "out = os.read(os.open('../../out/secret', os.O_RDONLY, dir_fd=fd), 99)"],
    "'../out'": ["shutil.rmtree('../out')", "shutil.copytree('../out', 'new')",
                 "out = str(list(os.scandir('../out')))"],
    "../w": ["open('../w2', 'w')", "open('../w.run/journal.jsonl', 'a').write('{}')", "shutil.rmtree('../w.run/undo')",
             "out = open('../w.run/journal.jsonl').read()"],
    "os.symlink": ["os.symlink(f'{top}/out', 'link')", "Path('link').symlink_to('sub')"],
    "os.link": ["os.link(f'{top}/out/secret', 'hard')", "os.link('a.txt', f'{top}/out/hard')"],
    "os.chdir": ["os.chdir('../out'); open('new', 'w')", FD + "os.fchdir(fd); open('../../out/new', 'w')"],
    "os.system": ["os.system(f'touch {top}/out/new')"], "os.fork": ["os.fork()"],
    "os.exec": ["os.execv('/bin/touch', ['touch', f'{top}/out/new'])"],
    "os.posix_spawn": ["os.posix_spawn('/bin/touch', ['touch', f'{top}/out/new'], {})"],
    "ctypes.": ["import ctypes; ctypes.CDLL(None).rmdir(b'sub')", "import ctypes; ctypes.CDLL('libc.so.6')"],
    "socket.": ["socket.create_connection(('127.0.0.1', 9))", "socket.socket().bind(('127.0.0.1', 0))",
                "socket.socket(socket.AF_UNIX).bind(f'{top}/out/new')",
                "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))"],
    "/etc/passwd": ["out = open('/etc/passwd').read()"],
    "/proc/self/environ": ["out = Path('/proc/self/environ').read_text()"],
    "formal_skills/tasks/__init__.py": ["import helpers.formal_skills.tasks"],
}  # fmt: skip
PAIRS = [(code, named) for named, codes in ATTACKS.items() for code in codes]
# What Python does not announce: native code and programs.
UNSEEN = [
    "os.mkfifo(f'{top}/out/new')", "sqlite3.connect('a.db').execute(f\"attach '{top}/out/new' as n\")"
    ".execute('create table n.t (x)')", "subprocess.run(['touch', f'{top}/out/new'], check=True)",
    "subprocess.run(['rm', '../out/secret'])", "subprocess.run(['mv', 'a.txt', f'{top}/out/new'])",
    "subprocess.run(['truncate', '-s0', '../out/secret'])", "subprocess.run('ln -s ../out l; touch l/new', shell=True)",
    "subprocess.run(['ln', '../out/secret', 'h']); open('h', 'a').write('x')",
    "out = subprocess.getoutput('cat ../out/secret')", "out = subprocess.getoutput('ls ../out')",
    f"out = subprocess.getoutput('cat {ORACLES[0]}')"]  # fmt: skip
# A program swaps t between a file and a link to the secret; the executor writes t until that has hit, or time is up.
SWAP = """
program = f'''
import os
while not os.path.exists("stop"):
    os.symlink("{top}/out/secret", "s"); os.replace("s", "t")
    open("r", "w").close(); os.replace("r", "t")
'''
swap, end = subprocess.Popen([sys.executable, "-c", program]), time.time() + seconds
while time.time() < end and os.path.getsize("../out/secret") == 11:
    try:
        open("t", "w").write("hit")
    except OSError:
        pass
open("stop", "w").close()
swap.wait()
"""
# Two threads: while the undo log copies a large file for one, the other writes outside.
BUSY = """
thread = threading.Thread(target=lambda: open("large", "r+b"))
thread.start()
while thread.is_alive():
    try:
        open(f"{top}/out/new", "w")
    except OSError:
        pass
"""


def bug(reason):
    return pytest.mark.xfail(strict=True, reason=reason)


WORK = [
    ("json.dump([1], open('a.json', 'w')); out = str(json.load(open('a.json')))", "[1]"),
    ("csv.writer(open('a.csv', 'w')).writerow([1, 2]); out = Path('a.csv').read_text()", "1,2\n"),
    ("import yaml; out = str(yaml.safe_load('a: 1'))", "{'a': 1}"),
    ("p = Path('x/y'); p.mkdir(parents=True); (p / 'z').write_text('z'); out = str([*Path('x').rglob('*')])",
     "[PosixPath('x/y'), PosixPath('x/y/z')]"),
    ("shutil.copytree('sub', 'x'); shutil.rmtree('x'); out = str(sorted(os.listdir()))", "['a.txt', 'sub']"),
    ("import numpy; numpy.save('a.npy', [1, 2]); out = str(numpy.load('a.npy').sum())", "3"),
    ("out = str(sqlite3.connect('a.db').execute('select 1').fetchall())", "[(1,)]"),
    ("out = subprocess.check_output([sys.executable, '-c', 'print(open(\"a.txt\").read())'], text=True)", "a\n"),
    ("with tempfile.NamedTemporaryFile('w') as f: out = str(Path(f.name).parts[-3:-1])", "('w.run', 'scratch')"),
    ("with tempfile.TemporaryDirectory() as d: Path(d, 'x').mkdir()", "done"),
    ("with zipfile.ZipFile('a.zip', 'w') as z: z.writestr('../x', 'x')\n"
     "zipfile.ZipFile('a.zip').extractall(); out = str(sorted(os.listdir()))", "['a.txt', 'a.zip', 'sub', 'x']"),
    pytest.param("Path('x').touch()", "done", marks=bug("pathlib opens a relative path with os.open")),
]  # fmt: skip
# Found by these tests: a connection and a packet that the hook misses; results that would do harm were they unpickled.
EVIL = "evil = type('Evil', (str,), {'__reduce__': lambda _: (os.mkdir, (f'{top}/out/new',))})(); "
HOLES = [
    "sqlite3.connect(f'file:{top}/out/new', uri=True).execute('create table t (x)')",
    "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', 9)); out = 'sent'",
    EVIL + "out = evil",
    EVIL + "context.state['evil'] = evil",
]


def forted(*fences):
    return pytest.mark.parametrize("fort", fences, indirect=True)


@pytest.fixture
def fort(tmp_path, request):
    fort = Fort(tmp_path, request.param)
    yield fort
    fort.shop.close()


@pytest.mark.parametrize("code, named", PAIRS)
@forted("hook", "whole")
def test_refused_by_name_with_nothing_written_or_leaked(fort, code, named):
    outside, inside = fort.outside(), bytes_of(fort.workspace)
    status, result = fort.run(code)
    assert status == "error" and "Outside" in result and named.format(top=fort.top) in result
    assert fort.outside() == outside and SECRET not in result
    assert {name: data for name, data in bytes_of(fort.workspace).items() if name != "t.tar"} == inside


@forted("hook", "whole")
def test_the_oracles_of_the_course_are_closed(fort):
    for oracle in ORACLES:
        status, result = fort.run(f"out = open({oracle!r}).read()")
        assert status == "error" and f"{oracle!r} is outside the workspace" in result
    assert len(ORACLES) == 7


@pytest.mark.parametrize("code", UNSEEN)
@forted("hook", "whole")
def test_what_python_does_not_announce_only_the_kernel_stops(fort, code):
    """Without Landlock this is the stated limit of the fence, and goes through."""
    outside = fort.outside()
    _, result = fort.run(code)
    leaked = result == "secret" or SECRET in result or "score_workspace" in result
    assert (fort.outside() != outside or leaked) == (not fort.shop.confined)


@forted("hook", "whole")
def test_a_program_may_change_modes_and_read_etc_even_where_the_kernel_confines(fort):
    """Limits of Landlock, and of what a program needs in order to start."""
    status, result = fort.run("out = subprocess.getoutput('chmod 777 ../out/secret; cat /etc/passwd')")
    assert status == "ok" and "root:" in result and (fort.top / "out" / "secret").stat().st_mode & 0o777 == 0o777


@forted("hook", "whole")
def test_a_path_that_becomes_a_link_between_check_and_use(fort):
    """A program of the executor swaps it. Landlock judges the file that is opened; the hook alone loses the race."""
    status, _ = fort.run(SWAP, seconds=0.7 if fort.shop.confined else 10)
    assert status == "ok" and fort.outside()["out/secret"] == (SECRET.encode() if fort.shop.confined else b"hit")


@forted("whole", "hook")
def test_a_thread_cannot_leave_while_another_is_looked_at(fort):
    """Threads cannot make a link to swap in: all that is left to them is to be quicker than the hook."""
    (fort.workspace / "large").write_bytes(bytes(100_000_000))
    outside = fort.outside()
    fort.run(BUSY)
    assert fort.outside() == outside


@pytest.mark.parametrize("place", ["{top}/out/new", "{top}/W/", "os.symlink", "os.system", "/etc/passwd"])
@forted("none")
def test_without_the_fence_the_same_attacks_succeed(fort, place):
    before = bytes_of(fort.top, fort.top / "w.run")
    status, result = fort.run(ATTACKS[place][0])
    assert status == "ok" and ("root:" in result or bytes_of(fort.top, fort.top / "w.run") != before)


@pytest.mark.parametrize("code", ["open('link/new', 'w')", "out = open('link/secret').read()",
                                  "os.remove('link/secret')", "os.replace('a.txt', 'link/new')",
                                  "shutil.copytree('link', 'tree')", "sqlite3.connect('link/new')"])  # fmt: skip
@forted("hook", "whole")
def test_a_link_that_another_process_makes_is_not_followed(fort, code):
    outside = fort.outside()
    (fort.workspace / "link").symlink_to(fort.top / "out")
    status, result = fort.run(code)
    assert status == "error" and "'link" in result and fort.outside() == outside and SECRET not in result


@pytest.mark.parametrize("make", [os.symlink, os.link])
def test_a_workspace_with_a_link_is_turned_away(tmp_path, make):
    (tmp_path / "w" / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text(SECRET)
    make(tmp_path / "secret", tmp_path / "w" / "sub" / "link")
    with pytest.raises(ValueError, match="the workspace has a link, sub/link; put a copy of the file in its place"):
        Runtime(tmp_path / "w", [], Scripted([]))


def test_in_a_run_an_attempt_is_an_error_that_the_driver_reads(tmp_path):
    (tmp_path / "w").mkdir()
    codes = ["out = open('../w.run/journal.jsonl').read()", "open('../new', 'w')", "open('new', 'w')"]
    driver = Scripted([call("do", code=code) for code in codes])
    trace = Runtime(tmp_path / "w", [make_skill(tmp_path / "skill", do=ANYTHING)], driver).run("Leave.")
    assert [event["status"] for event in trace.calls] == ["error", "error", "ok"] and trace.status == "completed"
    assert all("outside the workspace" in event["result"] for event in trace.calls[:2])
    assert set(bytes_of(tmp_path, tmp_path / "w.run", tmp_path / "skill")) == {"w", "w/new"}


@pytest.mark.parametrize("code, expected", WORK)
@forted("hook", "whole")
def test_ordinary_work_goes_through(fort, code, expected):
    outside = fort.outside()
    assert fort.run(code) == ("ok", expected) and fort.outside() == outside


@pytest.mark.parametrize("code", [HOLES[2], HOLES[3], *[pytest.param(code, marks=bug("the hook alone does not see it"))
                                                        for code in HOLES[:2]]])
@forted("hook")
def test_holes_are_closed(fort, code):
    outside = fort.outside()
    assert fort.run(code)[1] != "sent" and fort.outside() == outside
