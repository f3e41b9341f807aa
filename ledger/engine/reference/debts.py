"""What the reference engine keeps of loans: what the pool asks, and what accounts owe."""

from dataclasses import dataclass, field

from ledger.engine.credit_layout import LOANS_PER_ACCOUNT


@dataclass
class Lending:
    """The terms of one asset, and the sum of the rates of all full hours so far.

    Negative balances have paid them up to `charged`.
    """

    hourly_ppt: int
    limit: int
    opens_ppm: int
    calls_ppm: int
    liquidates_ppm: int
    index: int
    hour: int
    charged: int


@dataclass
class Loan:
    """What one account owes of one asset; interest is charged up to `index`."""

    asset: int
    principal: int
    interest: int
    index: int

    @property
    def owed(self) -> int:
        return self.principal + self.interest


@dataclass
class Borrower:
    """The loans of a margin account, each in its place."""

    loans: list[Loan | None] = field(default_factory=lambda: [None] * LOANS_PER_ACCOUNT)
    called: bool = False

    @property
    def owing(self) -> list[Loan]:
        return [loan for loan in self.loans if loan is not None]
