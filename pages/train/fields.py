"""The settings of a run as widgets, drawn from the settings classes: a new setting or kind is on the page by itself."""

import json
import math
import tomllib
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, ValidationError

from pages.shared.text import plain
from recommender.config import RunConfig
from recommender.config.base import Setting, possible_settings, settings_in, value_at
from recommender.config.values import changed_draft
from recommender.wording import capitalised

PASSES = 4  # a choice may bring another choice, and so on: protocol, kind of model, its history, ...


def key_of(preset: str, path: str) -> str:
    """The widget's key. Every preset has widgets of its own, which start at its values."""
    return f"train:{preset}:{path}"


def read_settings(config: RunConfig) -> dict[str, Setting]:
    """The settings that a run reads, by path."""
    return {s.path: s for s in settings_in(config) if s.path != "version" and s.unmet(config) is None}


def label_of(path: str) -> str:
    return _labels().get(path, path)


@cache
def _labels() -> dict[str, str]:
    return {setting.path: setting.label for setting in possible_settings(RunConfig)}


def draft_of(preset: str, start: RunConfig) -> RunConfig:
    """The run that the widgets describe as far as they decide what else there is to set: kinds, switches and whole
    numbers. What is typed in a widget that is hidden now does not count."""
    config = start
    for _ in range(PASSES):
        chosen = {path: st.session_state.get(key_of(preset, path)) for path in read_settings(config)}
        fitting = {path: value for path, value in chosen.items() if isinstance(value, bool | int | list | tuple)}
        fitting |= {path: v for path, v in chosen.items() if v is not None and choices_of(read_settings(config)[path])}
        changed = _changed(config, fitting)
        if changed == config:
            break
        config = changed
    return config


def _changed(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """A value that cannot be is said when the form is read; until then the rest of the form stands without it."""
    for path, value in changes.items():
        try:
            config = changed_draft(config, {path: value}) if value_at(config, path) != value else config
        except ValidationError:
            continue
    return config


def choices_of(setting: Setting) -> tuple[str, ...]:
    """The words that a setting may be; empty for numbers and free text."""
    if setting.kinds:
        return setting.kinds
    return get_args(setting.field.annotation) if get_origin(setting.field.annotation) is Literal else ()


def _type_of(setting: Setting) -> type:
    """bool, int, float, str, tuple (some of the choices) or dict (a small table, typed as TOML)."""
    container = get_origin(setting.field.annotation)
    if container in (tuple, dict):
        return container
    if choices_of(setting):
        return str
    kinds = [kind for kind in get_args(setting.field.annotation) if kind is not NoneType]
    return kinds[0] if kinds else setting.field.annotation or str


def _is_optional(setting: Setting) -> bool:
    return NoneType in get_args(setting.field.annotation)


def _bounds(setting: Setting) -> tuple[int | None, int | None]:
    """The lowest and highest whole number."""
    found = {n: getattr(rule, n) for rule in setting.field.metadata for n in ("ge", "gt", "lt") if hasattr(rule, n)}
    low = found.get("ge", found["gt"] + 1 if "gt" in found else None)
    return low, found["lt"] - 1 if "lt" in found else None


def draw_setting(setting: Setting, preset: str, start: RunConfig, names: dict[str, str] | None = None) -> None:
    """The widget for one setting, at the preset's value until the user changes it. `names`: words for the choices."""
    here = any(other.path == setting.path for other in settings_in(start))
    value = value_at(start, setting.path) if here else setting.default
    kind, choices = _type_of(setting), choices_of(setting)
    same: dict[str, Any] = {
        "label": setting.label,
        "key": key_of(preset, setting.path),
        "help": plain(". ".join(filter(None, (setting.field.description, f"Setting: {setting.path}")))),
        "persist_state": "session",
    }
    if kind is tuple:
        options = get_args(get_args(setting.field.annotation)[0])
        st.multiselect(options=options, default=list(value), **same)
    elif kind is dict:
        st.text_area(value=_as_lines(value), placeholder="text.lr = 2e-5\ntext.clip = 1.0", **same)
    elif choices:
        words = names or {}
        index = choices.index(value)
        st.selectbox(options=choices, index=index, format_func=lambda choice: words.get(choice, choice), **same)
    elif kind is bool:
        st.checkbox(value=value, **same)
    elif kind is int:
        low, high = _bounds(setting)
        none = "none" if _is_optional(setting) else None
        st.number_input(min_value=low, max_value=high, value=value, step=1, placeholder=none, **same)
    else:  # numbers with a point are typed as one likes, 2e-5 or 0.00002, and checked as text
        st.text_input(value=f"{value:g}" if kind is float else value, **same)


def read_config(preset: str, start: RunConfig) -> tuple[RunConfig | None, list[str]]:
    """What the widgets say now, or what is wrong with it in words. Callbacks see the newest values here, too."""
    draft = draft_of(preset, start)
    values, problems = draft.model_dump(), []
    for path, setting in read_settings(draft).items():
        typed = st.session_state.get(key_of(preset, path), value_at(draft, path))
        kind = _type_of(setting)
        if kind is float and not _is_finite(typed):
            problems.append(f"{setting.label}: a plain number is needed here, such as 0.1 or 2e-5, not {typed!r}.")
        if kind is int and typed is None and not _is_optional(setting):
            problems.append(f"{setting.label}: a number is needed here.")
        if kind is dict and isinstance(typed, str):
            try:
                typed = tomllib.loads(typed)
            except tomllib.TOMLDecodeError as error:
                problems.append(f"{setting.label}: one setting a line is needed, such as text.lr = 2e-5 ({error}).")
        _put(values, path, typed)
    if problems:
        return None, problems
    try:
        return RunConfig.model_validate(values), []
    except ValidationError as error:
        return None, [_in_words(fault) for fault in error.errors()]


def _is_finite(typed: Any) -> bool:
    try:
        return math.isfinite(float(typed))
    except ValueError:
        return False


def _as_lines(table: dict[str, BaseModel]) -> str:
    """`{"text": ModuleConfig(lr=2e-5)}` as `text.lr = 2e-05`, a line each."""
    rows = [(name, part.model_dump(exclude_none=True)) for name, part in table.items()]
    return "\n".join(f"{json.dumps(name)}.{key} = {value!r}" for name, row in rows for key, value in row.items())


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *parts, name = path.split(".")
    for part in parts:
        values = values[part]
    values[name] = value


def _in_words(fault: Any) -> str:
    label = _labels().get(".".join(str(step) for step in fault["loc"]), "")
    message = fault["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{label}: {message}." if label else f"{capitalised(message)}."
