"""Imports go one way: data -> losses -> models -> evaluation -> ranking -> runs -> query -> reports -> training ->
charts -> pages."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LEAVES = ("settings", "config", "errors", "files", "device", "wording")
# A room imports from itself and from the rows above its own. Leaves may import each other; others in one row may not.
ROWS = (
    LEAVES,
    ("data",),
    ("losses",),
    ("models",),
    ("evaluation",),
    ("ranking",),
    ("runs",),
    ("query",),
    ("reports",),
    ("training",),
    ("tuning",),
    ("charts", "prepare"),
    ("compare",),
    ("results",),
    ("cli",),
    ("__main__",),
)
ROW = {room: number for number, row in enumerate(ROWS) for room in row}


def imported_names(source: str, package: str) -> list[tuple[int, str]]:
    """(line, dotted name) of every import in the source, also inside functions; relative ones start at `package`.

    `from a import b` gives `a.b`: b may be a module, and a name below the module does no harm to the questions here.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            parts = [*base, *([node.module] if node.module else [])]
            found += [(node.lineno, ".".join([*parts, alias.name])) for alias in node.names]
    return found


def room_of(module: str) -> str:
    """`recommender.data.catalog` -> `data`; `recommender` alone, the package itself, is the room ``."""
    _, _, inner = module.partition(".")
    return inner.partition(".")[0]


def wrong_turns(module: str, imported: list[tuple[int, str]]) -> list[str]:
    """What `module` (dotted) may not import."""
    own = room_of(module)
    wrong = []
    for line, name in imported:
        top, other = name.split(".")[0], room_of(name)
        if top in ("streamlit", "pages", "streamlit_app"):
            wrong.append(f"line {line}: {name} belongs to the pages")
        elif top != "recommender" or other == own or (own in LEAVES and other in LEAVES):
            continue
        elif own not in ROW or other not in ROW:
            wrong.append(f"line {line}: {module} imports {name}, and one of the two is in no row of this test")
        elif ROW[other] >= ROW[own]:
            wrong.append(f"line {line}: {own} may not import {name}")
    return wrong


def dotted(path: Path) -> str:
    """`recommender/data/catalog.py` -> `recommender.data.catalog`; a package's `__init__.py` keeps that name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", sorted((ROOT / "recommender").rglob("*.py")), ids=dotted)
def test_a_module_imports_only_from_the_rooms_before_it(path: Path) -> None:
    module = dotted(path)
    imported = imported_names(path.read_text(encoding="utf-8"), module.rpartition(".")[0])
    assert wrong_turns(module, imported) == []


def test_every_module_stands_in_a_row() -> None:
    rooms = {room_of(dotted(path)) for path in (ROOT / "recommender").rglob("*.py")}
    assert rooms - {"__init__"} <= set(ROW)


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=dotted)
def test_benchmarks_need_no_app(path: Path) -> None:
    names = (name for _, name in imported_names(path.read_text(encoding="utf-8"), "benchmarks"))
    tops = {name.split(".")[0] for name in names if not name.startswith("pages.shared.link.")}
    assert tops.isdisjoint({"streamlit", "pages", "streamlit_app"})


def test_links_are_read_without_the_app() -> None:
    source = (ROOT / "pages" / "shared" / "link.py").read_text(encoding="utf-8")
    assert {name.split(".")[0] for _, name in imported_names(source, "pages.shared")}.isdisjoint({"streamlit", "pages"})


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import recommender.runs.folder as r", ["recommender.runs.folder"]),
        ("from recommender import runs, charts", ["recommender.runs", "recommender.charts"]),
        ("def f():\n    from recommender.training.job import start", ["recommender.training.job.start"]),
        ("from .catalog import Movie", ["recommender.data.catalog.Movie"]),
        ("from . import catalog", ["recommender.data.catalog"]),
        ("from ..losses import listwise", ["recommender.losses.listwise"]),
        ("if TYPE_CHECKING:\n    import streamlit as st", ["streamlit"]),
    ],
)
def test_every_form_of_import_is_read(source: str, names: list[str]) -> None:
    assert [name for _, name in imported_names(source, "recommender.data")] == names


@pytest.mark.parametrize(
    ("module", "name", "allowed"),
    [
        ("recommender.training.progress", "recommender.runs.folder.Run", True),
        ("recommender.reports.report", "recommender.training.trainer", False),
        ("recommender.data.redial", "recommender.models", False),
        ("recommender.models.heads", "recommender.models.base", True),
        ("recommender.config", "recommender.errors.RecommenderError", True),
        ("recommender.errors", "recommender.data.catalog", False),
        ("recommender.query.engine", "recommender.charts", False),
        ("recommender.query.engine", "recommender.somewhere_new", False),
        ("recommender.charts", "pages.train", False),
        ("recommender.charts", "streamlit.delta_generator", False),
        ("recommender.charts", "plotly.graph_objects", True),
        ("recommender.__main__", "recommender.query.engine", True),
    ],
)
def test_the_rule_itself(module: str, name: str, allowed: bool) -> None:
    assert (wrong_turns(module, [(1, name)]) == []) is allowed
