"""Custom errors by name and arguments, as the committed ABI spells them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from eth_abi.abi import decode
from eth_tester.exceptions import TransactionFailed

from ledger.settlement.contract_abi import ContractAbi


@contextmanager
def refused(contract: str, error: str, *arguments: object) -> Iterator[None]:
    """Expect exactly this custom error of `contract` with exactly these arguments."""
    with pytest.raises(TransactionFailed) as caught:
        yield
    # web3 turns the revert data into a sentence; the bytes are in what it was handling.
    original = caught.value.__context__
    assert isinstance(original, TransactionFailed)
    (raw,) = original.args[0].args
    name, types = ContractAbi(contract).errors[raw[:4]]
    assert (name, decode(types, raw[4:])) == (error, arguments)
