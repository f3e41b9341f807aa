"""The caller's account in the dialect: balances and trades."""

from dataclasses import dataclass
from typing import Annotated, Final

from api.binance import answers
from api.binance.kinds import BOOL, LIMIT, LONG, SYMBOL
from api.binance.market import find_instrument
from api.binance.operation import Call, Operation, Security
from api.binance.order_answers import NO_LIST
from api.binance.params import shape
from api.binance.spans import check_span, first_since, not_after
from api.binance.words import MS
from api.gate.auth import Scope
from api.gate.decimals import show_fixed
from api.gate.listing import Instrument
from api.gate.refusals import ParametersCombined
from ledger.readmodel.views import TradeView
from ledger.records.codes import Side

TRADES_DEFAULT: Final = 500
TRADES_MAX: Final = 1000
_PPM_DECIMALS: Final = 6
_RATE_PLACES: Final = 8
_PPM_IN_BASIS_POINT: Final = 100


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """GET /api/v3/account."""

    omit_zero_balances: Annotated[bool, BOOL] = False


@dataclass(frozen=True, slots=True)
class MyTradesRequest:
    """GET /api/v3/myTrades."""

    symbol: Annotated[str, SYMBOL]
    order_id: Annotated[int, LONG] | None = None
    start_time: Annotated[int, LONG] | None = None
    end_time: Annotated[int, LONG] | None = None
    from_id: Annotated[int, LONG] | None = None
    limit: Annotated[int, LIMIT] = TRADES_DEFAULT


async def account(call: Call[AccountRequest]) -> answers.Account:
    """Balances and commission rates of the caller's account."""
    caller, services = call.caller, call.services
    balances = []
    for asset in services.listing.assets():
        balance = services.engine.balance(caller.account, asset.asset)
        if call.request.omit_zero_balances and not (balance.available_minor or balance.held_minor):
            continue
        balances.append(
            answers.Balance(
                asset.symbol, asset.show(balance.available_minor), asset.show(balance.held_minor)
            )
        )
    maker_ppm, taker_ppm = _headline_rates(services.listing.pairs())
    return answers.Account(
        maker_commission=maker_ppm // _PPM_IN_BASIS_POINT,
        taker_commission=taker_ppm // _PPM_IN_BASIS_POINT,
        buyer_commission=0,
        seller_commission=0,
        commission_rates=answers.CommissionRates(
            _rate(maker_ppm), _rate(taker_ppm), _rate(0), _rate(0)
        ),
        can_trade=Scope.TRADE in caller.scopes,
        can_withdraw=Scope.WITHDRAW in caller.scopes,
        can_deposit=True,
        brokered=False,
        require_self_trade_prevention=True,
        prevent_sor=True,
        update_time=call.now_ms,
        account_type="SPOT",
        balances=balances,
        permissions=("SPOT",),
        uid=caller.account,
    )


async def my_trades(call: Call[MyTradesRequest]) -> list[answers.MyTrade]:
    """The caller's trades of one symbol, oldest first; both sides of a trade with oneself."""
    request, history = call.request, call.services.history
    instrument = find_instrument(call.services.listing, request.symbol)
    account_id, number = call.caller.account, instrument.instrument
    check_span(request.start_time, request.end_time, request.from_id)
    from_id = request.from_id
    if request.start_time is not None:
        if request.order_id is not None:
            raise ParametersCombined

        def probe(trade_id: int) -> tuple[int, int] | None:
            found = history.account_trades(account_id, number, 1, trade_id)
            return (found[0].trade_id, found[0].time_ns) if found else None

        latest = history.account_trades(account_id, number, 1)
        last_id = latest[0].trade_id if latest else 0
        from_id = first_since(probe, last_id, request.start_time * MS)
    limit = min(request.limit, TRADES_MAX)
    views = history.account_trades(account_id, number, limit, from_id, order_id=request.order_id)
    return [
        my_trade(instrument, view, account_id)
        for view in views
        if not_after(view.time_ns, request.end_time)
    ]


def my_trade(instrument: Instrument, view: TradeView, account_id: int) -> answers.MyTrade:
    """One trade from the account's side of it."""
    is_maker = view.maker_account == account_id
    is_buyer = (view.taker_side is Side.BUY) is not is_maker
    received = instrument.base if is_buyer else instrument.quote
    return answers.MyTrade(
        symbol=instrument.symbol,
        id=view.trade_id,
        order_id=view.maker_order_id if is_maker else view.taker_order_id,
        order_list_id=NO_LIST,
        price=instrument.show_price(view.price_ticks),
        qty=instrument.show_qty(view.qty_lots),
        quote_qty=instrument.quote.show(view.quote_minor),
        commission=received.show(view.maker_fee_minor if is_maker else view.taker_fee_minor),
        commission_asset=received.symbol,
        time=view.time_ns // MS,
        is_buyer=is_buyer,
        is_maker=is_maker,
        is_best_match=True,
    )


def _headline_rates(instruments: list[Instrument]) -> tuple[int, int]:
    """The highest maker and taker rate of any symbol: an account has no rates of its own yet."""
    makers = [instrument.maker_fee_ppm for instrument in instruments]
    takers = [instrument.taker_fee_ppm for instrument in instruments]
    return max(makers, default=0), max(takers, default=0)


def _rate(rate_ppm: int) -> str:
    return show_fixed(rate_ppm, _PPM_DECIMALS, _RATE_PLACES)


OPERATIONS: Final = (
    Operation("GET", "/api/v3/account", Security.USER_DATA, 20, shape(AccountRequest), account),
    Operation("GET", "/api/v3/myTrades", Security.USER_DATA, 20, shape(MyTradesRequest), my_trades),
)
