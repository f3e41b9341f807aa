"""What can go wrong around a devnet. Each leaf carries the facts."""

from dataclasses import dataclass


class DevnetError(Exception):
    """Base of the expected errors of running a venue on one machine."""

    def __str__(self) -> str:
        """Show the facts."""
        return repr(self)


@dataclass(eq=False)
class ChildDied(DevnetError):
    """A process of the devnet ended by itself."""

    name: str
    exit_code: int
    log_tail: str


@dataclass(eq=False)
class ChildNotReady(DevnetError):
    """A process of the devnet did not say that it was ready."""

    name: str
    waited_s: int
    log_tail: str


@dataclass(eq=False)
class PortInUse(DevnetError):
    """Another program listens on a port that the devnet was told to use."""

    host: str
    port: int


@dataclass(eq=False)
class OtherDevnet(DevnetError):
    """The folder holds a devnet that this version, or these options, cannot continue."""

    folder: str
    found: str
    expected: str


@dataclass(eq=False)
class DevnetRunning(DevnetError):
    """Another process runs the devnet of this folder."""

    folder: str
    pid: int


@dataclass(eq=False)
class RoleMalformed(DevnetError):
    """A child process's file cannot be used."""

    path: str
    reason: str


@dataclass(eq=False)
class ChainNotThere(DevnetError):
    """Nothing answers JSON-RPC at the chain's URL."""

    url: str


@dataclass(eq=False)
class AnvilMissing(DevnetError):
    """No anvil on the PATH, and none at `packaged`: `make contracts` installs it."""

    packaged: str
