"""Settings as they are given, nested or as `part.key=value`: checked, they are a `RunConfig`."""

import reprlib
import tomllib
from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ValidationError

from recommender.config.base import DRAFT, Choice, choice_of, parts_of, possible_settings, unread
from recommender.config.migration import migrated, version_of
from recommender.config.run import VERSION, RunConfig
from recommender.config.training import ModuleConfig
from recommender.errors import RecommenderError, UnknownNameError

MODULES = "training.modules."  # before the name of a part of the model
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 80


def parse_config(values: dict[str, Any], where: str, given: Collection[str] | None = None) -> RunConfig:
    """Check a nested dictionary of settings, of this version or an older one. `where` names its origin in errors.

    `given` are the paths that the user has set on top of it: where these change the kind of model, loss or data, what
    the new kind does not read falls back to its default; what the user has set without effect is an error.
    Raises `UnknownNameError` for an unknown key and `RecommenderError` for a value that cannot be.
    """
    older = version_of(values, where) < VERSION
    values = deepcopy(migrated(values, where))
    if given is not None:
        _drop_other_kinds(RunConfig, values, frozenset(given))
    try:
        if given is None and not older:
            return RunConfig.model_validate(values)
        config = RunConfig.model_validate(values, context=DRAFT)
        _remove_unread(config, values, frozenset(given or ()))
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise _in_words(error, values, where) from error


def changed_draft(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """The configuration with some settings changed by path, as a draft: where a change chooses another kind, the rest
    of its part has that kind's defaults, and what nothing reads any more has its default. Raises `ValidationError`."""
    values = config.model_dump()
    for path, value in changes.items():
        *parts, key = path.split(".")
        inside = values
        for part in parts:
            inside = inside.setdefault(part, {})
        inside[key] = value
    _drop_other_kinds(RunConfig, values, frozenset())
    draft = RunConfig.model_validate(values, context=DRAFT)
    _remove_unread(draft, values, frozenset())
    return RunConfig.model_validate(values, context=DRAFT)


def _in_words(error: ValidationError, values: dict[str, Any], where: str) -> RecommenderError:
    first = error.errors()[0]
    path = ".".join(str(step) for step in first["loc"])
    if first["type"] == "extra_forbidden":
        paths = all_paths()
        if not any(known == path or known.startswith(f"{path}.") for known in paths):
            return UnknownNameError(f"setting in {where}", path, paths)
        part = path.rpartition(".")[0]
        return RecommenderError(f"{where}: {path} has no effect here: it is no setting of {_kind_at(values, part)}.")
    message = first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    if isinstance(given, dict | BaseModel):  # a rule between settings names them itself
        return RecommenderError(f"{where}: {f'{path}: ' if path else ''}{message}.")
    return RecommenderError(f"{where}: {path} = {_shown(given)}: {message}.")


def _drop_other_kinds(part: type[BaseModel], values: dict[str, Any], given: frozenset[str], prefix: str = "") -> None:
    """Take out the keys that only other kinds have, but for those in `given`."""
    for name, field in part.model_fields.items():
        inside, choice = values.get(name), choice_of(field)
        kind = _kind(choice, inside) or next(iter(parts_of(field)), None)
        if not isinstance(inside, dict) or kind is None:
            continue
        elsewhere = {key for other in parts_of(field) for key in other.model_fields} - set(kind.model_fields)
        for key in elsewhere & set(inside):
            if not _is_given(f"{prefix}{name}.{key}", given):
                del inside[key]
        _drop_other_kinds(kind, inside, given, f"{prefix}{name}.")


def _remove_unread(config: RunConfig, values: dict[str, Any], given: frozenset[str]) -> None:
    """Take out what nothing reads, but for what is in `given`. Where that is a kind, its own keys go with it."""
    for setting, _ in unread(config):
        if setting.path not in given:
            _remove(values, setting.path)
    _drop_other_kinds(RunConfig, values, given)


def _kind(choice: Choice | None, values: Any) -> type[BaseModel] | None:
    return choice.table.get(choice.kind_of(values)) if choice is not None and isinstance(values, dict) else None


def _kind_at(values: dict[str, Any], part: str) -> str:
    """`"loss.kind = softmax"` for what is chosen in the part `loss`."""
    owner: type[BaseModel] | None = RunConfig
    kind = part
    for step in part.split("."):
        choice = choice_of(owner.model_fields[step]) if owner is not None else None
        values = values.get(step, {})
        owner = _kind(choice, values) or None
        kind = f"{part}.{choice.key} = {choice.kind_of(values)}" if choice is not None else kind
    return kind


def _is_given(path: str, given: frozenset[str]) -> bool:
    return any(other == path or other.startswith(f"{path}.") for other in given)


def _remove(values: dict[str, Any], path: str) -> None:
    *parts, key = path.split(".")
    for part in parts:
        values = values[part]
    del values[key]


def override(values: dict[str, Any], setting: str) -> str:
    """Put `part.key=value` into nested settings -> the setting's path. Raises `UnknownNameError` for an unknown key."""
    path, separator, text = setting.partition("=")
    if not separator:
        raise RecommenderError(f"--set {setting!r}: expected part.key=value, for example training.epochs=5.")
    parts, key = place_of(path)
    for part in parts:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise RecommenderError(f"--set {setting!r}: {part} is no group of settings but {_shown(values)}.")
    values[key] = _value(text)
    return path


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
    if path not in all_paths():
        raise UnknownNameError("setting", path, [*all_paths(), *(f"{MODULES}text.{k}" for k in ("lr", "clip"))])
    *parts, key = path.split(".")
    return parts, key


def value_of(config: RunConfig, path: str) -> Any:
    """The value of a setting as `place_of` reads its path, also of a part of the model by name; None where there is
    none."""
    value: Any = config
    parts, key = place_of(path)
    for step in (*parts, key):
        value = value.get(step) if isinstance(value, dict) else getattr(value, step, None)
    return value


def all_paths() -> list[str]:
    """Every settable path of any kind of run: `seed`, `training.epochs`, `model.text.name`, ..."""
    return list(dict.fromkeys(s.path for s in possible_settings(RunConfig) if s.path != "version"))
