"""A child's tie to the devnet that started it: when the parent is gone, however it went, so is it.

The parent holds the writing end of the child's standard input and never writes. Its end closes with
the parent's death, kill -9 included, so that no orphan keeps a port or a lock from the next start.
"""

import os
import signal
import threading
from typing import Final

VARIABLE: Final = "PROVENUE_LIFELINE"
_STDIN: Final = 0


def hold_on() -> None:
    """End this process when standard input ends, as SIGTERM would; for a devnet's children only."""
    if VARIABLE in os.environ:
        threading.Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    # The descriptor itself: a lock of sys.stdin's, held at exit, would be a fatal error.
    while os.read(_STDIN, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
