"""Presets: TOML files with the settings of a run, those that ship and those that the user has saved."""

import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from recommender.config import RunConfig
from recommender.config.migration import migrated
from recommender.config.values import override, parse_config
from recommender.errors import RecommenderError, UnknownNameError
from recommender.files import PLAIN_NAME, write_atomically
from recommender.settings import settings

PRESETS = Path(__file__).parent.parent / "presets"


def preset_names() -> list[str]:
    """Those that ship, and those that the user has saved."""
    return sorted({*_presets_in(PRESETS), *saved_presets()})


def saved_presets() -> list[str]:
    """The user's own; one that is named like a shipped preset is passed over."""
    return sorted(_presets_in(settings().presets_dir) - _presets_in(PRESETS))


def _presets_in(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.toml") if PLAIN_NAME.fullmatch(path.stem) and path.is_file()}


def save_preset(name: str, config: RunConfig) -> Path:
    """Write all settings as a preset of the user's own. Raises `RecommenderError` for a name that is taken or not
    plain."""
    if not PLAIN_NAME.fullmatch(name):
        raise RecommenderError(
            f"The preset's name {name!r} may hold letters, digits, '.', '_' and '-' only, at most 64."
        )
    if name in preset_names():
        raise RecommenderError(f"There is a preset {name} already. Choose another name.")
    file = settings().presets_dir / f"{name}.toml"
    write_atomically(file, tomli_w.dumps(config.model_dump(exclude_none=True)))
    return file


def load_preset(name: str, overrides: list[str] | None = None) -> RunConfig:
    """The preset with `part.key=value` overrides applied. Raises `UnknownNameError` for an unknown preset or key and
    `RecommenderError` for a value of the wrong kind."""
    names = preset_names()
    if name not in names:
        raise UnknownNameError("preset", name, names)
    values = _read_preset((PRESETS if name in _presets_in(PRESETS) else settings().presets_dir) / f"{name}.toml")
    values = migrated(values, f"preset {name}")
    given = [override(values, setting) for setting in overrides or []]
    return parse_config(values, f"preset {name}", given)


def _read_preset(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecommenderError(f"The preset {file.name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, or nested too deeply
        raise RecommenderError(f"The preset {file.name} is no TOML: {error}.") from error
