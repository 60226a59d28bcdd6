"""What holds for the whole project: nothing unsafe, pinned requirements, a full file map, no path of one machine."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(
    [
        *ROOT.glob("*.py"),
        *ROOT.glob(".ci/*.py"),
        *(
            path
            for folder in ("recommender", "pages", "benchmarks", "examples")
            for path in ROOT.glob(f"{folder}/**/*.py")
        ),
    ]
)
MAPPED = sorted(path for folder in ("recommender", "pages") for path in ROOT.glob(f"{folder}/**/*.py"))
# Modules that run whatever a file holds.
PICKLES = {"pickle", "_pickle", "pickletools", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"}
MAX_LINES = 400
PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][\w.+!-]*")
# A folder at the root of a machine, not one inside another path or an address.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home)/")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def unsafe_parts(source: str) -> list[str]:
    """Pickles, `torch.load`, `eval` and `exec`, raw HTML in a page, and handlers that catch everything."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [f"{node.lineno}: import {n.name}" for n in names if n.name.split(".")[0] in PICKLES]
            case ast.ImportFrom(module=str(module), names=names):
                if module.split(".")[0] in PICKLES or (module == "torch" and any(n.name == "load" for n in names)):
                    found.append(f"{node.lineno}: from {module} import {', '.join(n.name for n in names)}")
            case (
                ast.Attribute(value=ast.Name(id="torch"), attr="load")
                | ast.Attribute(value=ast.Name(id="yaml"), attr="load" | "load_all" | "unsafe_load" | "full_load")
                | ast.Attribute(attr="read_pickle" | "to_pickle")
            ):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
            case ast.Call(func=ast.Name(id="eval" | "exec" as name)):
                found.append(f"{node.lineno}: {name}()")
            case ast.keyword(
                arg="unsafe_allow_html" | "allow_pickle" | "trust_remote_code" | "shell" as name, value=value
            ) if ast.unparse(value) != "False":
                found.append(f"{value.lineno}: {name}=")
            case ast.ExceptHandler(type=None):
                found.append(f"{node.lineno}: bare except")
    return found


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_nothing_unsafe(path: Path) -> None:
    assert unsafe_parts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    import dill as d",
        "from pickle import loads",
        "from torch import load",
        "torch.load('x', weights_only=True)",
        "frame.to_pickle('x')",
        "np.load('x', allow_pickle=True)",
        "yaml.load(text)",
        "AutoModel.from_pretrained(x, trust_remote_code=True)",
        "subprocess.run(words, shell=True)",
        "eval('1')",
        "exec('1')",
        "st.markdown('x', unsafe_allow_html=True)",
        "try:\n    pass\nexcept:\n    pass",
    ],
)
def test_unsafe_code_is_seen(source: str) -> None:
    assert len(unsafe_parts(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "json.load(file)",
        "np.load('x', allow_pickle=False)",
        "'unsafe_allow_html'",
        "try:\n    pass\nexcept OSError:\n    pass",
    ],
)
def test_safe_code_is_not_accused(source: str) -> None:
    assert unsafe_parts(source) == []


@pytest.mark.parametrize("path", sorted((ROOT / "recommender").rglob("*.py")), ids=relative)
def test_no_file_is_too_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{lines} lines: is it one subject?"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name: str) -> None:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    loose = [line for line in lines if line and line != "-r requirements.txt" and not PINNED.fullmatch(line)]
    assert loose == []


def file_map(text: str) -> dict[str, str]:
    """The `.py` paths a Markdown text maps, one a line, each with what the line says of it.

    A line starts with a path; where folders (`data/`) stand above it with less indentation, it is below them.
    Tree lines, bullets, table bars and backticks are decoration.
    """
    entry = re.compile(r"(?P<indent>[\s│├└─|*`-]*)(?P<path>[\w./-]+(?:/|\.py))(?![\w/])[\s|`:#—–-]*(?P<about>.*)")
    mapped: dict[str, str] = {}
    folders: list[tuple[int, str]] = []
    for line in text.splitlines():
        if line.startswith(("```", "#")):
            folders = []
        found = entry.match(line)
        if not found:
            continue
        indent, path = len(found["indent"]), found["path"]
        folders = [(depth, folder) for depth, folder in folders if depth < indent]
        full = "".join(folder for _, folder in folders) + path
        if path.endswith("/"):
            folders.append((indent, path))
        else:
            mapped[full] = found["about"].strip(" |")
    return mapped


def says_something(path: Path) -> bool:
    """Whether a file holds more than a docstring: a package's empty `__init__.py` is described by its folder."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)


def test_the_map_has_every_file() -> None:
    mapped = file_map((ROOT / "docs" / "map.md").read_text(encoding="utf-8"))
    missing = [relative(path) for path in MAPPED if says_something(path) and not mapped.get(relative(path))]
    assert missing == [], "docs/map.md lacks a line, or what the line says, for these"


def test_the_map_has_no_file_that_is_gone() -> None:
    mapped = file_map((ROOT / "docs" / "map.md").read_text(encoding="utf-8"))
    assert [path for path in mapped if not (ROOT / path).is_file()] == []


INDENTED = """
streamlit_app.py    entry
recommender/        the library
  data/
    catalog.py      movies
  runs.py           run folders
"""
TREE = """
├── streamlit_app.py        # entry
└── recommender/
    ├── data/
    │   └── catalog.py      # movies
    └── runs.py             # run folders
"""
TABLE = """
| `streamlit_app.py` | entry |
| `recommender/data/catalog.py` | movies |
| `recommender/runs.py` | run folders |
"""
BULLETS = """
- `streamlit_app.py`: entry
- `recommender/data/catalog.py`: movies
- `recommender/runs.py`: run folders
"""


@pytest.mark.parametrize("text", [INDENTED, TREE, TABLE, BULLETS], ids=["indented", "tree", "table", "bullets"])
def test_every_form_of_file_map_is_read(text: str) -> None:
    assert file_map(text) == {
        "streamlit_app.py": "entry",
        "recommender/data/catalog.py": "movies",
        "recommender/runs.py": "run folders",
    }


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of tracked files")
    # The checkout may belong to another user (a container's mount), which git refuses unless told.
    command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_path_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        lines = enumerate(content.decode("utf-8").splitlines(), start=1)
        found += [f"{relative(path)}:{number}" for number, line in lines if MACHINE_PATH.search(line)]
    assert found == []


@pytest.mark.parametrize(("folder", "named"), [("work", True), ("root", True), ("home", True), ("usr", False)])
def test_machine_paths_are_seen(folder: str, named: bool) -> None:
    assert bool(MACHINE_PATH.search(f'open("/{folder}/me/x")')) is named
    assert not MACHINE_PATH.search(f"see example.org/{folder}/x, ../{folder}/x and ~/{folder}/x")
