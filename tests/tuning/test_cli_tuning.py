"""The commands for studies."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.__main__ import app
from recommender.config.presets import load_preset
from recommender.settings import ROOT, Settings, settings
from recommender.tuning.search import Search, check_search, parse_search
from recommender.tuning.study import BASE
from recommender.tuning.view import study_names
from tests.made_study import made_study


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_study_is_tuned_listed_and_made_a_preset(
    world: Settings, make_search: Callable[..., Search], tmp_path: Path
) -> None:
    make_search()
    elsewhere = f"sqlite:///{tmp_path / 'deep' / 'else.sqlite'}"
    where = ("--study", "s", "--storage", elsewhere)
    done = call("tune", "--search", str(tmp_path / "tiny.toml"), *where, "--trials", "1")
    assert done.exit_code == 0, done.output
    assert "s: finished, 1 of 1 trials done" in done.stdout
    assert "--set training.head_lr=" in done.stdout
    assert study_names(world) == [], "the other database was named"
    [study] = json.loads(call("studies", "--json", "--storage", elsewhere).stdout)["studies"]
    assert (study["study"], study["done"], study["trials"], study["best"]["trial"]) == ("s", 1, 1, 0)
    assert call("tune-preset", "--name", "mine", *where).exit_code == 0
    assert load_preset("mine").training.head_lr == pytest.approx(study["best"]["params"]["training.head_lr"], rel=1e-5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tune", "--study", "s"), "Unknown study 's'"),
        (("tune", "--study", "s", "--search", "frozn"), "Did you mean: frozen"),
        (("tune", "--study", "../s", "--search", "frozen"), "letters, digits"),
        (("tune-preset", "--study", "s", "--name", "x"), "Unknown study 's'"),
        (("studies", "--storage", "sqlite://"), "in memory"),
        (("studies", "--storage", "nonsense"), "no address of a database"),
        (("studies", "--storage", "mysql+nodriver://me:geheim@host/db"), "does not work|needs a Python driver"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], told: str, world: Settings) -> None:
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert re.search(told, result.stderr)
    assert "geheim" not in result.stderr
    assert "Traceback" not in result.output


def test_a_missing_driver_is_told_with_the_command_that_mends_it(world: Settings) -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        result = call("studies", "--storage", "postgresql+psycopg://me:geheim@host/db")
        assert result.exit_code == 2
        assert 'pip install "psycopg[binary]"' in result.stderr
        assert "geheim" not in result.stderr
    else:
        pytest.skip("psycopg is installed here")


def test_without_a_study_it_is_said_how_to_begin_one() -> None:
    assert "tune --search frozen" in call("studies").stdout
    made_study("s", [0.1, None], settings())
    assert "  2 of 12 trials, best validation nDCG@10 0.1000" in call("studies").stdout


def test_a_study_of_another_version_hides_none_of_the_others() -> None:
    old = made_study("old", [0.2], settings())
    made_study("s", [0.1], settings())
    old.optuna.set_user_attr(BASE, {**old.base.model_dump(mode="json"), "gone": 1})
    told = call("studies")
    assert told.exit_code == 0, told.output
    assert "1 of 12 trials, best validation nDCG@10 0.1000" in told.stdout
    assert re.search(r"^old +cannot be read: Unknown setting in study old 'gone'", told.stdout, re.MULTILINE)
    listed = json.loads(call("studies", "--json").stdout)["studies"]
    assert [("best" in row, "problem" in row) for row in listed] == [(True, False), (False, True)]


def test_the_search_of_the_documentation_can_be_run() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    [text] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    search = parse_search(tomllib.loads(text), "docs/training.md")
    check_search(search, search.base())
