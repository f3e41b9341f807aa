"""The figures in docs/spec/custody.md, section 8, are what the contracts cost."""

import re
import runpy
from pathlib import Path

from tests.conftest import ROOT as REPOSITORY


def test_the_documented_gas_is_measured_within_a_percent(tmp_path: Path):
    script = runpy.run_path(str(REPOSITORY / "scripts" / "contracts_gas.py"))
    measured = script["measure"](script["Bench"](tmp_path))
    text = (REPOSITORY / "docs" / "spec" / "custody.md").read_text()
    rows = re.findall(r"^\| (gas\.\w+) \| (\d+) \| (\d*)", text, re.MULTILINE)
    documented = {name: int(gas) for name, gas, _ in rows}
    assert documented.keys() == measured.keys()
    for name, gas in measured.items():
        assert abs(gas - documented[name]) * 100 <= documented[name], f"{name} is {gas}"
    targets = {name: int(target) for name, _, target in rows if target}
    assert targets == script["TARGETS"]
