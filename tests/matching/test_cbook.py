"""C drives the same book: through ctypes everywhere, from a C program where a compiler is.

docs/spec/matching.md, section 9; docs/spec/provenue_book.h.
"""

import ctypes
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from matching import cbook
from matching.book import run_book
from matching.cbook import (
    BAD_ARRAY,
    BAD_BOOK,
    BAD_COUNT,
    BAD_LIMITS,
    NotCompiled,
    book_bytes,
    c_book,
)
from matching.jit import COMPILED
from matching.lone import BookLimits, open_book
from matching.messages import MESSAGE, REPORT, BookReject, BookSide, MessageKind, ReportKind
from tests.matching.test_lone_book import rows_of, walk

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "docs" / "spec" / "provenue_book.h"
SECTION_9 = (HEADER.parent / "matching.md").read_text().split("\n## 9.")[1].split("\n## 10.")[0]
LIMITS = BookLimits(orders=300, pages=40, ids=1 << 10, price_bits=24)


def terms(limits):
    return limits.orders, limits.pages, limits.ids, limits.price_bits


def streamed(seed, count=3000):
    return rows_of(walk(random.Random(seed), LIMITS, count))


def kernel_reports(rows):
    """All reports, from as many calls as a small buffer takes; `message` counts from the start."""
    book, reports, found, at = open_book(LIMITS), np.zeros(LIMITS.orders + 2, REPORT), [], 0
    while at < len(rows):
        fresh = reports[: run_book(book, rows[at:], reports)].copy()
        fresh["message"] += at
        found.append(fresh)
        at += int(book.head["taken"][0])
    return np.concatenate(found)


class Memory:
    """A block of zeroed memory, at an address that is a multiple of 8."""

    def __init__(self, size):
        self.words = np.zeros(size // 8 + 2, np.int64)
        self.address, self.size = self.words.ctypes.data, size

    def open(self, limits=LIMITS):
        return c_book().open.call(self.address, self.size, *terms(limits))


def opened():
    memory = Memory(int(book_bytes(*terms(LIMITS))))
    assert memory.open() == 0
    return memory


def run_in_c(memory, rows, reports):
    return c_book().run.call(
        memory.address, rows.ctypes.data, len(rows), reports.ctypes.data, len(reports)
    )


def test_plain_python_has_nothing_that_c_could_call():
    if COMPILED:
        assert c_book().run.address != 0
    else:
        with pytest.raises(NotCompiled):
            c_book()


if COMPILED:

    @pytest.mark.parametrize("seed", range(6))
    def test_ctypes_gets_the_kernels_reports(seed):
        rows, at, found = streamed(seed), 0, []
        memory, reports = opened(), np.zeros(LIMITS.orders + 2, REPORT)
        while at < len(rows):
            written = run_in_c(memory, rows[at : at + 500], reports)
            fresh = reports[:written].copy()
            fresh["message"] += at
            found.append(fresh)
            at += int(memory.words[1])
        assert np.concatenate(found).tobytes() == kernel_reports(rows).tobytes()

    def test_a_books_memory_is_used_to_its_last_byte_and_no_further():
        size = int(book_bytes(*terms(LIMITS)))
        memory = Memory(size)
        memory.words[size // 8 :] = -7
        assert memory.open() == 0
        run_in_c(memory, streamed(1), np.zeros(20_000, REPORT))
        assert (memory.words[size // 8 :] == -7).all()
        memory = Memory(size)
        memory.size -= 1
        assert memory.open() == BAD_LIMITS

    def test_memory_that_is_no_book_is_refused():
        reports, rows = np.zeros(400, REPORT), streamed(1, 10)
        assert run_in_c(Memory(1000), rows, reports) == BAD_BOOK
        memory = opened()
        assert memory.open() == BAD_BOOK, "a book is opened once"
        memory.address += 1
        assert run_in_c(memory, rows, reports) == BAD_BOOK
        assert memory.open() == BAD_BOOK
        memory.address = 0
        assert run_in_c(memory, rows, reports) == BAD_BOOK
        assert memory.open() == BAD_BOOK

    @pytest.mark.parametrize(
        ("count", "capacity"), [(-1, 5), (5, -1), (2**31, 5), (5, 2**31), (-(2**63), 0)]
    )
    def test_counts_out_of_range_are_refused_before_anything_is_read(count, capacity):
        assert c_book().run.call(opened().address, 8, count, 8, capacity) == BAD_COUNT

    def test_records_that_are_nowhere_are_refused_before_anything_is_read():
        memory, rows, reports = opened(), streamed(1, 3), np.zeros(400, REPORT)
        here, there = rows.ctypes.data, reports.ctypes.data
        for messages, answers in ((0, there), (here, 0), (here + 4, there), (here, there + 1)):
            assert c_book().run.call(memory.address, messages, 3, answers, 400) == BAD_ARRAY
        assert run_in_c(memory, rows, reports) > 0

    def test_nothing_to_do_and_nowhere_to_report_are_no_errors():
        memory, rows = opened(), streamed(1, 3)
        assert c_book().run.call(memory.address, 0, 0, 0, 0) == 0
        assert c_book().run.call(memory.address, rows.ctypes.data, 3, 0, 0) == 0
        assert memory.words[1] == 0

    def test_a_c_program_gets_the_kernels_reports(tmp_path):
        """Where there is a C compiler; the line it prints says which, or that ctypes stood in."""
        drive = compiled_driver(tmp_path)
        print("driven by", drive)  # noqa: T201 - said on purpose
        for seed in range(3):
            rows = streamed(seed)
            expected = kernel_reports(rows)
            total, folded = drive(rows, 512)
            assert total == len(expected)
            assert folded == fold(expected.tobytes())
        assert drive(rows, 512, BookLimits(1, 1, 1, 6)) != (total, folded)

    def test_the_example_of_the_specification_runs(tmp_path):
        """Section 9: copied out, compiled, run. Its last comment says what it prints."""
        program, harness = re.findall(r"```(?:python|c)\n(.*?)```", SECTION_9, re.DOTALL)[::-1]
        if shutil.which("cc") is None:
            assert "harness.so" in program
            return
        (tmp_path / "harness.c").write_text(harness)
        (tmp_path / "harness.py").write_text(program)
        build = re.search(r"^cc .*$", SECTION_9, re.MULTILINE).group()
        build = build.replace("docs/spec", str(HEADER.parent)).split()
        subprocess.run(build, cwd=tmp_path, check=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "harness.py"],
            cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        told = re.findall(r"^# prints (.*)$", program, re.MULTILINE)
        assert done.stdout.splitlines() == told


def fold(data):
    folded = 0
    for byte in data:
        folded = (folded ^ byte) * 0x100000001B3 % 2**64
    return folded


class Driver:
    """`drive_book.c` as a library."""

    def __init__(self, compiler, library):
        self.compiler, self.drive = compiler, ctypes.CDLL(str(library)).drive
        self.drive.restype = ctypes.c_int64

    def __str__(self):
        return self.compiler

    def __call__(self, rows, batch, limits=LIMITS):
        entries, folded = c_book(), ctypes.c_uint64(0)
        given = (ctypes.c_int64 * 4)(*terms(limits))
        total = self.drive(
            *(ctypes.c_void_p(e.address) for e in (entries.bytes, entries.open, entries.run)),
            given,
            ctypes.c_void_p(rows.ctypes.data),
            ctypes.c_int64(len(rows)),
            ctypes.c_int64(batch),
            ctypes.byref(folded),
        )
        return total, folded.value


class CtypesDriver:
    """The same steps in Python, for a machine without a C compiler."""

    def __str__(self):
        return "ctypes, for want of a C compiler"

    def __call__(self, rows, batch, limits=LIMITS):
        memory = Memory(c_book().bytes.call(*terms(limits)))
        assert memory.open(limits) == 0
        reports, at, said = np.zeros(limits.orders + 2, REPORT), 0, []
        while at < len(rows):
            fresh = reports[: run_in_c(memory, rows[at : at + batch], reports)].copy()
            fresh["message"] += at
            said.append(fresh)
            at += int(memory.words[1])
        found = np.concatenate(said)
        return len(found), fold(found.tobytes())


def compiled_driver(folder):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return CtypesDriver()
    library = folder / "drive_book.so"
    source = Path(__file__).with_name("drive_book.c")
    command = [compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*command, "-I", HEADER.parent, source, "-o", library], check=True)
    return Driver(compiler, library)


@pytest.mark.parametrize(
    "wrong",
    [
        {"orders": 0},
        {"orders": 2**25 + 1},
        {"pages": 0},
        {"pages": -1},
        {"ids": 0},
        {"ids": 3},
        {"ids": 2**32},
        {"ids": -(2**63)},
        {"price_bits": 5},
        {"price_bits": 32},
        {"price_bits": -(2**63)},
    ],
)
def test_limits_out_of_range_have_no_size(wrong):
    given = {"orders": 9, "pages": 9, "ids": 16, "price_bits": 20} | wrong
    assert book_bytes(*given.values()) == BAD_LIMITS


def test_the_largest_book_has_a_size():
    assert book_bytes(2**25, 2**25, 2**31, 31) < 2**36


def header_names(enum):
    """The enumerators of the header, in order, with their values."""
    text, found = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL), {}
    for body in re.findall(r"enum \{(.*?)\}", text, re.DOTALL):
        value = -1
        for item in body.split(","):
            name, _, given = item.strip().partition(" = ")
            value = int(given) if given else value + 1
            found[name.removeprefix("PB_")] = value
    return {member.name: found[member.name] for member in enum}


@pytest.mark.parametrize("enum", [MessageKind, BookSide, ReportKind, BookReject])
def test_the_header_has_the_same_words(enum):
    assert header_names(enum) == {member.name: int(member) for member in enum}


def test_the_header_has_the_same_answers_and_records():
    text = HEADER.read_text()
    for name in ("BAD_BOOK", "BAD_LIMITS", "BAD_COUNT", "BAD_ARRAY"):
        assert f"PB_{name} = {getattr(cbook, name)}" in text
    widths = {"int64_t": "<i8", "uint32_t": "<u4", "uint16_t": "<u2", "uint8_t": "|u1"}
    for struct, dtype in (("pb_message", MESSAGE), ("pb_report", REPORT)):
        body = re.search(r"typedef struct \{([^}]*)\} " + struct, text).group(1)
        fields = re.findall(r"(\w+) (\w+);", body)
        assert [(name, widths[kind]) for kind, name in fields] == dtype.descr
