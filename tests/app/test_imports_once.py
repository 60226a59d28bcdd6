"""Slow imports happen once, whoever comes first. In fresh processes: here everything may be imported already."""

import subprocess
import sys

from recommender.settings import ROOT

# What two visitors do who open two models in the first second after a start.
TWO_VISITORS = """
import threading
from pages.shared.models import engine_of
from recommender.runs.folder import Run
from recommender.settings import ROOT

together, problems = threading.Barrier(2), []

def visit(name):
    together.wait()
    try:
        engine_of(Run(ROOT / "checkpoints" / name))
    except ImportError as error:
        problems.append(f"{name}: {error}")

visitors = [threading.Thread(target=visit, args=(name,)) for name in ("default", "weighted-frozen")]
for visitor in visitors:
    visitor.start()
for visitor in visitors:
    visitor.join()
print(problems)
"""
# Every import inside a function of the pages.
NOT_YET_IMPORTED = """
import ast, sys
from pages.shared.imports import import_pages, import_slow
from recommender.settings import ROOT

import_pages()
assert not {"torch", "transformers", "optuna"} & sys.modules.keys()
import_slow()
late = set()
for path in (ROOT / "pages").rglob("*.py"):
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom):
                    late.add(node.module)
                elif isinstance(node, ast.Import):
                    late |= {name.name for name in node.names}
assert "recommender.query.engine" in late
print(sorted(late - sys.modules.keys()))
"""


def printed_by(script: str) -> str:
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_two_visitors_who_load_two_models_at_once_are_both_answered() -> None:
    assert printed_by(TWO_VISITORS) == "[]"


def test_the_pages_import_without_torch_and_nothing_is_left_to_import_later() -> None:
    assert printed_by(NOT_YET_IMPORTED) == "[]"
