"""Groups for workers to compile or to fail at, and what a parent of such workers does."""

import json
import os
import sys
import threading
from pathlib import Path

from api.devnet.workers import Progress, compile_apart
from matching.groups import Group
from matching.jit import kernel, prepare

PIPE = "WORKER_GROUPS_PIPE"


@kernel
def double(number):
    return 2 * number


@kernel
def triple(number):
    return 3 * number


def prepare_double():
    prepare(double, 1)


def prepare_triple():
    prepare(triple, 1)


def die():
    os._exit(3)


def raise_an_error():
    message = "as wanted"
    raise ArithmeticError(message)


def wait_forever():
    """Say who it is, then never come back."""
    Path(os.environ[PIPE]).write_text(str(os.getpid()), encoding="ascii")
    threading.Event().wait()


GROUPS = {
    "sound": (Group(prepare_double, (double,)), Group(prepare_triple, (triple,))),
    "dying": (Group(die, (double,)), Group(prepare_triple, (triple,))),
    "failing": (Group(prepare_double, (double,)), Group(raise_an_error, (triple,))),
    "stuck": (Group(wait_forever, (double,)), Group(prepare_triple, (triple,))),
}


def tell(groups, cores):
    """Have workers compile, then call; prints what happened."""
    progress = Progress()
    compile_apart(GROUPS[groups], progress, cores)
    values = [double(21), triple(21)]
    loaded = [sum(each.stats.cache_hits.values()) for each in (double, triple)]
    found = {
        "groups": progress.groups,
        "done": progress.done,
        "failed": progress.failed,
        "values": values,
        "loaded": loaded,
    }
    sys.stdout.write(json.dumps(found))
