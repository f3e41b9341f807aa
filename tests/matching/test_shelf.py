"""Whatever has become of the kept machine code, kernels work, and afterwards it is whole."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from numba import types

from ledger.engine import Engine
from matching import jit, shelf
from matching.parts import CEntry, Kernel, Part
from matching.shelf import Shelf
from tests.engine.streams import Stream, as_commands

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = jit._OPTIONS
SEEDED_FLIPS = 12
LENGTH = 300


def scaled(number):
    return 7 * number + 3


def weighed(number, other):
    return 2 * number - other


def fresh(folder, function=scaled):
    """A kernel as a process that starts has it: nothing compiled yet."""
    return Kernel(Part(function, OPTIONS), OPTIONS, Shelf(function, folder))


def called(kernel, number=6):
    """Its answer, and whether its code was loaded."""
    kernel.compile((types.int64,))
    return kernel(number), sum(kernel.stats.cache_hits.values()) == 1


@pytest.fixture
def file(tmp_path):
    """The one file of a kernel that was called once."""
    kernel = fresh(tmp_path)
    assert called(kernel) == (45, False)
    assert kernel.is_kept()
    [path] = tmp_path.iterdir()
    return path


def assert_made_again(folder):
    """The code counts as absent, is compiled, kept, and found by the next start."""
    damaged = fresh(folder)
    assert not damaged.is_kept()
    assert called(damaged) == (45, False)
    after = fresh(folder)
    assert after.is_kept()
    assert called(after) == (45, True)


if jit.COMPILED:

    def test_a_second_start_loads_what_the_first_has_kept(file):
        assert called(fresh(file.parent)) == (45, True)
        assert list(file.parent.iterdir()) == [file]

    @pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 64, 65, 300, -4096, -1])
    def test_a_cut_file_is_made_again(file, length):
        file.write_bytes(file.read_bytes()[:length])
        assert_made_again(file.parent)

    @pytest.mark.parametrize("seed", range(SEEDED_FLIPS))
    def test_a_file_with_a_flipped_bit_is_made_again(file, seed):
        content, random = bytearray(file.read_bytes()), Random(seed)
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        file.write_bytes(content)
        assert_made_again(file.parent)

    def test_a_missing_file_is_made_again(file):
        file.unlink()
        assert_made_again(file.parent)
        file.unlink()
        file.parent.rmdir()
        assert_made_again(file.parent)

    def test_another_kernels_whole_file_is_not_taken_for_this_ones(file):
        other = fresh(file.parent, weighed)
        other.compile((types.int64, types.int64))
        [theirs] = set(file.parent.iterdir()) - {file}
        file.write_bytes(theirs.read_bytes())
        assert_made_again(file.parent)

    def test_whole_code_for_other_types_is_not_taken_for_these(file):
        other = fresh(file.parent)
        other.compile((types.float64,))
        [theirs] = set(file.parent.iterdir()) - {file}
        file.write_bytes(theirs.read_bytes())
        assert called(fresh(file.parent)) == (45, False)
        assert called(fresh(file.parent)) == (45, True)

    @pytest.mark.parametrize("place", range(len(shelf._MADE_BY)))
    def test_code_of_another_compiler_or_numpy_is_made_again(file, monkeypatch, place):
        made_by = list(shelf._MADE_BY)
        made_by[place] += "another"
        monkeypatch.setattr(shelf, "_MADE_BY", tuple(made_by))
        assert_made_again(file.parent)

    def test_code_of_another_source_is_made_again(file, monkeypatch):
        monkeypatch.setattr(shelf, "_digest_of", lambda _path: "another")
        assert_made_again(file.parent)

    def test_a_kernel_forgets_what_is_kept_when_it_is_told_to(file):
        fresh(file.parent).recompile()
        assert not file.exists()

    def test_what_encloses_something_is_not_kept(tmp_path):
        summand = 5

        def enclosing(number):
            return number + summand

        kernel = fresh(tmp_path, enclosing)
        assert called(kernel) == (11, False)
        assert not kernel.is_kept()
        assert not list(tmp_path.iterdir())

    def test_what_has_no_source_file_is_not_kept(tmp_path):
        names = {}
        exec("def plain(number):\n    return number - 1", names)
        assert called(fresh(tmp_path, names["plain"])) == (5, False)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("damage", [b"", b"\x80\x05", None])
    def test_what_c_calls_survives_too(tmp_path, damage):
        def entry():
            return CEntry(weighed, 2, OPTIONS, Shelf(weighed, tmp_path)).call(9, 4)

        assert entry() == 14
        [path] = tmp_path.iterdir()
        whole = path.read_bytes()
        path.write_bytes(whole[:-9] if damage is None else damage)
        assert entry() == 14
        written = path.stat()
        assert written.st_size > len(whole) // 2
        assert entry() == 14
        assert path.stat().st_mtime_ns == written.st_mtime_ns, "loaded, not written again"

    def test_a_folder_that_is_a_file_keeps_nothing_and_says_nothing(tmp_path, capfd):
        blocked = tmp_path / "blocked"
        blocked.write_text("mine")
        for folder in (blocked, blocked / "below"):
            kernel = fresh(folder)
            assert called(kernel) == (45, False)
            assert not kernel.is_kept()
        assert blocked.read_text() == "mine"
        assert capfd.readouterr() == ("", "")


ANSWERS = """
import json, resource, sys
limit = int(sys.argv[1])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from matching.jit import is_kept, keeps
from tests.devnet.worker_groups import double, triple
answers = [keeps(), double(21), triple(21)]
answers += [sum(each.stats.cache_hits.values()) for each in (double, triple)]
print(json.dumps([*answers, is_kept(double), is_kept(triple)]))
"""


def process(script, folder, *arguments):
    lane = {"NUMBA_DISABLE_JIT": "0", "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, **lane},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    words, errors = process.communicate(timeout=250)
    assert (process.returncode, errors) == (0, "")
    return json.loads(words)


def test_a_disk_that_takes_no_whole_file_costs_time_and_nothing_else(tmp_path):
    """No file may be longer than a KiB: to write on is an OSError, as it is on a full disk."""
    assert answer(process(ANSWERS, tmp_path, 1024)) == [False, 42, 63, 0, 0, False, False]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert answer(process(ANSWERS, tmp_path, 0)) == [True, 42, 63, 0, 0, True, True]


@pytest.mark.parametrize("place", ["/dev/null/kernels", "/proc/kernels"])
def test_a_place_that_takes_no_folder_costs_time_and_nothing_else(place):
    assert answer(process(ANSWERS, place, 0)) == [False, 42, 63, 0, 0, False, False]


def test_processes_that_start_at_once_do_not_harm_each_other(tmp_path):
    for started in [process(ANSWERS, tmp_path, 0) for _ in range(3)]:
        assert answer(started)[1:3] == [42, 63]
    assert answer(process(ANSWERS, tmp_path, 0)) == [True, 42, 63, 1, 1, True, True]


ROOT_OF_A_STREAM = """
import json, sys
from ledger.engine import Engine
from ledger.engine.kernels.run import run
from ledger.engine.kernels.base.slack import weigh
from matching.index import open_side
from matching.jit import is_kept
from tests.engine.streams import Stream, as_commands
engine = Engine()
engine.execute(as_commands(Stream(int(sys.argv[1])).take(int(sys.argv[2]))))
kernels = run, weigh, open_side
hits = [sum(kernel.stats.cache_hits.values()) for kernel in kernels]
print(json.dumps([engine.state_root().hex(), hits, all(is_kept(kernel) for kernel in kernels)]))
"""
ENGINE = ("ledger.engine.kernels.run", "ledger.engine.kernels.base.slack", "matching.index")
"""What the kernels of a stream are kept under."""


if jit.COMPILED:

    def test_an_engine_whose_every_file_is_damaged_has_the_same_state_root(tmp_path):
        """Flipped, cut, emptied and deleted by turns; then whole again."""
        engine = Engine()
        engine.execute(as_commands(Stream(9).take(LENGTH)))
        expected, random = engine.state_root().hex(), Random(9)
        for name in ENGINE:
            folder = jit._folder(name)
            shutil.copytree(folder, tmp_path / folder.name)
        files = sorted(tmp_path.rglob("*.nbc"))
        assert len(files) >= len(ENGINE)
        for number, path in enumerate(files):
            content = bytearray(path.read_bytes())
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
            path.write_bytes((content, content[: random.randrange(len(content))], b"")[number % 3])
        files[-1].unlink()
        assert answer(process(ROOT_OF_A_STREAM, tmp_path, 9, LENGTH)) == [expected, [0] * 3, True]
        assert answer(process(ROOT_OF_A_STREAM, tmp_path, 9, LENGTH)) == [expected, [1] * 3, True]
