"""Stage 5 of one venue: its certified copy of the ledger, and its connections to the replicas."""

from dataclasses import dataclass
from typing import Self

from api.venue.adapters import DurableCommands
from api.venue.config import VenueConfig
from ledger.audit.certifier import Certifier, CutPolicy
from ledger.audit.client import GroupClient
from ledger.audit.group import VENUE
from ledger.audit.messages import Author
from ledger.audit.services import CertifiedView
from ledger.engine import Engine


@dataclass(frozen=True, slots=True)
class Certifying:
    """What is open; `view` is the certified history."""

    client: GroupClient
    certifier: Certifier[Engine]
    view: CertifiedView[Engine]

    @classmethod
    def open(cls, config: VenueConfig, source: DurableCommands) -> Self:
        """Open the certified ledger and execute it again; nothing is dialled yet.

        Raises:
            LedgerFileError, RootsDiffer: What is on disk is damaged, or contradicts itself.
        """
        client = GroupClient(Author(config.group, VENUE, config.key))
        policy = CutPolicy(interval_ms=config.block_interval_ms)
        certifier = Certifier(client, config.folder / "ledger", source.tail, Engine, policy)
        source.bell = certifier.notify
        return cls(client, certifier, CertifiedView(certifier.ledger))
