"""The manifest survives a round trip and a crash, and refuses what it is not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.manifest import (
    DeployedToken,
    Deployment,
    ManifestMalformed,
    read,
    write,
)

ADDRESS = st.binary(min_size=20, max_size=20)
TOKEN = st.builds(DeployedToken, st.text(max_size=12), st.integers(0, 255), ADDRESS)
DEPLOYMENT = st.builds(
    Deployment,
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    ADDRESS,
    ADDRESS,
    ADDRESS,
    st.lists(TOKEN, max_size=5).map(tuple),
)
EXAMPLE = Deployment(
    31337, 1, b"\x01" * 20, b"\x02" * 20, b"\x03" * 20, (DeployedToken("USDC", 6, b"\x04" * 20),)
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manifest") / "deployment.json"


@given(deployment=DEPLOYMENT)
def test_what_is_written_is_read(scratch, deployment):
    write(scratch, deployment)
    assert read(scratch) == deployment


def test_no_file_is_no_deployment(tmp_path):
    assert read(tmp_path / "deployment.json") is None


def test_a_crash_before_the_rename_leaves_the_old_manifest(tmp_path):
    path = tmp_path / "deployment.json"
    write(path, EXAMPLE)
    (tmp_path / "deployment.part").write_text('{"version": 1, "chain')
    assert read(path) == EXAMPLE
    write(path, EXAMPLE)
    assert read(path) == EXAMPLE
    assert sorted(one.name for one in tmp_path.iterdir()) == ["deployment.json"]


def changed(**fields) -> str:
    document = {
        "version": 1,
        "chain_id": 31337,
        "block": 1,
        "safe": "0x" + "01" * 20,
        "vault": "0x" + "02" * 20,
        "anchors": "0x" + "03" * 20,
        "tokens": [{"symbol": "USDC", "decimals": 6, "address": "0x" + "04" * 20}],
    }
    return json.dumps(document | fields)


def test_the_documented_form_is_read(tmp_path):
    path = tmp_path / "deployment.json"
    path.write_text(changed())
    assert read(path) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "\x00",
        changed()[:-1],
        changed(version=2),
        changed(version="1"),
        changed(chain_id=-1),
        changed(chain_id=1.5),
        changed(block=None),
        changed(safe="0x" + "01" * 19),
        changed(safe="0X" + "01" * 20),
        changed(vault="0x" + "AB" * 20),
        changed(vault="0x" + "02" * 20 + "\n"),
        changed(anchors=7),
        changed(extra=1),
        changed(tokens=[{"symbol": "USDC", "decimals": 256, "address": "0x" + "04" * 20}]),
        changed(tokens=[{"symbol": "USDC", "address": "0x" + "04" * 20}]),
    ],
)
def test_anything_else_is_refused_with_its_path(tmp_path, text):
    path = tmp_path / "deployment.json"
    path.write_text(text)
    with pytest.raises(ManifestMalformed) as caught:
        read(path)
    assert caught.value.path == str(path)
