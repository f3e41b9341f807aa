"""House rules that no linter knows (CONTRIBUTING.md names each and why)."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("matching", "ledger", "compliance", "api")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}

MONEY = (
    "matching/",
    "ledger/records/",
    "ledger/engine/",
    "ledger/readmodel/",
    "ledger/settlement/batching.py",
    "ledger/settlement/eip712.py",
    "compliance/rules/",
    "compliance/reports/",
    "api/gate/decimals.py",
    "api/gate/desk.py",
)
"""Modules that amounts pass through: no float, and every division names its rounding."""
NOT_MONEY = ("bench.py", "matching/jit.py")
"""Benchmarks count seconds; the compiler's options are about files."""

PURE = (
    "matching/",
    "ledger/records/",
    "ledger/engine/",
    "ledger/audit/core.py",
    "compliance/rules/",
)
"""Modules whose result depends on their arguments alone."""
WORLD = {"asyncio", "fastapi", "logging", "random", "secrets", "socket", "sqlmodel"}
WORLD |= {"subprocess", "threading", "time", "uuid"}
SQL = {"sqlmodel", "sqlalchemy", "sqlite3"}

REGISTRIES = [
    r"py" + r"pi\.org",
    r"python" + r"hosted\.org",
    r"npm" + r"js\.",
    r"debian" + r"\.org/debian",
]
MACHINE_PATHS = [r"(?<![\w.])/" + place + r"/\w" for place in ("work", "root", "farm")]
LEAKS = re.compile("|".join(REGISTRIES + MACHINE_PATHS))


def _within(places: tuple[str, ...]) -> list[str]:
    return [name for name in NAMES if name.startswith(places) and not name.endswith(NOT_MONEY)]


def _imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, item.name.split(".")[0]) for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


def _joins_a_path(node: ast.BinOp) -> bool:
    """`folder / "name"`: the one use of / that is no division."""
    return isinstance(node.right, ast.JoinedStr) or (
        isinstance(node.right, ast.Constant) and isinstance(node.right.value, str)
    )


@pytest.mark.parametrize("name", NAMES)
def test_functions_fit_a_screen_and_files_are_rooms(name: str) -> None:
    text = (ROOT / name).read_text()
    assert text.count("\n") <= FILE_LINES_MAX, f"{name} has outgrown its room"
    assert Path(name).stem not in VAGUE_NAMES, f"{name}: name the one thing it is for"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno
            assert lines < FUNCTION_LINES_MAX, f"{name}:{node.lineno} is {lines} lines long"


@pytest.mark.parametrize("name", _within(MONEY))
def test_the_money_path_holds_no_float_and_names_its_rounding(name: str) -> None:
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Constant(value=float()):
                pytest.fail(f"{where} has a float literal")
            case ast.BinOp(op=ast.Div()) if not _joins_a_path(node):
                pytest.fail(f"{where} divides with /: name the rounding")
            case ast.Call(func=ast.Name(id="float")):
                pytest.fail(f"{where} calls float()")


@pytest.mark.parametrize("name", _within(PURE))
def test_pure_modules_import_no_world(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text())
    worldly = [
        f"{name}:{line} imports {module}" for line, module in _imported(tree) if module in WORLD
    ]
    assert not worldly


@pytest.mark.parametrize("name", NAMES)
def test_sql_stands_only_in_stores(name: str) -> None:
    if Path(name).name == "store.py":
        return
    tree = ast.parse((ROOT / name).read_text())
    sql = [
        line for line, module in _imported(tree) if module in {"sqlmodel", "sqlalchemy", "sqlite3"}
    ]
    assert not sql, f"{name}:{sql} speaks SQL outside a store"


NUMBAS = ("jit", "intrinsics", "parts", "pins", "shelf", "tables")
"""The modules of `matching` through which everybody else comes to numba."""


@pytest.mark.parametrize("name", NAMES)
def test_numba_is_known_to_six_modules(name: str) -> None:
    if name in {f"matching/{known}.py" for known in NUMBAS}:
        return
    modules = {module for _, module in _imported(ast.parse((ROOT / name).read_text()))}
    assert not modules & {"numba", "llvmlite"}, f"{name} bypasses matching.jit"


def _tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in found.stdout.decode().split("\0") if name]


def test_no_file_names_a_registry_or_a_machine() -> None:
    leaks = []
    for name in _tracked():
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        leaks += [f"{name}: {match.group()}" for match in LEAKS.finditer(text)]
    assert not leaks


def test_no_unfinished_work_hides_in_comments() -> None:
    words = re.compile(
        r"#.*\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b"
    )
    found = [
        f"{name}:{number}"
        for name in NAMES
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if words.search(line)
    ]
    assert not found
