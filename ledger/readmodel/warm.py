"""Compile every kernel of the read model: the folds, and what answers questions."""

from ledger.readmodel.bench import listings
from ledger.readmodel.fold import fold
from ledger.readmodel.model import ReadModel
from matching.groups import Group

_ACCOUNT = 16


def prepare_folds() -> None:
    """Fold the listing of a few instruments, and ask everything that kernels answer."""
    history = ReadModel(0)
    history.apply(listings())
    history.order(1)
    history.order_by_client_id(_ACCOUNT, b"x")
    history.open_orders(_ACCOUNT)
    history.all_orders(_ACCOUNT, 0)
    history.trades(0)
    history.account_trades(_ACCOUNT, 0)
    history.withdrawals(_ACCOUNT)
    history.deposits(_ACCOUNT)


GROUPS = (Group(prepare_folds, (fold,)),)
