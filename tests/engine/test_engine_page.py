"""docs/engine.md: what it tells to run runs, and prints what it says."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "engine.md").read_text()


def test_the_page_runs_and_prints_what_it_says(capsys):
    program = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
    exec(compile(program, "docs/engine.md", "exec"), {})
    told = re.findall(r"^# prints (.*)$", program, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == told
    assert len(told) == 4
