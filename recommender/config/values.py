"""Settings as they are given, nested or as `part.key=value`: checked, they are a `RunConfig`."""

import reprlib
import tomllib
from typing import Any

from pydantic import BaseModel, ValidationError

from recommender.config import ModuleConfig, RunConfig
from recommender.errors import RecommenderError, UnknownNameError

MODULES = "training.modules."  # before the name of a part of the model
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 80


def parse_config(values: dict[str, Any], where: str) -> RunConfig:
    """Check a nested dictionary of settings. `where` names its origin in the error."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UnknownNameError(f"setting in {where}", path, _keys(RunConfig)) from error
        given = first.get("input")
        value = "" if isinstance(given, dict) else f" = {_shown(given)}"  # a rule between settings names them itself
        raise RecommenderError(f"{where}: {path}{value}: {first['msg']}.") from error


def override(values: dict[str, Any], setting: str) -> None:
    """Put `part.key=value` into nested settings. Raises `UnknownNameError` for an unknown key."""
    path, separator, text = setting.partition("=")
    if not separator:
        raise RecommenderError(f"--set {setting!r}: expected part.key=value, for example training.epochs=5.")
    parts, key = place_of(path)
    for part in parts:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise RecommenderError(f"--set {setting!r}: {part} is no group of settings but {_shown(values)}.")
    values[key] = _value(text)


def _value(text: str) -> Any:
    """What stands behind `part.key=`, as TOML; a bare word is a string: --set loss.kind=focal."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if len(read) == 1 else text  # lines behind the first are no settings of their own


def _shown(value: object) -> str:
    """A value in an error, not longer than a line."""
    try:
        return SHORT.repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a number without end"


def place_of(path: str) -> tuple[list[str], str]:
    """Where a setting stands: the names on the way, and its own. Raises `UnknownNameError`.

    >>> place_of("training.modules.readers.0.lr")
    (['training', 'modules', 'readers.0'], 'lr')
    """
    inside, _, key = path.rpartition(".")
    if inside.startswith(MODULES) and key in ModuleConfig.model_fields:
        return ["training", "modules", inside.removeprefix(MODULES)], key
    if path not in _keys(RunConfig):
        raise UnknownNameError("setting", path, [*_keys(RunConfig), *(f"{MODULES}text.{k}" for k in ("lr", "clip"))])
    *parts, key = path.split(".")
    return parts, key


def _keys(part: type[BaseModel], prefix: str = "") -> list[str]:
    """Every settable path: `seed`, `training.epochs`, `model.text.name`, ..."""
    keys = []
    for name, field in part.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += _keys(kind, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys
