"""docs/api.md names every operation, with its weight, and no other."""

import re

import pytest

from api.binance.routes import OPERATIONS
from tests.conftest import ROOT

DOCS = (ROOT / "docs" / "api.md").read_text()
NAMED = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /(?:api|sapi|fapi|dapi)[^`]*)`", DOCS))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_every_operation_is_documented(operation):
    line = next(
        line for line in DOCS.splitlines() if f"`{operation.method} {operation.path}`" in line
    )
    assert re.search(rf"\| {operation.weight}\b", line)


def test_no_other_operation_is_documented():
    assert {f"{operation.method} {operation.path}" for operation in OPERATIONS} == NAMED


def test_every_operation_is_one_of_a_kind():
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)
