"""Deposits and withdrawals in the dialect.

A withdrawal's `amount` is what leaves the account, as at Binance: the payee gets it less the fee.
The ledger's own command says what the payee gets; this module is where the two meet.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from api.binance import answers
from api.binance.kinds import (
    BOOL,
    CLIENT_ID,
    COIN,
    DECIMAL,
    LIMIT,
    LONG,
    QUESTIONNAIRE,
    TEXT,
)
from api.binance.operation import Call, Operation, Security
from api.binance.params import shape
from api.binance.words import MS, WITHDRAWAL_STATUS
from api.gate.decimals import Fixed
from api.gate.desk import NewWithdrawal
from api.gate.listing import Asset
from api.gate.payee import read_payee, show_payee
from api.gate.ports import Custody
from api.gate.refusals import (
    AmountBelowFee,
    AmountTooPrecise,
    AmountTooSmall,
    CoinUnknown,
    CommandRejected,
    FilterFailed,
    NetworkUnknown,
    ParameterInvalid,
    ParameterMissing,
    PayeeTagUnsupported,
)
from ledger.readmodel.views import DepositView, WithdrawalView
from ledger.records.codes import Reject, WithdrawalStatus
from matching.units import AMOUNT_MINOR_MAX

V = TypeVar("V")
HISTORY_DEFAULT: Final = 1000
HISTORY_MAX: Final = 1000
ADDRESS_REGEX: Final = "^(0x)[0-9A-Fa-f]{40}$"
_DEPOSIT_DONE: Final = 1
_SPOT_WALLET: Final = 0
_UNPAID: Final = (WithdrawalStatus.HELD, WithdrawalStatus.CLEARED, WithdrawalStatus.BATCHED)
_CLAIMABLE_NOTE: Final = "The payee refused the payout: it waits in the vault to be claimed."


@dataclass(frozen=True, slots=True)
class DepositAddressRequest:
    """GET /sapi/v1/capital/deposit/address."""

    coin: Annotated[str, COIN]
    network: Annotated[str, COIN] | None = None


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """GET /sapi/v1/capital/deposit/hisrec."""

    coin: Annotated[str, COIN] | None = None
    status: Annotated[int, LONG] | None = None
    start_time: Annotated[int, LONG] | None = None
    end_time: Annotated[int, LONG] | None = None
    offset: Annotated[int, LONG] = 0
    limit: Annotated[int, LIMIT] = HISTORY_DEFAULT


@dataclass(frozen=True, slots=True)
class WithdrawalHistoryRequest:
    """GET /sapi/v1/capital/withdraw/history."""

    coin: Annotated[str, COIN] | None = None
    withdraw_order_id: Annotated[bytes, CLIENT_ID] | None = None
    status: Annotated[int, LONG] | None = None
    start_time: Annotated[int, LONG] | None = None
    end_time: Annotated[int, LONG] | None = None
    offset: Annotated[int, LONG] = 0
    limit: Annotated[int, LIMIT] = HISTORY_DEFAULT


@dataclass(frozen=True, slots=True)
class WithdrawRequest:
    """POST /sapi/v1/capital/withdraw/apply, and /sapi/v1/localentity/withdraw/apply.

    `name` and `transaction_fee_flag` have no effect (there is no address book, and no transfer
    within the venue that could be free); `wallet_type` can only be the spot wallet, 0.
    """

    coin: Annotated[str, COIN]
    address: Annotated[str, TEXT]
    amount: Annotated[Fixed, DECIMAL]
    withdraw_order_id: Annotated[bytes, CLIENT_ID] | None = None
    network: Annotated[str, COIN] | None = None
    address_tag: Annotated[str, TEXT] | None = None
    transaction_fee_flag: Annotated[bool, BOOL] | None = None
    name: Annotated[str, TEXT] | None = None
    wallet_type: Annotated[int, LONG] | None = None
    questionnaire: Annotated[bytes, QUESTIONNAIRE] | None = None


@dataclass(frozen=True, slots=True)
class CoinsRequest:
    """GET /sapi/v1/capital/config/getall."""


async def coins(call: Call[CoinsRequest]) -> list[answers.Coin]:
    """Every asset with its network, and what the caller has of it."""
    services, account = call.services, call.caller.account
    withdrawing, frozen = ([0] * len(services.listing.assets()) for _ in range(2))
    for view in services.history.withdrawals(account):
        if view.status in _UNPAID:
            withdrawing[view.asset] += view.amount_minor + view.fee_minor
    for hold in services.engine.open_holds(account):
        frozen[hold.asset] += hold.left_minor
    found = []
    for asset in services.listing.assets():
        balance = services.engine.balance(account, asset.asset)
        in_orders_minor = balance.held_minor - withdrawing[asset.asset] - frozen[asset.asset]
        found.append(
            answers.Coin(
                coin=asset.symbol,
                deposit_all_enable=True,
                free=asset.show(balance.available_minor),
                freeze=asset.show(frozen[asset.asset]),
                ipoable=asset.show(0),
                ipoing=asset.show(0),
                is_legal_money=False,
                locked=asset.show(in_orders_minor),
                name=asset.symbol,
                network_list=[_network(services.custody, asset)],
                storage=asset.show(0),
                trading=True,
                withdraw_all_enable=True,
                withdrawing=asset.show(withdrawing[asset.asset]),
            )
        )
    return found


async def deposit_address(call: Call[DepositAddressRequest]) -> answers.DepositAddress:
    """Where to deposit: the vault, with the account number as the tag."""
    asset = _asset(call, call.request.coin)
    custody = _custody(call, call.request.network)
    return answers.DepositAddress(
        address=show_payee(custody.vault), coin=asset.symbol, tag=str(call.caller.account), url=""
    )


async def deposits(call: Call[HistoryRequest]) -> list[answers.Deposit]:
    """The caller's deposits, newest first."""
    request = call.request
    wanted = None if request.coin is None else _asset(call, request.coin).asset
    views = [
        view
        for view in reversed(call.services.history.deposits(call.caller.account))
        if wanted in (None, view.asset)
        and request.status in (None, _DEPOSIT_DONE)
        and _between(view.credited_ns, request.start_time, request.end_time)
    ]
    page = _page(views, request.offset, request.limit)
    return [_deposit(call, view) for view in page]


async def withdraw(call: Call[WithdrawRequest]) -> answers.WithdrawalId:
    """Request a withdrawal."""
    return answers.WithdrawalId(str(await _withdraw(call)))


async def withdraw_local(call: Call[WithdrawRequest]) -> answers.TravelRuleWithdrawal:
    """Request a withdrawal with its travel-rule questionnaire."""
    if call.request.questionnaire is None:
        raise ParameterMissing("questionnaire")
    withdrawal_id = await _withdraw(call)
    return answers.TravelRuleWithdrawal(
        withdrawal_id, accpted=True, info="Withdraw request accepted"
    )


async def withdrawals(call: Call[WithdrawalHistoryRequest]) -> list[answers.Withdrawal]:
    """The caller's withdrawals, newest first."""
    request = call.request
    wanted = None if request.coin is None else _asset(call, request.coin).asset
    views = [
        view
        for view in reversed(call.services.history.withdrawals(call.caller.account))
        if wanted in (None, view.asset)
        and request.withdraw_order_id in (None, view.client_id)
        and request.status in (None, WITHDRAWAL_STATUS[view.status])
        and _between(view.created_ns, request.start_time, request.end_time)
    ]
    page = _page(views, request.offset, request.limit)
    return [_withdrawal(call, view) for view in page]


async def _withdraw(call: Call[WithdrawRequest]) -> int:
    """Check, keep the travel-rule payload, and request; returns the withdrawal's id."""
    request = call.request
    if request.wallet_type not in (None, _SPOT_WALLET):
        raise ParameterInvalid("walletType")
    asset = _asset(call, request.coin)
    _custody(call, request.network)
    payee = read_payee(request.address)
    if request.address_tag is not None:
        raise PayeeTagUnsupported
    amount_minor = _payout(asset, request.amount)
    account = call.caller.account
    wish = NewWithdrawal(
        asset=asset.asset,
        amount_minor=amount_minor,
        payee=payee,
        client_id=request.withdraw_order_id or call.services.new_client_id(),
        session=call.caller.session,
    )
    standing = call.services.desk.standing_withdrawal(account, wish)
    if standing is not None:
        return standing
    if request.questionnaire is not None:
        travel = call.services.travel_rule.take(account, request.questionnaire, call.now_ns)
        wish = replace(wish, travel=travel)
    answer = await call.services.desk.withdraw(account, wish)
    if isinstance(answer, int):
        return answer
    if answer.reject is not Reject.NONE:
        raise CommandRejected(answer)
    return answer.subject_id


def _payout(asset: Asset, amount: Fixed) -> int:
    """What the payee gets of `amount`: all but the fee, in minor units.

    Raises:
        AmountTooPrecise, AmountTooSmall, AmountBelowFee, FilterFailed: As their names say.
    """
    amount_minor = amount.at(asset.ledger_decimals)
    if amount_minor is None:
        raise AmountTooPrecise(asset.show(1))
    if amount_minor > AMOUNT_MINOR_MAX:
        raise FilterFailed("MAX_ASSET")
    if amount_minor <= asset.withdrawal_fee_minor:
        raise AmountBelowFee(asset.show(asset.withdrawal_fee_minor))
    if amount_minor < _least_withdrawal(asset):
        raise AmountTooSmall(asset.show(_least_withdrawal(asset)))
    return amount_minor - asset.withdrawal_fee_minor


def _least_withdrawal(asset: Asset) -> int:
    """The ledger's minimum is what the payee gets at least; the fee comes on top here."""
    return asset.withdrawal_min_minor + asset.withdrawal_fee_minor


def _asset(call: Call[Any], coin: str) -> Asset:
    asset = call.services.listing.asset_named(coin)
    if asset is None:
        raise CoinUnknown(coin)
    return asset


def _custody(call: Call[Any], network: str | None) -> Custody:
    custody = call.services.custody
    if network not in (None, custody.network):
        raise NetworkUnknown(str(network))
    return custody


def _between(time_ns: int, start_ms: int | None, end_ms: int | None) -> bool:
    time_ms = time_ns // MS
    return (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)


def _page(views: list[V], offset: int, limit: int) -> list[V]:
    return views[offset : offset + min(limit, HISTORY_MAX)]


def _deposit(call: Call[HistoryRequest], view: DepositView) -> answers.Deposit:
    asset, custody = call.services.listing.asset(view.asset), call.services.custody
    time_ms = view.credited_ns // MS
    return answers.Deposit(
        id=str(view.deposit_index),
        amount=asset.show(view.amount_minor),
        coin=asset.symbol,
        network=custody.network,
        status=_DEPOSIT_DONE,
        address=show_payee(custody.vault),
        address_tag=str(view.account),
        tx_id="0x" + view.tx.hex(),
        insert_time=time_ms,
        complete_time=time_ms,
        transfer_type=0,
        confirm_times="1/1",
        unlock_confirm=1,
        wallet_type=0,
        travel_rule_status=0,
    )


def _withdrawal(call: Call[WithdrawalHistoryRequest], view: WithdrawalView) -> answers.Withdrawal:
    asset = call.services.listing.asset(view.asset)
    done = WITHDRAWAL_STATUS[view.status] == WITHDRAWAL_STATUS[WithdrawalStatus.PAID]
    return answers.Withdrawal(
        id=str(view.withdrawal_id),
        amount=asset.show(view.amount_minor),
        transaction_fee=asset.show(view.fee_minor),
        coin=asset.symbol,
        status=WITHDRAWAL_STATUS[view.status],
        address=show_payee(view.payee),
        address_tag="",
        tx_id="",
        apply_time=_utc(view.created_ns),
        network=call.services.custody.network,
        transfer_type=0,
        withdraw_order_id=view.client_id.decode(),
        info=_CLAIMABLE_NOTE if view.status is WithdrawalStatus.CLAIMABLE else "",
        confirm_no=int(done),
        wallet_type=0,
        tx_key="",
        complete_time=_utc(view.updated_ns) if done else "",
    )


def _utc(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // (1000 * MS), UTC).strftime("%Y-%m-%d %H:%M:%S")


def _network(custody: Custody, asset: Asset) -> answers.Network:
    return answers.Network(
        address_regex=ADDRESS_REGEX,
        coin=asset.symbol,
        contract_address=show_payee(asset.token),
        deposit_desc="",
        deposit_enable=True,
        is_default=True,
        memo_regex="",
        min_confirm=1,
        name=custody.network,
        network=custody.network,
        same_address=True,
        special_tips="The tag of a deposit is the account number.",
        un_lock_confirm=1,
        withdraw_desc="",
        withdraw_enable=True,
        withdraw_fee=asset.show(asset.withdrawal_fee_minor),
        withdraw_integer_multiple=asset.show(1),
        withdraw_max=asset.show(AMOUNT_MINOR_MAX),
        withdraw_min=asset.show(_least_withdrawal(asset)),
        withdraw_tag=True,
    )


_READ, _WITHDRAW = Security.USER_DATA, Security.WITHDRAW
_CAPITAL: Final = "/sapi/v1/capital"
OPERATIONS: Final = (
    Operation("GET", f"{_CAPITAL}/config/getall", _READ, 10, shape(CoinsRequest), coins),
    Operation(
        "GET",
        f"{_CAPITAL}/deposit/address",
        _READ,
        10,
        shape(DepositAddressRequest),
        deposit_address,
    ),
    Operation("GET", f"{_CAPITAL}/deposit/hisrec", _READ, 1, shape(HistoryRequest), deposits),
    Operation(
        "POST", f"{_CAPITAL}/withdraw/apply", _WITHDRAW, 600, shape(WithdrawRequest), withdraw
    ),
    Operation(
        "POST",
        "/sapi/v1/localentity/withdraw/apply",
        _WITHDRAW,
        600,
        shape(WithdrawRequest),
        withdraw_local,
    ),
    Operation(
        "GET",
        f"{_CAPITAL}/withdraw/history",
        _READ,
        10,
        shape(WithdrawalHistoryRequest),
        withdrawals,
    ),
)
