from ledger.settlement.artifacts import load
from ledger.settlement.eip712 import *
from tests.contracts.conftest import *
from coincurve import PrivateKey


def sign(digest, ops):
    out = []
    for o in sorted(ops, key=lambda o: o.address.lower()):
        s = PrivateKey(bytes(o.key)).sign_recoverable(digest, hasher=None)
        out.append(s[:64] + bytes([27 + s[64]]))
    return b"".join(out)


def test_flow(w3, deployment):
    vault = w3.eth.contract(Web3.to_checksum_address(deployment.vault), abi=load("HotVault").abi)
    usdc = w3.eth.contract(
        Web3.to_checksum_address(deployment.tokens[0].address), abi=load("DevToken").abi
    )

    def send(fn, acct=DEPLOYER):
        tx = fn.build_transaction(
            {"from": acct.address, "nonce": w3.eth.get_transaction_count(acct.address)}
        )
        r = w3.eth.wait_for_transaction_receipt(
            w3.eth.send_raw_transaction(acct.sign_transaction(tx).raw_transaction)
        )
        assert r["status"] == 1
        return r["gasUsed"]

    send(usdc.functions.mint(DEPLOYER.address, 10**12))
    send(usdc.functions.approve(deployment.vault, 2**256 - 1))
    for i in range(3):
        print("deposit", send(vault.functions.deposit(usdc.address, 10**6, 16)))
    head = ZERO_DIGEST
    t = w3.eth.get_block("latest")["timestamp"]
    payee = b"\x55" * 20
    wid = 1
    for k, n in enumerate((1, 1, 1, 101, 101), 1):
        b = Batch(
            k,
            1,
            3,
            t + 10**6,
            head,
            b"\1" * 32,
            ZERO_DIGEST,
            b"\2" * 32,
            tuple(Payout(wid + i, deployment.tokens[0].address, payee, 10) for i in range(n)),
        )
        wid += n
        d = batch_digest(b, w3.eth.chain_id, deployment.vault)
        assert d == vault.functions.digest(batch_argument(b)).call()
        print("batch", n, send(vault.functions.execute(batch_argument(b), sign(d, OPERATORS[:3]))))
        head = d
        assert vault.functions.head().call() == d
    assert usdc.functions.balanceOf(payee).call() == 2050
    reg = w3.eth.contract(
        Web3.to_checksum_address(deployment.anchors), abi=load("AnchorRegistry").abi
    )
    head = ZERO_DIGEST
    for i in range(1, 4):
        a = Anchor(i, 1, i, i * 10, i * 20, b"\1" * 32, b"\2" * 32, head)
        d = anchor_digest(a, w3.eth.chain_id, deployment.anchors)
        print("anchor", send(reg.functions.anchor(anchor_argument(a), sign(d, OPERATORS[:3]))))
        head = d
