"""Compiled contracts as the repository carries them: ours from contracts/artifacts, Safe's from PyPI.

Running needs neither compiler nor Node. `make contracts` rebuilds ours byte for byte; Safe's are the
unmodified 1.5.0 ones of the safe-eth-py distribution, and their code hashes are pinned here.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from eth_hash.auto import keccak
from eth_typing import ABI

from ledger.settlement.errors import SettlementError

OURS: Final = ("HotVault", "AnchorRegistry", "DevToken")
ARTIFACTS_DIR: Final = Path(__file__).resolve().parents[2] / "contracts" / "artifacts"
SAFE_ABIS: Final = ("eth", "contracts", "abis")

SAFE_RUNTIME_HASHES: Final = {
    "SafeL2": "180193227186ccb85316c94db1f0d156ed932b14712cfaac78901899178572dc",
    "SafeProxyFactory": "967dae4cda22b0c9ef7f31b010bdc1ceb0af9904b0c3dc060b5302e4c18a4529",
    "SafeProxy": "4e381985ca68b3e5d27b4425fa581c19cf33146d3f887a3cfca96f55528ea46f",
    "CompatibilityFallbackHandler": (
        "3c6a85bcf7b563daa624b884b4e9a1b9fa5371edde7be945d998071a48f28bbc"
    ),
}
_SAFE_FILES: Final = {
    "SafeL2": "Safe_V1_5_0.json",
    "SafeProxyFactory": "ProxyFactory_V1_5_0.json",
    "SafeProxy": "Proxy_V1_5_0.json",
    "CompatibilityFallbackHandler": "CompatibilityFallbackHandler_V1_5_0.json",
}


@dataclass(eq=False)
class ArtifactMissing(SettlementError):
    """A compiled contract is not where it should be."""

    name: str
    path: str


@dataclass(eq=False)
class ArtifactMalformed(SettlementError):
    """A compiled contract's file does not have the shape of docs/spec/custody.md, section 5."""

    name: str
    reason: str


@dataclass(eq=False)
class ArtifactUnexpected(SettlementError):
    """A compiled contract of Safe's is not the audited one."""

    name: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    Attributes:
        name: Its name in Solidity.
        abi: As solc prints it.
        creation: The code that a deployment runs, without constructor arguments.
        runtime: The code that then stands on the chain, with zeros where immutables go.
        immutables: (start, length) of each place in `runtime` that the constructor fills.
    """

    name: str
    abi: ABI
    creation: bytes
    runtime: bytes
    immutables: tuple[tuple[int, int], ...]

    def without_immutables(self, code: bytes) -> bytes:
        """`code` with zeros where this contract's immutables stand, to compare with `runtime`."""
        masked = bytearray(code)
        for start, length in self.immutables:
            if start + length <= len(masked):
                masked[start : start + length] = bytes(length)
        return bytes(masked)

    def is_code(self, code: bytes) -> bool:
        """Whether `code` on the chain is this contract, whatever its immutables are."""
        return self.without_immutables(code) == self.runtime


@cache
def load(name: str) -> Artifact:
    """One of our contracts.

    Args:
        name: One of `OURS`.

    Raises:
        ArtifactMissing, ArtifactMalformed: The checkout is incomplete or damaged.
    """
    return _read(name, ARTIFACTS_DIR / f"{name}.json")


@cache
def load_safe(name: str) -> Artifact:
    """One of Safe 1.5.0's contracts, its code hash asserted.

    Args:
        name: A key of `SAFE_RUNTIME_HASHES`.

    Raises:
        ArtifactMissing, ArtifactMalformed: The safe-eth-py distribution is not there or damaged.
        ArtifactUnexpected: It carries another build.
    """
    # Only the files are wanted: importing the package would load its whole Ethereum client.
    spec = find_spec("safe_eth")
    if spec is None or spec.origin is None:
        raise ArtifactMissing(name, "safe-eth-py is not installed")
    artifact = _read(name, Path(spec.origin).parent.joinpath(*SAFE_ABIS, _SAFE_FILES[name]))
    found = keccak(artifact.runtime).hex()
    if found != SAFE_RUNTIME_HASHES[name]:
        raise ArtifactUnexpected(name, SAFE_RUNTIME_HASHES[name], found)
    return artifact


def _read(name: str, path: Path) -> Artifact:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ArtifactMissing(name, str(path)) from error
    try:
        return _parse(name, json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactMalformed(name, f"{type(error).__name__}: {error}") from error


# A file's content is Any until here; beyond this function it is an Artifact.
def _parse(name: str, document: Any) -> Artifact:  # noqa: ANN401
    if document["contractName"] != name:
        raise ValueError(f"the file holds {document['contractName']}")
    if not isinstance(document["abi"], list):
        raise TypeError("abi is not a list")
    # Safe's files name no immutables, and these contracts of Safe's have none.
    immutables = document.get("immutables", [])
    return Artifact(
        name=name,
        abi=cast("ABI", document["abi"]),
        creation=_code(document["bytecode"]),
        runtime=_code(document["deployedBytecode"]),
        immutables=tuple((int(start), int(length)) for start, length in immutables),
    )


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
