"""Deploying once, recognising ever after: idempotence, and each way in which a chain can differ."""

from dataclasses import replace

import pytest
from web3 import HTTPProvider, Web3

from ledger.settlement.artifacts import load_safe
from ledger.settlement.deploy import (
    CodeDiffers,
    DeploymentDiffers,
    DeploymentFailed,
    deploy,
    verify,
)
from ledger.settlement.errors import ChainDown, WrongChain
from ledger.settlement.manifest import ManifestMalformed, read
from tests.contracts.ground import DEPLOYER, PLAN, Ground, new_chain
from tests.settlement.ground import ALICE, STRANGER


def nonce(ground: Ground) -> int:
    return ground.w3.eth.get_transaction_count(DEPLOYER.address)


def test_a_second_deployment_sends_nothing_and_returns_the_first(ground: Ground):
    before = nonce(ground)
    assert deploy(ground.w3, DEPLOYER, PLAN, ground.manifest) == ground.stands
    assert nonce(ground) == before


def test_the_quorum_is_an_unmodified_safe_with_the_operators(ground: Ground):
    w3 = ground.w3
    slot = w3.eth.get_storage_at(Web3.to_checksum_address(ground.stands.safe), 0)
    code = w3.eth.get_code(Web3.to_checksum_address(bytes(slot)[-20:]))
    expected = "0x180193227186ccb85316c94db1f0d156ed932b14712cfaac78901899178572dc"
    assert Web3.keccak(code).to_0x_hex() == expected
    safe = w3.eth.contract(
        Web3.to_checksum_address(ground.stands.safe), abi=load_safe("SafeL2").abi
    )
    assert safe.functions.VERSION().call() == "1.5.0"
    assert safe.functions.getThreshold().call() == 3
    owners = {bytes.fromhex(owner[2:]) for owner in safe.functions.getOwners().call()}
    assert owners == set(PLAN.owners)


def test_nothing_of_a_deployment_is_older_than_its_block(ground: Ground):
    before = ground.stands.block - 1
    for address in (ground.stands.safe, ground.stands.vault, ground.stands.anchors):
        assert not ground.w3.eth.get_code(Web3.to_checksum_address(address), before)


def test_another_chains_manifest_is_refused(ground: Ground, tmp_path):
    path = tmp_path / "deployment.json"
    text = ground.manifest.read_text()
    path.write_text(text.replace(str(ground.stands.chain_id), "1"))
    with pytest.raises(WrongChain) as caught:
        deploy(ground.w3, DEPLOYER, PLAN, path)
    assert (caught.value.expected, caught.value.found) == (1, ground.stands.chain_id)


def test_a_manifest_on_a_chain_without_the_code_is_refused_and_kept(shared_ground: Ground):
    kept = shared_ground.manifest.read_bytes()
    with pytest.raises(CodeDiffers) as caught:
        deploy(new_chain(), DEPLOYER, PLAN, shared_ground.manifest)
    assert (caught.value.contract, caught.value.code_bytes) == ("SafeProxy", 0)
    assert shared_ground.manifest.read_bytes() == kept


@pytest.mark.parametrize("field", ["safe", "vault", "anchors"])
def test_an_address_with_other_code_is_refused(shared_ground: Ground, field):
    stands = replace(shared_ground.stands, **{field: shared_ground.stands.tokens[0].address})
    with pytest.raises(CodeDiffers):
        verify(shared_ground.w3, stands, PLAN)


def test_the_vault_of_another_safe_is_refused(ground: Ground, tmp_path):
    other = deploy(ground.w3, DEPLOYER, PLAN, tmp_path / "other.json")
    with pytest.raises(DeploymentDiffers) as caught:
        verify(ground.w3, replace(ground.stands, vault=other.vault), PLAN)
    assert caught.value.field == "vault.quorum"
    with pytest.raises(DeploymentDiffers) as caught:
        verify(ground.w3, replace(ground.stands, anchors=other.anchors), PLAN)
    assert caught.value.field == "anchors.quorum"


TOKEN = PLAN.tokens[0]
OTHER_PLANS = {
    "safe.owners": replace(PLAN, owners=(*PLAN.owners[:3], b"\x01" * 20)),
    "safe.threshold": replace(PLAN, threshold=2),
    "vault.limitDelay": replace(PLAN, limit_delay_s=1),
    f"vault.isGuardian({'07' * 20})": replace(PLAN, guardians=(b"\x07" * 20,)),
    "tokens": replace(PLAN, tokens=(*PLAN.tokens[1:], TOKEN)),
}


@pytest.mark.parametrize("field", OTHER_PLANS)
def test_a_plan_that_is_not_what_stands_is_refused(shared_ground: Ground, field):
    with pytest.raises(DeploymentDiffers) as caught:
        verify(shared_ground.w3, shared_ground.stands, OTHER_PLANS[field])
    assert caught.value.field == field


def test_tokens_swapped_in_the_manifest_are_refused(shared_ground: Ground):
    usdc, wbtc, weth = shared_ground.stands.tokens
    swapped = (replace(usdc, address=wbtc.address), replace(wbtc, address=usdc.address), weth)
    with pytest.raises(DeploymentDiffers) as caught:
        verify(shared_ground.w3, replace(shared_ground.stands, tokens=swapped), PLAN)
    assert caught.value.field == "USDC.symbol"


def test_a_token_that_the_vault_does_not_list_is_refused(ground: Ground, tmp_path):
    other = deploy(ground.w3, DEPLOYER, PLAN, tmp_path / "other.json")
    with pytest.raises(DeploymentDiffers) as caught:
        verify(ground.w3, replace(ground.stands, tokens=other.tokens), PLAN)
    assert caught.value.field == "USDC.listed"


def test_a_safe_with_a_module_is_refused(ground: Ground):
    address = Web3.to_checksum_address(ground.stands.safe)
    safe = ground.w3.eth.contract(address, abi=load_safe("SafeL2").abi)
    ground.quorum_call(safe.functions.enableModule(DEPLOYER.address))
    with pytest.raises(DeploymentDiffers) as caught:
        verify(ground.w3, ground.stands, PLAN)
    assert caught.value.field == "safe.modules"


def test_a_plan_that_no_safe_accepts_fails_without_a_manifest(chain_url, tmp_path):
    path = tmp_path / "deployment.json"
    with pytest.raises(DeploymentFailed) as caught:
        deploy(Web3(HTTPProvider(chain_url)), ALICE, replace(PLAN, threshold=5), path)
    assert caught.value.contract == "SafeProxy"
    assert read(path) is None


def test_a_deployer_without_funds_fails_without_a_manifest(chain_url, tmp_path):
    path = tmp_path / "deployment.json"
    with pytest.raises(DeploymentFailed) as caught:
        deploy(Web3(HTTPProvider(chain_url)), STRANGER, PLAN, path)
    assert caught.value.contract == "SafeL2"
    assert read(path) is None


def test_a_chain_that_is_down_is_named(tmp_path, unused_url):
    path = tmp_path / "deployment.json"
    with pytest.raises(ChainDown) as caught:
        deploy(Web3(HTTPProvider(unused_url)), DEPLOYER, PLAN, path)
    assert caught.value.url == unused_url
    assert read(path) is None


def test_a_damaged_manifest_is_refused_and_nothing_is_deployed(ground: Ground, tmp_path):
    path = tmp_path / "deployment.json"
    path.write_text("{}")
    before = nonce(ground)
    with pytest.raises(ManifestMalformed):
        deploy(ground.w3, DEPLOYER, PLAN, path)
    assert nonce(ground) == before
