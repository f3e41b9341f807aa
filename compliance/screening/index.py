"""Look an address up in all configured lists at once, and say what was looked into."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from compliance.rules.evaluator import ScreeningFacts
from compliance.screening.address import canonical_address
from compliance.screening.lists import SanctionsList, load_directory, sample_list


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is to be screened, and under whose law.

    Attributes:
        jurisdiction: Of the venue's legal entity.
        on_date: Of the request.
        asset: Symbol of what is withdrawn.
        address: Of the payee, in any spelling.
    """

    jurisdiction: str
    on_date: date
    asset: str
    address: str


def load_index(
    directory: Path | None, as_of: date | None = None, *, sample_allowed: bool
) -> "SanctionsIndex":
    """The index of what the operator configured.

    Args:
        directory: Where the published files are; None when nothing is configured.
        as_of: The snapshot's date, when the operator knows it.
        sample_allowed: Whether the three sample entries may stand in: on a devnet only. Without
            them an unconfigured index knows no list, and every withdrawal is denied.

    Raises:
        SanctionsListMissing: The directory was configured and holds no list.
        SanctionsListMalformed, SanctionsListTooLarge: A file cannot be trusted.
    """
    if directory is not None:
        return SanctionsIndex([load_directory(directory, as_of)])
    return SanctionsIndex([sample_list()] if sample_allowed else [])


class SanctionsIndex:
    """An immutable index over list versions; without lists it knows nothing, and says so."""

    __slots__ = ("_by_address", "names", "version")

    def __init__(self, lists: Sequence[SanctionsList]) -> None:
        ordered = sorted(lists, key=lambda item: item.name)
        self.names = tuple(item.name for item in ordered)
        assert len(set(self.names)) == len(self.names), "one version of a list at a time"
        self.version = "; ".join(item.version for item in ordered)
        self._by_address: dict[tuple[str, str], list[str]] = {}
        for item in ordered:
            for entry in item.entries:
                hits = self._by_address.setdefault((entry.family, entry.address), [])
                hits.append(f"{item.name}:{entry.asset}")

    def lookup(self, asset: str, address: str) -> tuple[str, ...]:
        """`LIST:ASSET` of each entry that names this address, sorted; empty when none does.

        Raises:
            AddressMalformed: The text is no address.
        """
        return tuple(sorted(self._by_address.get(canonical_address(asset, address), ())))

    def facts(self, subject: Subject) -> ScreeningFacts:
        """Everything that the screening rules read.

        Raises:
            AddressMalformed: The text is no address.
        """
        _, address = canonical_address(subject.asset, subject.address)
        return ScreeningFacts(
            jurisdiction=subject.jurisdiction,
            on_date=subject.on_date,
            asset=subject.asset,
            address=address,
            lists=self.names,
            list_version=self.version,
            hits=self.lookup(subject.asset, subject.address),
        )
