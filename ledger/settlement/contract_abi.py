"""A contract's ABI as the committed artifact has it: functions, events and errors by name."""

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from ledger.settlement.artifacts import load, load_safe
from ledger.settlement.chain import ChainLog
from ledger.settlement.errors import ChainInconsistent


class ContractAbi:
    """One contract's ABI, compiled to selectors and types on first use."""

    def __init__(self, name: str, *, safe: bool = False) -> None:
        self.name = name
        self._safe = safe
        self._entries: dict[str, Any] = {}
        self._errors: dict[bytes, tuple[str, list[str]]] = {}

    def _entry(self, name: str) -> Any:  # noqa: ANN401  # an ABI entry is JSON
        if not self._entries:
            self._load()
        return self._entries[name]

    def _load(self) -> None:
        abi: Any = (load_safe if self._safe else load)(self.name).abi
        self._entries = {one["name"]: one for one in abi if "name" in one}
        for one in abi:
            if one["type"] == "error":
                types = _types(one["inputs"])
                self._errors[_hash(one["name"], types)[:4]] = (one["name"], types)

    @property
    def errors(self) -> dict[bytes, tuple[str, list[str]]]:
        """Custom errors by selector: name and argument types."""
        if not self._entries:
            self._load()
        return self._errors

    def call(self, name: str, *arguments: object) -> bytes:
        """Calldata of a function."""
        types = _types(self._entry(name)["inputs"])
        return _hash(name, types)[:4] + encode(types, arguments)

    def answer(self, name: str, raw: bytes) -> tuple[Any, ...]:
        """A function's answer."""
        return decode(_types(self._entry(name)["outputs"]), raw)

    def topic(self, name: str) -> bytes:
        """An event's first topic."""
        return _hash(name, _types(self._entry(name)["inputs"]))

    def fields(self, name: str, log: ChainLog) -> dict[str, Any]:
        """A log's arguments by name."""
        inputs = self._entry(name)["inputs"]
        indexed = [one for one in inputs if one["indexed"]]
        plain = [one for one in inputs if not one["indexed"]]
        if len(log.topics) != len(indexed) + 1:
            raise ChainInconsistent(name, f"{len(indexed) + 1} topics", str(len(log.topics)))
        try:
            values = {
                one["name"]: decode([one["type"]], topic)[0]
                for one, topic in zip(indexed, log.topics[1:], strict=True)
            }
            rest = decode(_types(plain), log.data)
        except DecodingError as error:
            raise ChainInconsistent(name, "an event", str(error)) from error
        return values | dict(zip((one["name"] for one in plain), rest, strict=True))


def _hash(name: str, types: list[str]) -> bytes:
    return keccak(f"{name}({','.join(types)})".encode())


def _types(inputs: Any) -> list[str]:  # noqa: ANN401  # an ABI entry is JSON
    return [_type(one) for one in inputs]


def _type(one: Any) -> str:  # noqa: ANN401  # an ABI entry is JSON
    kind = str(one["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(one['components']))}){kind.removeprefix('tuple')}"
