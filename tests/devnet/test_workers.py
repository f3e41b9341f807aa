"""Workers compile apart, and whatever becomes of them, the kernels work."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

from tests.devnet import worker_groups

ROOT = Path(__file__).resolve().parents[2]
MODULE = worker_groups.__name__
BOTH_RIGHT = [42, 63]
END_MS = 60_000
PID_BYTES = 16


def environment(cache, **more):
    """Compiled in every lane of this suite: there are no workers in plain Python."""
    lane = {"NUMBA_DISABLE_JIT": "0", "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **lane, **more}


def parent(groups, cores=2):
    """The command of a process whose workers compile these groups."""
    script = f"from {MODULE} import tell; tell({groups!r}, {cores})"
    return [sys.executable, "-c", script]


def start(cache, groups, cores=2):
    """What a fresh process finds; and its words on stderr."""
    done = subprocess.run(
        parent(groups, cores), env=environment(cache), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout), done.stderr


def test_the_parent_loads_what_its_workers_compiled(tmp_path):
    found, words = start(tmp_path, "sound")
    assert found == {
        "groups": 2, "done": 2, "failed": [], "values": BOTH_RIGHT, "loaded": [1, 1],
    }  # fmt: skip
    assert words == ""


def test_the_next_start_finds_everything_and_asks_no_worker(tmp_path):
    start(tmp_path, "sound")
    found, _ = start(tmp_path, "sound")
    assert (found["groups"], found["loaded"]) == (0, [1, 1])
    assert found["values"] == BOTH_RIGHT


def test_what_a_dying_worker_leaves_undone_is_compiled_by_the_parent(tmp_path):
    found, _ = start(tmp_path, "dying")
    assert found["failed"] == [f"{MODULE}:die"]
    assert (found["done"], found["loaded"]) == (2, [0, 1])
    assert found["values"] == BOTH_RIGHT


def test_an_error_in_a_worker_is_told_and_ends_that_worker_only(tmp_path):
    found, words = start(tmp_path, "failing")
    assert found["failed"] == [f"{MODULE}:raise_an_error"]
    assert "ArithmeticError: as wanted" in words
    assert found["loaded"] == [1, 0]
    assert found["values"] == BOTH_RIGHT


def test_one_core_compiles_in_the_process_as_ever(tmp_path):
    found, _ = start(tmp_path, "sound", cores=1)
    assert (found["groups"], found["done"], found["loaded"]) == (0, 0, [0, 0])
    assert found["values"] == BOTH_RIGHT


def test_with_nowhere_to_keep_code_nobody_works_for_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    found, _ = start(blocked, "sound")
    assert (found["groups"], found["values"]) == (0, BOTH_RIGHT)


def test_in_plain_python_there_is_nothing_to_compile(tmp_path):
    script = (
        "from api.devnet.workers import Progress, compile_apart;"
        f"from {MODULE} import GROUPS, double;"
        "progress = Progress();"
        "compile_apart(GROUPS['dying'], progress, 2);"
        "assert progress == Progress();"
        "assert double(4) == 8"
    )
    plain = environment(tmp_path, NUMBA_DISABLE_JIT="1")
    subprocess.run([sys.executable, "-c", script], env=plain, check=True)


def test_a_worker_ends_when_its_parent_is_killed(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    named = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    killed = subprocess.Popen(
        parent("stuck"), env=environment(tmp_path, **{worker_groups.PIPE: str(pipe)})
    )
    assert is_ready(named), "the worker says who it is"
    worker = os.pidfd_open(int(os.read(named, PID_BYTES)))
    killed.kill()
    killed.wait()
    assert is_ready(worker), "the worker has ended"
    os.close(worker)
    os.close(named)


def is_ready(descriptor):
    """Whether there is something to read, or a process has ended, before long."""
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    return bool(ready.poll(END_MS))
