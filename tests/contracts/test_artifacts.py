"""What the repository carries is what its sources say, and nothing else is taken for it."""

import json

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.artifacts import (
    ARTIFACTS_DIR,
    OURS,
    SAFE_RUNTIME_HASHES,
    ArtifactMalformed,
    ArtifactMissing,
    ArtifactUnexpected,
    load,
    load_safe,
    pinned,
    read_artifact,
)
from tests.contracts.ground import Ground

CONTRACTS = ARTIFACTS_DIR.parent
CODE_BYTES_MAX = 24_576
"""EIP-170."""


@pytest.mark.parametrize("name", OURS)
def test_an_artifact_names_the_sources_that_stand_beside_it(name):
    document = json.loads((ARTIFACTS_DIR / f"{name}.json").read_text())
    ours = {path: digest for path, digest in document["sources"].items() if path[0] != "@"}
    assert document["sourceName"] in ours
    for path, digest in ours.items():
        assert "0x" + keccak((CONTRACTS / path).read_bytes()).hex() == digest, f"{path} has changed"


def test_nothing_else_is_committed_as_an_artifact():
    assert sorted(path.stem for path in ARTIFACTS_DIR.iterdir()) == sorted(OURS)


@pytest.mark.parametrize("name", OURS)
def test_an_artifact_fits_a_chain_and_names_its_compiler(name):
    document = json.loads((ARTIFACTS_DIR / f"{name}.json").read_text())
    assert len(load(name).runtime) <= CODE_BYTES_MAX
    assert document["compiler"]["version"].startswith("0.8.37+commit.")
    assert document["compiler"]["settings"]["evmVersion"] == "cancun"


@pytest.mark.parametrize("name", SAFE_RUNTIME_HASHES)
def test_safes_artifacts_are_the_pinned_ones(name):
    assert keccak(load_safe(name).runtime).hex() == SAFE_RUNTIME_HASHES[name]


def test_another_build_of_safe_is_refused():
    artifact = load_safe("SafeProxy")
    expected = SAFE_RUNTIME_HASHES["SafeL2"]
    with pytest.raises(ArtifactUnexpected) as caught:
        pinned(artifact, expected)
    assert caught.value.expected == expected
    assert caught.value.found == SAFE_RUNTIME_HASHES["SafeProxy"]


def test_deployed_code_is_its_artifacts_whatever_its_immutables(shared_ground: Ground):
    code = bytes(shared_ground.w3.eth.get_code(shared_ground.vault.address))
    vault = load("HotVault")
    assert code != vault.runtime
    assert vault.is_code(code)
    assert not load("AnchorRegistry").is_code(code)


@given(st.data())
def test_one_changed_byte_outside_the_immutables_is_noticed(data):
    vault = load("HotVault")
    inside = {at for start, length in vault.immutables for at in range(start, start + length)}
    at = data.draw(st.integers(0, len(vault.runtime) - 1))
    changed = bytearray(vault.runtime)
    changed[at] ^= data.draw(st.integers(1, 255))
    assert vault.is_code(bytes(changed)) == (at in inside)


@given(st.integers(0, 20_000), st.binary(max_size=40))
def test_cut_or_lengthened_code_is_noticed(keep, tail):
    vault = load("HotVault")
    code = vault.runtime[:keep] + tail
    assert vault.is_code(code) == (code == vault.runtime)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArtifactMissing) as caught:
        read_artifact("HotVault", tmp_path / "HotVault.json")
    assert caught.value.path == str(tmp_path / "HotVault.json")


GOOD = {"contractName": "X", "abi": [], "bytecode": "0x60", "deployedBytecode": "0x61"}


def test_the_smallest_artifact_is_read(tmp_path):
    path = tmp_path / "X.json"
    path.write_text(json.dumps(GOOD | {"immutables": [[0, 1]]}))
    artifact = read_artifact("X", path)
    assert (artifact.creation, artifact.runtime) == (b"\x60", b"\x61")
    assert artifact.immutables == ((0, 1),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        json.dumps(GOOD | {"contractName": "Y"}),
        json.dumps(GOOD | {"abi": {}}),
        json.dumps(GOOD | {"bytecode": "0xzz"}),
        json.dumps(GOOD | {"bytecode": 5}),
        json.dumps(GOOD | {"immutables": [[1]]}),
        json.dumps(GOOD | {"immutables": 3}),
        json.dumps({key: value for key, value in GOOD.items() if key != "deployedBytecode"}),
    ],
)
def test_a_damaged_artifact_is_refused(tmp_path, text):
    path = tmp_path / "X.json"
    path.write_text(text)
    with pytest.raises(ArtifactMalformed):
        read_artifact("X", path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "X.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArtifactMalformed):
        read_artifact("X", path)
