"""What workers prepare is exactly what a venue's start calls."""

from api.devnet.warmup import GROUPS, compile_kernels, described
from api.devnet.workers import Progress, usable_cores
from ledger.engine import compile_kernels as compile_engine
from matching import jit


def test_every_kernel_belongs_to_one_group():
    """Two workers that compile one function for different types could mix them up on the disk."""
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
