"""What one command of the reference engine brings about: its outcome and its events."""

from dataclasses import dataclass, field


@dataclass
class Effects:
    """Fields as in OUTCOME and EVENT; what is not named is zero."""

    seq: int
    time_ns: int
    kind: int
    outcome: dict[str, int] = field(default_factory=dict)
    events: list[dict[str, int]] = field(default_factory=list)

    def emit(self, kind: int, **fields: int) -> None:
        """One event, numbered within its command."""
        stamp = {"seq": self.seq, "time_ns": self.time_ns, "kind": int(kind)}
        self.events.append(stamp | {"index": len(self.events)} | fields)
