"""The embedded chain in this process, with a client's view of it."""

import msgspec

from ledger.settlement.devchain import rpc
from ledger.settlement.devchain.evm import Evm
from ledger.settlement.devchain.methods import Methods
from tests.settlement.ground import Clock, config_in, rpc_body

TOPIC = "0x" + "2a".rjust(64, "0")


class Chain:
    """A chain with a client's view of it."""

    def __init__(self, directory) -> None:
        self.clock = Clock()
        self.evm = Evm(config_in(directory), self.clock)
        self.methods = Methods(self.evm)

    def ask(self, method, *parameters):
        answer = msgspec.json.decode(rpc.serve(self.methods, rpc_body(method, *parameters)))
        assert answer["jsonrpc"] == "2.0"
        assert answer["id"] == 1
        return answer

    def __call__(self, method, *parameters):
        return self.ask(method, *parameters)["result"]

    def fault(self, method, *parameters):
        return self.ask(method, *parameters)["error"]

    def send(self, raw):
        return self("eth_sendRawTransaction", "0x" + raw.hex())
