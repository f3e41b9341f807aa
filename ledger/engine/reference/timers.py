"""The reference engine's slots and timers, as lists that anybody can read."""

from dataclasses import dataclass, field


@dataclass
class Slots:
    """Slots of one arena are part of the state root: the last one freed is the first one taken."""

    high: int = 0
    free: list[int] = field(default_factory=list)

    def take(self) -> int:
        if self.free:
            return self.free.pop()
        self.high += 1
        return self.high - 1

    def give(self, slot: int) -> None:
        self.free.append(slot)


@dataclass
class Timer:
    timer_id: int
    account: int
    second: int
    slot: int


@dataclass
class Timers:
    """In the order in which they were set."""

    timers: list[Timer] = field(default_factory=list)
    slots: Slots = field(default_factory=Slots)

    def add(self, timer_id: int, account: int, second: int) -> None:
        self.timers.append(Timer(timer_id, account, second, self.slots.take()))

    def remove(self, timer_id: int) -> None:
        (found,) = [timer for timer in self.timers if timer.timer_id == timer_id]
        self.timers.remove(found)
        self.slots.give(found.slot)

    def first(self, second: int) -> int | None:
        """The id of the earliest timer that is due at a second."""
        due = [timer for timer in self.timers if timer.second <= second]
        return min(due, key=lambda timer: timer.second).timer_id if due else None

    def queue(self, second: int) -> list[Timer]:
        """All timers of one second, in order."""
        return [timer for timer in self.timers if timer.second == second]
