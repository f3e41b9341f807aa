"""Every benchmark that `provenue bench` knows, in the order in which it runs them."""

from typing import Final

from api.bench.book import BOOK
from api.bench.engine import ENGINE, MARGIN
from api.bench.harness import Suite
from api.bench.journal import JOURNAL
from api.bench.process import MEMORY, START
from api.bench.recovery import RECOVERY
from api.bench.road import ROAD

SUITES: Final[list[Suite]] = [ROAD, BOOK, ENGINE, JOURNAL, MARGIN, RECOVERY, START, MEMORY]
