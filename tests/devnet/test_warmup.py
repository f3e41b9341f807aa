"""What workers prepare is exactly what a venue's start calls."""

import re
import threading

import pytest

from api.devnet import cold
from api.devnet.cold import described, load_kernels_of
from api.devnet.warmup import GROUPS, compile_kernels
from api.devnet.workers import Progress, usable_cores
from ledger.engine import compile_kernels as compile_engine
from matching import jit


def test_every_kernel_belongs_to_one_group():
    """Two workers that compile one function: one of them works for nothing."""
    kernels = [kernel for group in GROUPS for kernel in group.kernels]
    assert len({kernel.__qualname__ for kernel in kernels}) == len(kernels)
    assert len({group.name for group in GROUPS}) == len(GROUPS)


def test_kernels_are_prepared_for_the_types_that_a_start_calls_them_with():
    for group in GROUPS:
        group.prepare()
    compile_engine()
    for group in GROUPS:
        for kernel in group.kernels:
            assert not jit.COMPILED or len(kernel.signatures) == 1, kernel


def test_afterwards_every_group_is_kept_and_no_worker_is_asked():
    compile_kernels()
    assert all(group.is_kept() for group in GROUPS)
    progress = Progress()
    assert compile_kernels(progress) > 0
    assert progress == Progress()


def test_progress_is_told_in_groups_and_then_in_functions():
    assert described(Progress(groups=5, done=2)) == "2 of 5 groups"
    assert described(Progress(groups=5, done=5)).endswith("functions in this process")
    assert described(Progress()).endswith("functions in this process")


def test_this_process_may_run_somewhere():
    assert usable_cores() >= 1


def test_who_waits_is_told_until_it_is_over(monkeypatch):
    monkeypatch.setattr(cold, "PROGRESS_S", 0.01)
    heard = threading.Event()
    words = []

    def say(text):
        words.append(text)
        heard.set()

    load_kernels_of(lambda: heard.wait(60), say)
    assert heard.is_set()
    assert all(re.fullmatch(r"compiling kernels: \d+ functions in .* s", text) for text in words)


def test_what_is_there_already_is_not_talked_about():
    load_kernels_of(lambda: None, pytest.fail)
    with pytest.raises(ZeroDivisionError):
        load_kernels_of(lambda: 1 // 0, print)
