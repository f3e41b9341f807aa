"""The contracts' toolchain: install, build, check, test. Needs node and npm on the PATH, nothing else.

Only `install` touches the network, and only when the lock file has changed since it last ran.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
CONTRACTS: Final = ROOT / "contracts"
NODE_MODULES: Final = CONTRACTS / "node_modules"
ARTIFACTS: Final = CONTRACTS / "artifacts"
BUILD: Final = ROOT / ".build" / "contracts"
SOLC: Final = ROOT / "scripts" / "contracts_solc.js"

COMMITTED: Final = {
    "HotVault": "src/HotVault.sol",
    "AnchorRegistry": "src/AnchorRegistry.sol",
    "DevToken": "devnet/DevToken.sol",
}
SETTINGS: Final = {
    "evmVersion": "cancun",
    # Without a hash of the sources' metadata the code depends on the code alone, so that forge's, ape's
    # and our builds can be compared byte for byte.
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


def run(*command: str | Path, env: dict[str, str] | None = None, stdin: str | None = None) -> str:
    """Run a child to its end and return what it printed; stop with its words when it fails."""
    done = subprocess.run(  # noqa: PLW1510 - the return code is read below
        [str(part) for part in command],
        cwd=CONTRACTS,
        env=os.environ | (env or {}),
        input=stdin,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def compile_all() -> dict[str, str]:
    """Every committed artifact as its file's text, by contract name."""
    sources = {
        str(path.relative_to(CONTRACTS)): {"content": path.read_text()}
        for folder in ("src", "devnet")
        for path in sorted((CONTRACTS / folder).rglob("*.sol"))
    }
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": SETTINGS | {"outputSelection": {"*": {"*": OUTPUTS}}},
    }
    printed = run(
        "node", SOLC, "--standard-json", "--base-path", CONTRACTS, "--include-path", NODE_MODULES,
        stdin=json.dumps(request),
    )  # fmt: skip
    answer = json.loads(printed)
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
    """Compile and write contracts/artifacts."""
    ARTIFACTS.mkdir(exist_ok=True)
    for name, text in compile_all().items():
        (ARTIFACTS / f"{name}.json").write_text(text)
        print(f"built {name}")


if __name__ == "__main__":
    build()
