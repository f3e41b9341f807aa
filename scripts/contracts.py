#!/usr/bin/env python3
"""The contracts' toolchain. Usage: python scripts/contracts.py COMMAND...

install      npm packages as contracts/package-lock.json pins them, and the compiler's two wrappers
build        compile, and write contracts/artifacts
check        compile, and compare with contracts/artifacts byte for byte
lint         forge's formatter and linter
forge-test   unit tests, fuzzing and invariants
forge-long   the same with 10,000 fuzz runs and 256 invariant runs
ape-compile  the same sources through ape and ape-config.yaml
ape-test     contracts/ape_tests on ape's own network
test         lint, forge-test, ape-compile and ape-test

Needs node and npm on the PATH, and for ape the environment of requirements/dev.lock. Only `install`
touches the network. What passed is stamped with the hash of all that it read, and is not done again
before something of that changes; the fuzzers' seed is fixed: a repetition would tell nothing.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
CONTRACTS: Final = ROOT / "contracts"
NODE_MODULES: Final = CONTRACTS / "node_modules"
ARTIFACTS: Final = CONTRACTS / "artifacts"
LOCK: Final = CONTRACTS / "package-lock.json"
BUILD: Final = ROOT / ".build" / "contracts"
SOLC: Final = ROOT / "scripts" / "contracts_solc.js"
WRAPPER: Final = BUILD / "solc" / "solc-v0.8.37"
APE_TESTS: Final = CONTRACTS / "ape_tests"

COMMITTED: Final = {
    "HotVault": "src/HotVault.sol",
    "AnchorRegistry": "src/AnchorRegistry.sol",
    "DevToken": "src/devnet/DevToken.sol",
}
SETTINGS: Final = {
    "evmVersion": "cancun",
    # Without a hash of the sources' metadata the code depends on the code alone, so that forge's
    # build and ours can be compared byte for byte.
    "metadata": {"bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 1_000_000},
    "viaIR": True,
}
OUTPUTS: Final = [
    "abi",
    "metadata",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
]
# "Transient storage ... can break composability": raised once for OpenZeppelin's reentrancy guard,
# which clears its slot at the end of each call, as the warning itself asks for.
KNOWN_WARNINGS: Final = {"2394"}


def run(*command: str | Path, cwd: Path = CONTRACTS, stdin: str | None = None) -> str:
    """Run a child to its end and return what it printed; stop with its words when it fails."""
    # forge and ape find the compiler by these two; ape_tests import the working tree.
    places = {
        "FOUNDRY_SOLC": str(WRAPPER),
        "SOLCX_BINARY_PATH": str(WRAPPER.parent),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | places,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def sources(*folders: Path) -> list[Path]:
    """Every file that a step reads beside the compiler: folders are taken whole."""
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    kept = [
        path
        for path in found
        # Caches lie in between: __pycache__, and folders whose names begin with a dot.
        if not any(
            part == "__pycache__" or part[0] == "." for part in path.parts[len(ROOT.parts) :]
        )
    ]
    return sorted([*kept, LOCK, CONTRACTS / "foundry.toml", ROOT / "ape-config.yaml", SOLC])


def once(name: str, step: Callable[[], None], read: Iterable[Path]) -> None:
    """Do a step, unless it passed over exactly these files before."""
    state = hashlib.sha256(Path(__file__).read_bytes())
    for path in read:
        state.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
        state.update(path.read_bytes())
    stamp = BUILD / f"{name}.passed"
    if stamp.is_file() and stamp.read_text() == state.hexdigest():
        print(f"{name}: passed before, nothing changed since")
        return
    step()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state.hexdigest())
    print(f"{name}: passed")


def install() -> None:
    """Install the locked npm packages and put the compiler where forge and ape look for it."""
    stamp = NODE_MODULES / ".lock-installed"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        print("install: npm ci")
        # No package's own install script is needed, so none may run.
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(wanted)
    WRAPPER.parent.mkdir(parents=True, exist_ok=True)
    WRAPPER.write_text(f'#!/bin/sh\nexec node "{SOLC}" "$@"\n')
    WRAPPER.chmod(0o755)


def compile_all() -> dict[str, str]:
    """Every committed artifact as its file's text, by contract name."""
    request = {
        "language": "Solidity",
        "sources": {
            str(path.relative_to(CONTRACTS)): {"content": path.read_text()}
            for path in sorted((CONTRACTS / "src").rglob("*.sol"))
        },
        "settings": SETTINGS | {"outputSelection": {"*": {"*": OUTPUTS}}},
    }
    roots = ("--base-path", CONTRACTS, "--include-path", NODE_MODULES)
    answer = json.loads(run("node", SOLC, "--standard-json", *roots, stdin=json.dumps(request)))
    complaints = [
        error["formattedMessage"]
        for error in answer.get("errors", [])
        if error.get("errorCode") not in KNOWN_WARNINGS
    ]
    if complaints:
        sys.exit("\n".join(complaints))
    return {
        name: artifact_text(name, source, answer["contracts"][source][name])
        for name, source in COMMITTED.items()
    }


def artifact_text(name: str, source: str, compiled: dict[str, Any]) -> str:
    """One artifact in the format of docs/spec/custody.md, section 5; the same bytes every time."""
    metadata = json.loads(compiled["metadata"])
    deployed = compiled["evm"]["deployedBytecode"]
    document = {
        "contractName": name,
        "sourceName": source,
        "compiler": {"version": metadata["compiler"]["version"], "settings": SETTINGS},
        "sources": {
            path: entry["keccak256"] for path, entry in sorted(metadata["sources"].items())
        },
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + deployed["object"],
        "immutables": sorted(
            [place["start"], place["length"]]
            for places in deployed["immutableReferences"].values()
            for place in places
        ),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def build() -> None:
    """Compile and write the artifacts."""
    ARTIFACTS.mkdir(exist_ok=True)
    for name, text in compile_all().items():
        (ARTIFACTS / f"{name}.json").write_text(text)
        print(f"build: {name}")


def compare() -> None:
    """Compile, and stop when a committed artifact is not what the sources give."""
    built = {f"{name}.json": text for name, text in compile_all().items()}
    committed = {path.name: path.read_text() for path in sorted(ARTIFACTS.iterdir())}
    differing = sorted(
        name for name in built.keys() | committed.keys() if built.get(name) != committed.get(name)
    )
    if differing:
        sys.exit(
            f"contracts/artifacts is not what contracts/src compiles to: {', '.join(differing)}.\n"
            "Run `python scripts/contracts.py build` and commit the result."
        )


def check() -> None:
    once("check", compare, sources(CONTRACTS / "src", ARTIFACTS))


def forge(*arguments: str) -> str:
    """Run forge: npm's, or the machine's own where npm has none for its processor."""
    binary = NODE_MODULES / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
    return run(binary if binary.is_file() else "forge", *arguments)


def lint() -> None:
    def step() -> None:
        forge("fmt", "--check")
        forge("lint")

    once("lint", step, sources(CONTRACTS / "src", CONTRACTS / "test"))


def forge_test() -> None:
    def step() -> None:
        # forge's incremental build has left a contract without code after a file was split.
        printed = forge("test", "--force")
        # forge passes over a contract that it does not take for a suite, and says nothing.
        ran = set(re.findall(r"^Ran \d+ tests? for ([^:]+):", printed, re.MULTILINE))
        suites = {str(p.relative_to(CONTRACTS)) for p in CONTRACTS.glob("test/**/*.t.sol")}
        if suites != ran:
            sys.exit(f"forge ran no test of {', '.join(sorted(suites - ran))}")
        print(printed.strip().splitlines()[-1])

    once("forge-test", step, sources(CONTRACTS / "src", CONTRACTS / "test"))


def forge_long() -> None:
    """The long lane, never stamped: other seeds are other tests."""
    os.environ |= {"FOUNDRY_FUZZ_RUNS": "10000", "FOUNDRY_INVARIANT_RUNS": "256"}
    print(forge("test", "--force").strip().splitlines()[-1])


def ape(*arguments: str) -> str:
    """Run ape of this very environment."""
    return run(Path(sys.executable).parent / "ape", *arguments, cwd=ROOT)


def ape_compile() -> None:
    def step() -> None:
        # ape's own cache keeps a contract's old code when only what it imports has changed.
        print(ape("compile", "--force").strip().splitlines()[-1])

    once("ape-compile", step, sources(CONTRACTS / "src"))


def ape_test() -> None:
    ape_compile()

    def step() -> None:
        print(ape("test", str(APE_TESTS.relative_to(ROOT))).strip().splitlines()[-1])

    python = ROOT / "ledger" / "settlement"
    once("ape-test", step, sources(CONTRACTS / "src", APE_TESTS, ARTIFACTS, python))


def test() -> None:
    for step in (lint, forge_test, ape_test):
        step()


COMMANDS: Final[dict[str, Callable[[], None]]] = {
    "install": install,
    "build": build,
    "check": check,
    "lint": lint,
    "forge-test": forge_test,
    "forge-long": forge_long,
    "ape-compile": ape_compile,
    "ape-test": ape_test,
    "test": test,
}


def main() -> None:
    wanted = sys.argv[1:]
    if not wanted or not COMMANDS.keys() >= set(wanted):
        sys.exit(__doc__)
    for name in wanted:
        install()
        COMMANDS[name]()


if __name__ == "__main__":
    main()
