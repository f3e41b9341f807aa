"""The command `provenue`.

Each subcommand imports what it needs when it runs: web3, py-evm and numba take seconds to load, and
`provenue verify` needs none of them.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

DEFAULT_FOLDER: Final = Path("var/devnet")
CRASH_SEED: Final = 20200312
CRASH_MINUTES: Final = 60
ROWS_MAX: Final = 1 << 28
"""As `api.replay.recorded` has it, which takes a while to import."""
PICTURES: Final = (".svg", ".png", ".pdf")
FAMILIES: Final = ("road", "book", "engine", "journal", "margin", "recovery", "start", "memory")
"""Of benchmarks: the words before the dot."""
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
"""An expected error: bad input, a port in use, a damaged file. Its facts are on stderr."""
OURS: Final = ("api", "compliance", "ledger", "matching")
"""Errors that these packages define are expected; anything else is a bug and shows its trace."""

Command = Callable[[argparse.Namespace], int]


def _demo(options: argparse.Namespace) -> int:
    from api.demo.run import DemoOptions, run_demo

    wanted = DemoOptions(
        folder=options.dir,
        orders=options.orders,
        count=options.count,
        seed=options.seed,
        chain=options.chain,
    )
    return 0 if run_demo(wanted) else EXIT_FAILED


def _devnet(options: argparse.Namespace) -> int:
    from api.devnet.run import DevnetOptions, run_devnet

    wanted = DevnetOptions(
        folder=options.dir,
        port=options.port,
        chain=options.chain,
        chain_port=options.chain_port,
        sanctions=options.sanctions,
        jurisdiction=options.jurisdiction,
    )
    return run_devnet(wanted)


def _chain(options: argparse.Namespace) -> int:
    from api.devnet.chain_process import run_chain_process

    return run_chain_process(options.config)


def _replica(options: argparse.Namespace) -> int:
    from api.devnet.replica_process import run_replica_process

    return run_replica_process(options.config)


def _replay(options: argparse.Namespace) -> int:
    from api.replay.command import ReplayOptions, run_replay

    return run_replay(
        ReplayOptions(
            path=options.file,
            book=options.book,
            instrument=options.instrument,
            rows_max=options.rows,
            as_json=options.json,
        )
    )


def _crash(options: argparse.Namespace) -> int:
    from api.demo.crash_command import CrashOptions, run_crash

    return run_crash(
        CrashOptions(
            seed=options.seed, minutes=options.minutes, chart=options.chart, as_json=options.json
        )
    )


def _picture(text: str) -> Path:
    """A file whose ending says how to draw."""
    path = Path(text)
    if path.suffix not in PICTURES:
        raise argparse.ArgumentTypeError(f"a file that ends in {', '.join(PICTURES)}, not {text}")
    return path


def _whole(least: int, most: int) -> Callable[[str], int]:
    """An option's whole number."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most}, not {text}")
        return number

    return read


def _verify(options: argparse.Namespace) -> int:
    from api.verify import verify_receipt_file

    return verify_receipt_file(options.receipt, options.group)


def _audit(options: argparse.Namespace) -> int:
    from api.verify import verify_ledger_folder

    return verify_ledger_folder(options.ledger, options.group, reexecute=options.reexecute)


def _bench(options: argparse.Namespace) -> int:
    from api.bench.harness import run_suites
    from api.bench.suites import SUITES

    run_suites(SUITES, options.names)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="provenue", description="A trading venue whose word can be checked."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    demo = add("demo", _demo, "Trade, certify, settle, report, verify offline, then attack it.")
    demo.add_argument("--orders", type=Path, help="a recorded day (docs/replay.md)")
    demo.add_argument("--count", type=int, default=20_000, help="orders of the seeded flow")
    demo.add_argument("--seed", type=int, default=1, help="seed of the flow")
    demo.add_argument("--chain", default="embedded", help="embedded, anvil, or an RPC URL")
    demo.add_argument("--dir", type=Path, help="keep everything here (default: a temporary folder)")

    devnet = add("devnet", _devnet, "Keep a local venue running until Ctrl-C.")
    devnet.add_argument("--dir", type=Path, default=DEFAULT_FOLDER, help="its folder")
    devnet.add_argument("--port", type=int, default=8080, help="the API's port on 127.0.0.1")
    devnet.add_argument("--chain", default="embedded", help="embedded, anvil, or an RPC URL")
    devnet.add_argument("--chain-port", type=int, default=8545, help="of the chain started here")
    devnet.add_argument("--jurisdiction", default="EU", help="of the venue's entity: EU, US, GB …")
    devnet.add_argument("--sanctions", type=Path, help="a folder of OFAC address lists")

    chain = add("chain", _chain, "Run the embedded chain (the devnet starts it).")
    chain.add_argument("--config", type=Path, required=True)

    replica = add("replica", _replica, "Run one replica of the audit ledger.")
    replica.add_argument("action", choices=["run"])
    replica.add_argument("--config", type=Path, required=True)

    replay = add("replay", _replay, "Replay a recorded order book and score the predicted fills.")
    replay.add_argument("file", type=Path, help="LOBSTER CSV, Databento MBO DBN, or Bitstamp CSV")
    replay.add_argument("--book", type=Path, help="LOBSTER: the order-book file beside it")
    replay.add_argument("--instrument", type=int, help="Databento: its id (default: the busiest)")
    replay.add_argument(
        "--rows", type=_whole(1, ROWS_MAX), default=ROWS_MAX, help="read at most so many"
    )
    replay.add_argument("--json", action="store_true", help="print one JSON object")

    crash = add("crash", _crash, "Play a crash day on the engine; exit 1 if a check fails.")
    crash.add_argument("--seed", type=int, default=CRASH_SEED, help="of the day that is drawn")
    minutes = _whole(1, CRASH_MINUTES)
    crash.add_argument("--minutes", type=minutes, default=CRASH_MINUTES, help="of the hour (60)")
    crash.add_argument("--chart", type=_picture, help="draw the day into this file")
    crash.add_argument("--json", action="store_true", help="print one JSON object")

    verify = add("verify", _verify, "Check a receipt offline.")
    verify.add_argument("receipt", type=Path)
    verify.add_argument("--group", type=Path, help="the group file (default: beside the receipt)")

    audit = add("audit", _audit, "Check a replica's whole ledger offline.")
    audit.add_argument("ledger", type=Path)
    audit.add_argument("--group", type=Path, required=True)
    audit.add_argument("--reexecute", action="store_true", help="run every command again")

    bench = add("bench", _bench, "Measure; one JSON object a line.")
    families = ", ".join(FAMILIES)
    names = f"a figure (engine.batch512) or a family ({families}); all without a name"
    bench.add_argument("names", nargs="*", metavar="NAME", help=names)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Returns:
        0 when it did what was asked; 1 when what it checked does not hold; 2 for a refused input.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if type(error).__module__.split(".")[0] not in OURS and not isinstance(error, OSError):
            raise
        return _refused(str(error))
    return code


def _refused(why: str) -> int:
    sys.stderr.write(f"provenue: {why}\n")
    return EXIT_REFUSED


if __name__ == "__main__":
    raise SystemExit(main())
