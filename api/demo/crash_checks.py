"""What must hold on a crash day, whatever was drawn, and the day as one JSON object."""

from typing import Any, Final

from api.demo.board import Check
from api.demo.crash import EXPECTED, Evidence

_NS_PER_S: Final = 1_000_000_000
_PPM: Final = 1_000_000


def checks(seen: Evidence) -> list[Check]:
    """Each claim with what was found."""
    strange = {reject.name: n for reject, n in seen.refused.items() if reject not in EXPECTED}
    lowest = min(seen.moments, key=lambda moment: moment.fund)
    second, said = seen.broken or (0, "")
    return [
        Check(
            "The engine answers every command, in order",
            0 < seen.sent == seen.answered,
            f"{seen.answered:,} of {seen.sent:,}; slowest step {seen.slowest_us:,} µs",
        ),
        Check(
            "and refuses none but for want of margin",
            not strange,
            f"{strange}" if strange else f"{sum(seen.refused.values()):,} outcomes",
        ),
        Check(
            "Every asset conserves after every step",
            seen.broken is None and seen.owned == seen.brought,
            f"at {second} s: {said}" if seen.broken else f"{seen.owned} of {seen.brought} brought",
        ),
        Check(
            "Positions net to zero after every step",
            seen.unbalanced is None,
            f"{len(seen.moments)} steps"
            if seen.unbalanced is None
            else f"not at {seen.unbalanced} s",
        ),
        Check(
            "The fund is never below zero: traders share what it cannot pay",
            lowest.fund >= 0,
            f"lowest {lowest.fund:,} at {lowest.second} s; shared {seen.moments[-1].shared:,}",
        ),
        Check(
            "The same commands give the same state again",
            seen.root == seen.again != b"",
            f"root {seen.root.hex()[:16]}",
        ),
    ]


def summary(seed: int, seen: Evidence, found: list[Check]) -> dict[str, Any]:
    """The day in figures; amounts in the dollar's minor units, lots of one contract."""
    first, last = seen.moments[0], seen.moments[-1]
    lowest = min(moment.mark for moment in seen.moments)
    return {
        "seed": seed,
        "seconds": last.second,
        "index": {"first": first.index, "last": last.index},
        "mark": {"first": first.mark, "last": last.mark, "lowest": lowest},
        "fall_ppm": (first.mark - lowest) * _PPM // first.mark,
        "longs_equity_minor": {"first": first.longs, "last": last.longs},
        "shorts_equity_minor": {"first": first.shorts, "last": last.shorts},
        "fund_minor": {
            "first": first.fund,
            "last": last.fund,
            "lowest": min(moment.fund for moment in seen.moments),
        },
        "accounts_fallen": last.fallen,
        "liquidated_lots": last.liquidated,
        "deleveraged_lots": last.deleveraged,
        "shared_minor": last.shared,
        "commands": seen.sent,
        "commands_per_s": seen.played * _NS_PER_S // max(seen.busy_ns, 1),
        "slowest_step_us": seen.slowest_us,
        "refused": {reject.name: n for reject, n in sorted(seen.refused.items()) if reject},
        "state_root": seen.root.hex(),
        "checks": [
            {"what": check.what, "held": check.held, "found": check.found} for check in found
        ],
        "held": all(check.held for check in found),
    }
