"""Stage 1, how much: request weight per address, orders per account, and bans for who won't wait.

Fixed windows: a counter belongs to the window that the clock is in, and all counters of a window
go at once when it ends. Every table has a bound; what no longer fits shares one counter, so that
a flood of addresses is limited together and costs no memory.
"""

from dataclasses import dataclass
from typing import Final

from api.gate.refusals import AddressBanned, OrdersExceeded, WeightExceeded

KEYS_MAX: Final = 100_000
"""Counters of one window. Later keys share the counter of `_OVERFLOW`."""
BANS_MAX: Final = 10_000
"""Banned addresses remembered. When full, the one that ends first makes room."""
_OVERFLOW: Final = ""
_BAN_FIRST_S: Final = 120
_BAN_LONGEST_S: Final = 3 * 24 * 3600

MINUTE_S: Final = 60
ORDER_WINDOW_S: Final = 10
DAY_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Limits:
    """What one address may weigh a minute, and what one account may place. All are counts.

    `violations_max` is how many requests over the limit one window forgives before a ban.
    """

    weight_per_minute: int = 6000
    orders_per_10s: int = 100
    orders_per_day: int = 200_000
    violations_max: int = 100


class Window:
    """Counts per key within one fixed window."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._index = -1
        self._used: dict[str, int] = {}

    def add(self, key: str, amount: int, now_s: int) -> int:
        """Count `amount` for the key; returns its total in this window."""
        index = now_s // self.seconds
        if index != self._index:
            self._index, self._used = index, {}
        if key not in self._used and len(self._used) >= KEYS_MAX:
            key = _OVERFLOW
        total = self._used.get(key, 0) + amount
        self._used[key] = total
        return total

    def used(self, key: str, now_s: int) -> int:
        """The key's total in this window."""
        return self._used.get(key, 0) if now_s // self.seconds == self._index else 0

    def remaining_s(self, now_s: int) -> int:
        """Whole seconds until the window ends, at least 1."""
        return self.seconds - now_s % self.seconds


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """What an account placed: shown in every order response's headers."""

    in_10s: int
    in_day: int


@dataclass(slots=True)
class _Ban:
    until_s: int
    length_s: int


class RateLimits:
    """The gate's counters. Not shared between processes: one venue has one gate for now."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._weight = Window(MINUTE_S)
        self._violations = Window(MINUTE_S)
        self._orders = Window(ORDER_WINDOW_S)
        self._orders_day = Window(DAY_S)
        self._bans: dict[str, _Ban] = {}

    def charge(self, address: str, weight: int, now_s: int) -> int:
        """Count a request's weight; returns what the address used this minute.

        Raises:
            AddressBanned: It is banned, or just became so.
            WeightExceeded: It has to wait for the window to end.
        """
        ban = self._bans.get(address)
        if ban is not None and now_s < ban.until_s:
            raise AddressBanned(ban.until_s * 1000, ban.until_s - now_s)
        used = self._weight.add(address, weight, now_s)
        if used > self.limits.weight_per_minute:
            violations = self._violations.add(address, 1, now_s)
            if violations > self.limits.violations_max:
                raise self._ban(address, now_s)
            raise WeightExceeded(self.limits.weight_per_minute, self._weight.remaining_s(now_s))
        return used

    def used(self, address: str, now_s: int) -> int:
        """What the address used this minute."""
        return self._weight.used(address, now_s)

    def count_order(self, account: int, now_s: int) -> OrderCounts:
        """Count one new order of the account.

        Raises:
            OrdersExceeded: It placed all that the interval allows; this one is not counted.
        """
        key = str(account)
        if self._orders.used(key, now_s) >= self.limits.orders_per_10s:
            raise OrdersExceeded(self.limits.orders_per_10s, "10 SECOND")
        if self._orders_day.used(key, now_s) >= self.limits.orders_per_day:
            raise OrdersExceeded(self.limits.orders_per_day, "1 DAY")
        return OrderCounts(
            self._orders.add(key, 1, now_s),
            self._orders_day.add(key, 1, now_s),
        )

    def _ban(self, address: str, now_s: int) -> AddressBanned:
        """Ban for two minutes at first, for double the last time after that, three days at most."""
        last = self._bans.get(address)
        length_s = min(2 * last.length_s, _BAN_LONGEST_S) if last else _BAN_FIRST_S
        if last is None and len(self._bans) >= BANS_MAX:
            del self._bans[min(self._bans, key=lambda banned: self._bans[banned].until_s)]
        self._bans[address] = _Ban(now_s + length_s, length_s)
        return AddressBanned((now_s + length_s) * 1000, length_s)
