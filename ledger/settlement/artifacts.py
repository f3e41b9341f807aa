"""Compiled contracts: ours from contracts/artifacts, Safe's from its distribution on PyPI.

Running needs neither compiler nor Node. `make contracts` rebuilds ours byte for byte; Safe's are
the unmodified 1.5.0 ones of the safe-eth-py distribution, and their code hashes are pinned here.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, cast

import msgspec
from eth_hash.auto import keccak
from eth_typing import ABI

from ledger.settlement.errors import SettlementError

OURS: Final = ("HotVault", "AnchorRegistry", "DevToken")
ARTIFACTS_DIR: Final = Path(__file__).resolve().parents[2] / "contracts" / "artifacts"
SAFE_ABIS: Final = ("eth", "contracts", "abis")
_Natural = Annotated[int, msgspec.Meta(ge=0)]

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


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a file. Safe's name no immutables: the contracts pinned above have none."""

    contract_name: str
    abi: list[dict[str, object]]
    bytecode: str
    deployed_bytecode: str
    immutables: tuple[tuple[_Natural, _Natural], ...] = ()


@cache
def load(name: str) -> Artifact:
    """One of our contracts.

    Args:
        name: One of `OURS`.

    Raises:
        ArtifactMissing, ArtifactMalformed: The checkout is incomplete or damaged.
    """
    return read_artifact(name, ARTIFACTS_DIR / f"{name}.json")


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
    path = Path(spec.origin).parent.joinpath(*SAFE_ABIS, _SAFE_FILES[name])
    return pinned(read_artifact(name, path), SAFE_RUNTIME_HASHES[name])


def pinned(artifact: Artifact, expected: str) -> Artifact:
    """The artifact itself, when its code on the chain has the keccak-256 `expected` (hex).

    Raises:
        ArtifactUnexpected: It has another.
    """
    found = keccak(artifact.runtime).hex()
    if found != expected:
        raise ArtifactUnexpected(artifact.name, expected, found)
    return artifact


def read_artifact(name: str, path: Path) -> Artifact:
    """The contract `name` from one file.

    Raises:
        ArtifactMissing: There is no such file.
        ArtifactMalformed: It is not an artifact, or one of another contract.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ArtifactMissing(name, str(path)) from error
    try:
        found = msgspec.json.decode(raw, type=_Document)
        artifact = Artifact(
            name=found.contract_name,
            abi=cast("ABI", found.abi),
            creation=_code(found.bytecode),
            runtime=_code(found.deployed_bytecode),
            immutables=found.immutables,
        )
    except (ValueError, RecursionError) as error:
        raise ArtifactMalformed(name, str(error)) from error
    if artifact.name != name:
        raise ArtifactMalformed(name, f"the file holds {artifact.name}")
    return artifact


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
