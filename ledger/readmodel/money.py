"""The fold over money in and out: assets, deposits and withdrawals."""

from ledger.readmodel.index import (
    Name,
    find_name,
    hash_name,
    insert,
    name_at,
    replace,
    write_name,
)
from ledger.readmodel.layout import NONE, Records, Vault
from ledger.readmodel.trading import DONE
from ledger.records.codes import CommandKind, EventKind, Verdict, WithdrawalStatus
from matching.jit import i64, inlined, inner

_LIST_ASSET = int(CommandKind.LIST_ASSET)
_CREDIT = int(CommandKind.CREDIT_DEPOSIT)
_REQUEST = int(CommandKind.REQUEST_WITHDRAWAL)
_DECIDE = int(CommandKind.DECIDE_WITHDRAWAL)
_BATCHED_EVENT = int(EventKind.WITHDRAWAL_BATCHED)
_SETTLED_EVENT = int(EventKind.WITHDRAWAL_SETTLED)
_RELEASED_EVENT = int(EventKind.WITHDRAWAL_RELEASED)
_APPROVE = int(Verdict.APPROVE)
_HELD = int(WithdrawalStatus.HELD)
_CLEARED = int(WithdrawalStatus.CLEARED)
_DENIED = int(WithdrawalStatus.DENIED)


@inner
def apply_money(records: Records, vault: Vault, first_seq: int, count: int) -> int:
    """Fold a batch's money commands and events into the tables.

    Args:
        records: The batch.
        vault: Mutated; large enough for every withdrawal and deposit of the batch.
        first_seq: The seq of the first command.
        count: So many commands.

    Returns:
        DONE, or the seq of a command whose results name a withdrawal that is not known.
    """
    kinds, rejects = records.withdrawals["kind"], records.outcomes["reject"]
    counts = records.outcomes["events"]
    at = 0
    for i in range(count):
        end = at + i64(counts[i])
        kind = kinds[i]
        if rejects[i] == 0:
            if kind == _LIST_ASSET:
                list_asset(records, vault, i)
            elif kind == _CREDIT:
                add_deposit(records, vault, i)
            elif kind == _REQUEST:
                add_withdrawal(records, vault, i, first_seq + i)
            elif kind == _DECIDE and not decide(records, vault, i):
                return first_seq + i
        for event in range(at, end):
            if not apply_event(records, vault, event):
                return first_seq + i
        at = end
    return DONE


@inlined
def list_asset(records: Records, vault: Vault, i: int) -> None:
    """Remember what a withdrawal of the asset will cost and need."""
    asset = i64(records.assets["asset"][i])
    vault.assets["withdrawal_fee_minor"][asset] = records.assets["withdrawal_fee_minor"][i]
    vault.assets["required_checks"][asset] = records.assets["required_checks"][i]


@inlined
def add_deposit(records: Records, vault: Vault, i: int) -> None:
    """Write the deposit that command i credited."""
    rows, commands, used = vault.deposits, records.deposits, vault.counters["deposit_used"]
    row = used[0]
    used[0] += 1
    account = i64(commands["account"][i])
    rows["deposit_index"][row] = commands["deposit_index"][i]
    rows["account"][row] = account
    rows["asset"][row] = commands["asset"][i]
    rows["amount_minor"][row] = commands["amount_minor"][i]
    rows["chain_block"][row] = commands["chain_block"][i]
    rows["credited_ns"][row] = commands["time_ns"][i]
    rows["tx_0"][row] = commands["tx_0"][i]
    rows["tx_1"][row] = commands["tx_1"][i]
    rows["tx_2"][row] = commands["tx_2"][i]
    rows["tx_3"][row] = commands["tx_3"][i]
    rows["account_prev"][row] = vault.accounts["last_deposit"][account]
    vault.accounts["last_deposit"][account] = row


@inlined
def add_withdrawal(records: Records, vault: Vault, i: int, withdrawal_id: int) -> None:
    """Write the withdrawal that command i requested; without checks it is cleared at once."""
    rows, commands, used = vault.withdrawals, records.withdrawals, vault.counters["withdrawal_used"]
    row = used[0]
    used[0] += 1
    account, asset = i64(commands["account"][i]), i64(commands["asset"][i])
    required = vault.assets["required_checks"][asset]
    rows["withdrawal_id"][row] = withdrawal_id
    rows["account"][row] = account
    rows["asset"][row] = asset
    rows["amount_minor"][row] = commands["amount_minor"][i]
    rows["fee_minor"][row] = vault.assets["withdrawal_fee_minor"][asset]
    rows["payee_0"][row] = commands["payee_0"][i]
    rows["payee_1"][row] = commands["payee_1"][i]
    rows["payee_2"][row] = commands["payee_2"][i]
    rows["travel_0"][row] = commands["travel_0"][i]
    rows["travel_1"][row] = commands["travel_1"][i]
    rows["travel_2"][row] = commands["travel_2"][i]
    rows["travel_3"][row] = commands["travel_3"][i]
    rows["batch"][row] = 0
    rows["checks_passed"][row] = 0
    rows["required_checks"][row] = required
    rows["status"][row] = _CLEARED if required == 0 else _HELD
    rows["created_ns"][row] = commands["time_ns"][i]
    rows["updated_ns"][row] = commands["time_ns"][i]
    rows["account_prev"][row] = vault.accounts["last_withdrawal"][account]
    vault.accounts["last_withdrawal"][account] = row
    name_withdrawal(vault, row, name_at(commands, i))


@inlined
def name_withdrawal(vault: Vault, row: int, name: Name) -> None:
    """Let the client id find this withdrawal, the latest that has it."""
    hashed = hash_name(vault.salt, name)
    earlier = find_name(vault.by_name, hashed, vault.withdrawals, name)
    write_name(vault.withdrawals, row, name)
    if name.client_0 & 255 == 0:
        return
    if earlier == NONE:
        insert(vault.by_name, hashed, row)
    else:
        replace(vault.by_name, hashed, earlier, row)


@inlined
def find_withdrawal(vault: Vault, withdrawal_id: int) -> int:
    """The row of a withdrawal, by bisection: ids ascend; NONE when it is not known."""
    ids = vault.withdrawals["withdrawal_id"]
    low, high = 0, i64(vault.counters["withdrawal_used"][0])
    end = high
    while low < high:
        middle = (low + high) >> 1
        if ids[middle] < withdrawal_id:
            low = middle + 1
        else:
            high = middle
    return low if low < end and ids[low] == withdrawal_id else NONE


@inlined
def decide(records: Records, vault: Vault, i: int) -> bool:
    """Apply the verdict of command i; False when its withdrawal is not known."""
    rows, commands = vault.withdrawals, records.decisions
    row = find_withdrawal(vault, commands["withdrawal_id"][i])
    if row == NONE:
        return False
    rows["updated_ns"][row] = commands["time_ns"][i]
    if commands["verdict"][i] != _APPROVE:
        rows["status"][row] = _DENIED
        return True
    rows["checks_passed"][row] |= commands["check"][i]
    required = rows["required_checks"][row]
    if rows["checks_passed"][row] & required == required:
        rows["status"][row] = _CLEARED
    return True


@inlined
def apply_event(records: Records, vault: Vault, event: int) -> bool:
    """Fold one event, whose flags say where its withdrawal stands now; False when it is unknown."""
    rows, events = vault.withdrawals, records.events
    kind = events["kind"][event]
    if kind not in (_BATCHED_EVENT, _SETTLED_EVENT, _RELEASED_EVENT):
        return True
    row = find_withdrawal(vault, events["order_id"][event])
    if row == NONE:
        return False
    rows["status"][row] = events["flags"][event]
    rows["updated_ns"][row] = events["time_ns"][event]
    if kind == _BATCHED_EVENT:
        rows["batch"][row] = events["trade_id"][event]
    return True
