"""The settings of a run as widgets, made from RunConfig's own fields: a new setting is on the page by itself."""

import json
import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pages.shared.text import plain
from recommender.config import RunConfig
from recommender.config.values import place_of
from recommender.wording import capitalised


@dataclass(frozen=True)
class Setting:
    """One leaf of RunConfig."""

    path: str  # "training.batch_size"
    kind: type  # bool, int, float, str, tuple (some of the choices) or dict (a small table, typed as TOML)
    choices: tuple[str, ...] = ()
    low: int | None = None  # of an int, itself included
    high: int | None = None
    optional: bool = False
    description: str = ""

    @property
    def label(self) -> str:
        return LABELS.get(self.path) or self.path.rpartition(".")[2].replace("_", " ").capitalize()

    @property
    def part(self) -> str:
        """`"model.text"` of `"model.text.pooling"`; empty for what stands at the top."""
        return self.path.rpartition(".")[0]


LABELS = {
    "protocol": "What counts as a wish",
    "data.source": "Data",
    "data.validation": "Share held out for validation",
    "data.max_mentioned": "Mentioned movies at most",
    "data.keep_mentioned": "Of more mentioned movies keep the",
    "data.max_tokens": "Length of a text in word pieces",
    "data.keep_tokens": "Of a longer text keep the",
    "data.catalog": "Movies to rank",
    "data.order": "Movies of the same time come by",
    "data.best_rating": "Best rating of the scale",
    "data.hold_out": "Held out are",
    "data.test": "Share held out for the test",
    "data.max_answers": "Movies asked for of one person at most",
    "data.learn_from": "Whose movies are answers to learn from",
    "data.tag_join": "Movies of MovieLens and ReDial",
    "data.tag_min_chars": "Letters of a tag at least",
    "data.tag_max_tokens": "Length of a tag in word pieces",
    "model.kind": "Kind of model",
    "model.text.name": "Encoder",
    "model.text.train": "What of it is trained",
    "model.text.lora_rank": "LoRA rank",
    "model.text.lora_alpha": "LoRA alpha",
    "model.text.lora_dropout": "LoRA dropout",
    "model.history.kind": "How they are read",
    "model.history.embedding": "Width of a movie's vector",
    "model.history.hidden": "Width inside",
    "model.history.counts_weight": "Weight of the item-kNN counts",
    "model.history.empty_in_use": "Empty history in use (mistake of 2025)",
    "model.dialogue.members": "Readers that are averaged",
    "model.dialogue.reads_movies": "Reads the movies that were named",
    "model.dialogue.width": "Width of a movie's vector and of the layers",
    "model.dialogue.forgotten": "Share of movies forgotten a step",
    "model.text.last_layers": "How many of its last layers",
    "model.head.kind": "Kind of head",
    "model.head.hidden": "Width of the hidden layer",
    "model.tags": "Tag task",
    "model.opinions": "Also learns to tell what is",
    "loss.kind": "Kind of loss",
    "loss.factor": "Factor of the positive weight",
    "loss.alpha": "Focal alpha",
    "loss.gamma": "Focal gamma",
    "loss.balance": "How the tasks are weighed",
    "loss.tag_weight": "Weight of the tag loss",
    "loss.liked_weight": "Weight of telling what is liked",
    "loss.seen_weight": "Weight of telling what was seen",
    "loss.effective_number": "Class balance (beta)",
    "loss.weights.liked": "Liked",
    "loss.weights.disliked": "Not liked",
    "loss.weights.seen": "Seen before",
    "loss.weights.unseen": "Not seen before",
    "loss.weights.suggested": "Suggested by the recommender",
    "loss.weights.named": "Named by the seeker",
    "loss.weights.rating": "Times its rating",
    "loss.weights.completion": "Times the share that was watched",
    "loss.weights.plays": "Times the logarithm of its plays",
    "loss.weights.half_life_days": "Days until it counts half",
    "loss.weights.level": "What is weighed",
    "loss.sampled": "Movies that each step draws",
    "loss.sample_above": "Draw them at the latest above so many movies",
    "loss.negatives.count": "How many of them",
    "loss.negatives.kind": "Drawn",
    "loss.negatives.power": "Popularity to the power of",
    "loss.negatives.hard": "Share from the model's own top ranks",
    "loss.negatives.hard_from": "How many ranks those are",
    "training.chosen_on": "Split that picks the epoch",
    "training.clip": "Largest gradient norm",
    "training.accumulation": "Pieces of a batch, one after the other",
    "training.schedule": "Learning rate after the warm-up",
    "training.warmup": "Share of the steps to warm up",
    "training.modules": "Parts of the model with their own rate or limit",
    "training.precision": "Number format",
    "training.gradient_checkpointing": "Save memory, take longer",
    "training.compile": "Compile the model first",
    "training.report_to": "Also log to",
    "training.epochs": "Epochs",
    "training.head_lr": "Learning rate",
    "training.encoder_lr": "Learning rate of the text encoder",
}


def settings_of(part: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """Every leaf of a configuration, in the order of the code."""
    for name, field in part.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_of(kind, f"{prefix}{name}.")
        else:
            yield _setting(f"{prefix}{name}", field)


def _setting(path: str, field: FieldInfo) -> Setting:
    container = get_origin(field.annotation)
    kinds = [kind for kind in get_args(field.annotation) if kind is not NoneType] or [field.annotation]
    if container in (tuple, dict):
        choices = get_args(kinds[0]) if container is tuple else ()
        return Setting(path, container, choices, description=field.description or "")
    choices = get_args(field.annotation) if container is Literal else ()
    bounds = {
        name: getattr(rule, name) for rule in field.metadata for name in ("ge", "gt", "lt") if hasattr(rule, name)
    }
    kind = str if choices else kinds[0]
    low = bounds.get("ge", bounds["gt"] + 1 if "gt" in bounds else None) if kind is int else None
    high = bounds["lt"] - 1 if kind is int and "lt" in bounds else None
    optional = NoneType in get_args(field.annotation)
    return Setting(path, kind, choices, low, high, optional, field.description or "")


SETTINGS = tuple(settings_of(RunConfig))
BY_PATH = {setting.path: setting for setting in SETTINGS}
OF_DIALOGUES = ("seen", "unseen", "suggested", "named")  # what only ReDial's forms tell of an answer
OF_RATINGS = ("rating", "completion", "plays", "half_life_days")
DEFAULTS = RunConfig(protocol="conversational")  # every setting as it is without a preset
Now = Callable[[str], Any]  # the path of a setting -> its value
READ_WHERE: tuple[tuple[Callable[[Now], bool], tuple[str, ...]], ...] = (
    (lambda now: now("model.kind") == "one_shot", ("model.history", "model.tags", "model.head.kind")),
    (lambda now: now("model.kind") == "dialogue", ("model.dialogue",)),
    (
        lambda now: now("model.kind") != "dialogue" or now("protocol") == "next_movie",
        ("data.max_mentioned", "data.keep_mentioned"),
    ),
    (
        lambda now: now("model.kind") == "one_shot" and (now("model.head.kind") == "ffn" or now("model.tags")),
        ("model.head.hidden",),
    ),
    (lambda now: now("protocol") == "conversational", ("data.learn_from",)),
    (lambda now: now("protocol") != "next_movie", tuple(f"loss.weights.{name}" for name in OF_DIALOGUES)),
    (
        lambda now: now("protocol") == "next_movie",
        (
            "data.catalog",
            "data.order",
            "data.best_rating",
            "data.test",
            "data.max_answers",
            *(f"loss.weights.{name}" for name in OF_RATINGS),
        ),
    ),
    (lambda now: now("data.hold_out") != "leave_one_out", ("data.validation", "data.test")),
    (lambda now: now("model.text.train") == "last", ("model.text.last_layers",)),
    (
        lambda now: now("model.text.train") == "lora",
        ("model.text.lora_rank", "model.text.lora_alpha", "model.text.lora_dropout"),
    ),
    (lambda now: now("model.text.train") != "none", ("training.encoder_lr", "training.gradient_checkpointing")),
    (
        lambda now: now("model.tags"),
        (
            "data.tags_per_movie",
            "data.tag_min_chars",
            "data.tag_max_tokens",
            "data.tag_join",
            "loss.tag_weight",
            "training.tag_batch_size",
        ),
    ),
    (lambda now: "liked" in now("model.opinions"), ("loss.liked_weight",)),
    (lambda now: "seen" in now("model.opinions"), ("loss.seen_weight",)),
    (lambda now: now("model.tags") or bool(now("model.opinions")), ("loss.balance",)),
    (lambda now: now("loss.kind") == "weighted_bce", ("loss.factor",)),
    (lambda now: now("loss.kind") == "focal", ("loss.alpha", "loss.gamma")),
    (lambda now: now("loss.kind") == "softmax", ("loss.label_smoothing",)),
    (
        lambda now: now("loss.kind") == "bpr",
        ("loss.negatives.count", "loss.negatives.kind", "loss.negatives.hard", "loss.negatives.hard_from"),
    ),
    (lambda now: now("loss.kind") == "bpr" or bool(now("loss.sampled")), ("loss.negatives.power",)),
)  # under what other settings parts and settings are read; those that stand nowhere here always are


def is_read(setting: Setting, now: Now) -> bool:
    """Whether a run with these settings has a use for this one."""
    return all(holds(now) for holds, names in READ_WHERE if setting.path in names or setting.part in names)


def key_of(preset: str, path: str) -> str:
    """The widget's key. Every preset has widgets of its own, which start at its values."""
    return f"train:{preset}:{path}"


def values_now(preset: str, start: RunConfig) -> Now:
    """What the widgets say now. What is typed in one that is hidden does not count: it has the preset's value, or the
    default where the preset reads it and what is chosen now does not."""

    def at_start(path: str) -> Any:
        return value_at(start, path)

    def now(path: str) -> Any:
        setting = BY_PATH[path]
        if is_read(setting, now):
            return st.session_state.get(key_of(preset, path), at_start(path))
        return value_at(DEFAULTS, path) if is_read(setting, at_start) else at_start(path)

    return now


def value_at(config: RunConfig, path: str) -> Any:
    """None where nothing is set, as for a part of the model that has no settings of its own."""
    parts, key = place_of(path)
    value: Any = config
    for name in (*parts, key):
        value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    return value


def draw_setting(setting: Setting, preset: str, start: RunConfig, names: dict[str, str] | None = None) -> None:
    """The widget for one setting, at the preset's value until the user changes it. `names`: words for the choices."""
    value = value_at(start, setting.path)
    same: dict[str, Any] = {
        "label": setting.label,
        "key": key_of(preset, setting.path),
        "help": plain(". ".join(filter(None, (setting.description, f"Setting: {setting.path}")))),
        "persist_state": "session",
    }
    if setting.kind is tuple:
        st.multiselect(options=setting.choices, default=list(value), **same)
    elif setting.kind is dict:
        st.text_area(value=_as_lines(value), placeholder="text.lr = 2e-5\ntext.clip = 1.0", **same)
    elif setting.choices:
        words = names or {}
        index = setting.choices.index(value)
        st.selectbox(options=setting.choices, index=index, format_func=lambda choice: words.get(choice, choice), **same)
    elif setting.kind is bool:
        st.checkbox(value=value, **same)
    elif setting.kind is int:
        high = setting.high
        none = "none" if setting.optional else None
        st.number_input(min_value=setting.low, max_value=high, value=value, step=1, placeholder=none, **same)
    else:  # numbers with a point are typed as one likes, 2e-5 or 0.00002, and checked as text
        st.text_input(value=f"{value:g}" if setting.kind is float else value, **same)


def read_config(preset: str, start: RunConfig) -> tuple[RunConfig | None, list[str]]:
    """What the widgets say now, or what is wrong with it in words. Callbacks see the newest values here, too."""
    values = start.model_dump()
    now = values_now(preset, start)
    problems = []
    for setting in SETTINGS:
        typed = now(setting.path)
        if setting.kind is float and not _is_finite(typed):
            problems.append(f"{setting.label}: a plain number is needed here, such as 0.1 or 2e-5, not {typed!r}.")
        if setting.kind is int and typed is None and not setting.optional:
            problems.append(f"{setting.label}: a number is needed here.")
        if setting.kind is dict and isinstance(typed, str):
            try:
                typed = tomllib.loads(typed)
            except tomllib.TOMLDecodeError as error:
                problems.append(f"{setting.label}: one setting a line is needed, such as text.lr = 2e-5 ({error}).")
        _put(values, setting.path, typed)
    if problems:
        return None, problems
    if not values["model"]["tags"]:  # then nobody reads it, and it need not fit the batch
        values["training"]["tag_batch_size"] = values["training"]["batch_size"]
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
    path = ".".join(str(step) for step in fault["loc"])
    label = next((setting.label for setting in SETTINGS if setting.path == path), "")
    message = fault["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{label}: {message}." if label else f"{capitalised(message)}."
