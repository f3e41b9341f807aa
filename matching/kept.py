"""Files that are read only when they are whole: what a start may load, or else make again.

A file is a SHA-256 of all that follows it; the digest of its *identity*, which says what it was
made of and for; and its payload. One that was cut, overwritten, left empty by a power loss or
written for something else is as good as none. That finds damage; it is no signature: whoever can
write to the folder can forge a file (docs/adr/0002-kernels.md).

A file is written under a name of its own and renamed: two processes never write into one another's,
and whoever reads sees all of a file or nothing. Nobody waits for the disk: what a power loss cuts
is found to be cut.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

_DIGEST_BYTES: Final = 32
_HEAD_BYTES: Final = 2 * _DIGEST_BYTES
_PROBE_BYTES: Final = 1 << 20
"""About as much as the largest kernel takes."""


def read(path: Path, identity: bytes) -> memoryview | None:
    """The payload of a file; None when there is none, or it is not what was written as this."""
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    sealed = content[_DIGEST_BYTES:]
    if content[:_DIGEST_BYTES] != sha256(sealed).digest():
        return None
    if content[_DIGEST_BYTES:_HEAD_BYTES] != sha256(identity).digest():
        return None
    return content[_HEAD_BYTES:]


def write(path: Path, identity: bytes, payload: bytes) -> bool:
    """Keep a payload, whatever stood there; False when the disk takes none."""
    sealed = sha256(identity).digest() + payload
    # Random, as two machines that share a folder may give two processes one number.
    ours = path.with_name(f"{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            ours.write_bytes(sha256(sealed).digest() + sealed)
            ours.replace(path)
        finally:
            ours.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def takes_files(folder: Path) -> bool:
    """Whether files can be kept in a folder, as far as one can know beforehand."""
    probe = folder / f"probe-{os.getpid()}"
    kept = write(probe, b"", bytes(_PROBE_BYTES))
    if kept:
        probe.unlink(missing_ok=True)
    return kept
