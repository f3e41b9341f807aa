"""The process that keeps an anvil node: an alternative to the embedded chain, by `--chain anvil`.

Anvil comes with the contracts' npm packages (`make contracts`) or from the PATH. Its state is kept
in one file, written every few seconds and at a clean stop: kill -9 may lose its newest blocks,
which the embedded chain never does.
"""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

from api.devnet.errors import AnvilMissing, ChainNotThere
from api.devnet.lifeline import hold_on
from api.devnet.roles import ChainRole, read_role

PACKAGED: Final = Path("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
LISTENING: Final = "Listening on "
BALANCE_WEI: Final = 10_000 * 10**18
STATE_EVERY_S: Final = 5
RPC_TIMEOUT_S: Final = 10
_ROOT: Final = Path(__file__).resolve().parents[2]


def find_anvil() -> str:
    """Where anvil is.

    Raises:
        AnvilMissing: Neither on the PATH nor among the contracts' packages.
    """
    packaged = _ROOT / PACKAGED
    found = shutil.which("anvil") or (str(packaged) if packaged.exists() else None)
    if found is None:
        raise AnvilMissing(str(PACKAGED))
    return found


def run_anvil_process(path: Path) -> int:
    """Serve anvil until SIGTERM; `path` is the chain's role.

    Raises:
        AnvilMissing: There is none.
        ChainNotThere: It ended before it listened; its words are on stderr.
    """
    role = read_role(path, ChainRole)
    folder = Path(role.directory)
    folder.mkdir(parents=True, exist_ok=True)
    command = [find_anvil(), "--host", "127.0.0.1", "--port", str(role.port)]
    command += ["--chain-id", str(role.chain_id), "--state", str(folder / "anvil.json")]
    command += ["--state-interval", str(STATE_EVERY_S), "--hardfork", "prague"]
    signal.signal(signal.SIGTERM, _stop)
    hold_on()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as anvil:  # noqa: S603
        try:
            url = _listening(anvil)
            for account in role.accounts:
                _set_balance(url, account)
            sys.stdout.write(f"anvil ready {url}\n")
            sys.stdout.flush()
            assert anvil.stdout is not None
            for _ in anvil.stdout:
                continue
        finally:
            anvil.terminate()
    return 0


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _listening(anvil: subprocess.Popen[str]) -> str:
    assert anvil.stdout is not None
    for line in anvil.stdout:
        if line.startswith(LISTENING):
            return "http://" + line.removeprefix(LISTENING).strip()
    raise ChainNotThere("anvil")


def _set_balance(url: str, account: str) -> None:
    """Give an account the money that the embedded chain gives it in its genesis."""
    call = {"method": "anvil_setBalance", "params": [account, hex(BALANCE_WEI)]}
    body = json.dumps({"jsonrpc": "2.0", "id": 1} | call).encode()
    headers = {"content-type": "application/json"}
    with urlopen(Request(url, body, headers), timeout=RPC_TIMEOUT_S) as answer:  # noqa: S310  # loopback
        assert "result" in json.loads(answer.read()), "anvil takes its own methods"


if __name__ == "__main__":
    raise SystemExit(run_anvil_process(Path(sys.argv[1])))
