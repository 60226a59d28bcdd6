"""Settings written by older versions of the project -> today's. Every config.json and preset has a version number."""

from collections.abc import Callable, Mapping
from typing import Any

from recommender.config.run import VERSION
from recommender.errors import RecommenderError

Values = dict[str, Any]
DIALOGUE_FIELDS = ("members", "width", "layers", "counts_weight", "reads_movies", "dropout")
TEXT_FIELDS = {"lora": ("lora_rank", "lora_alpha", "lora_dropout"), "last": ("last_layers",)}
HISTORY_FIELDS = {"gru": ("hidden", "bidirectional", "empty_in_use"), "attention": ("hidden", "empty_in_use")}
HEAD_FIELDS = {"ffn": ("dropout", "hidden"), "catalogue": ("dropout",)}
LOSS_FIELDS = {"weighted_bce": ("factor",), "focal": ("alpha", "gamma"), "softmax": ("label_smoothing",)}
COMMON_LOSS_FIELDS = (
    "sampled", "sample_above", "balance", "tag_weight", "liked_weight", "seen_weight", "effective_number", "weights",
)  # fmt: skip


def version_of(values: Mapping[str, Any], where: str) -> int:
    """The version of settings as they stand in a file; the first one had no number. Raises `RecommenderError` for one
    that only a newer Reelwish can read."""
    version = values.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION:
        raise RecommenderError(
            f"{where}: version {version!r} of the settings is unknown here; this Reelwish reads 1 to {VERSION}."
        )
    return version


def migrated(values: Mapping[str, Any], where: str) -> Values:
    """The settings in today's form; those of today come back as they are."""
    version = version_of(values, where)
    current = dict(values)
    for step in range(version, VERSION):
        current = STEPS[step](current)
    return current | {"version": VERSION}


def _picked(values: Any, names: tuple[str, ...]) -> Values:
    return {name: values[name] for name in names if name in values} if isinstance(values, dict) else {}


def _kinds_apart(values: Values) -> Values:
    """1 -> 2: each kind of model and loss has settings of its own; what the chosen kind did not read goes."""
    changed = dict(values)
    if isinstance(values.get("model"), dict):
        changed["model"] = _model(values["model"])
    if isinstance(values.get("loss"), dict):
        changed["loss"] = _loss(values["loss"])
    if isinstance(values.get("data"), dict):
        changed["data"] = {"max_targets" if key == "max_answers" else key: v for key, v in values["data"].items()}
    return changed


def _model(old: Values) -> Values:
    kind = old.get("kind", "one_shot")
    text, history, head = (old.get(name, {}) for name in ("text", "history", "head"))
    if not all(isinstance(part, dict) for part in (text, history, head)):
        return old  # damaged: the validation says so
    text = _picked(text, ("name", "pooling", "train", *TEXT_FIELDS.get(text.get("train", "none"), ())))
    if kind == "dialogue":
        dialogue = old.get("dialogue", {})
        new = {"kind": kind, "text": text, **_picked(dialogue, DIALOGUE_FIELDS), **_picked(old, ("opinions",))}
        new |= {"item_dropout": dialogue["forgotten"]} if "forgotten" in dialogue else {}
        return new | ({"head_dropout": head["dropout"]} if "dropout" in head else {})
    if kind != "one_shot":
        return {"kind": kind}
    new = {"kind": kind, "text": text, **_picked(old, ("tags", "opinions"))}
    new |= _picked(history, ("embedding", "counts_weight"))
    read, scores = history.get("kind", "none"), head.get("kind", "ffn")
    new["history"] = {"kind": read, **_picked(history, HISTORY_FIELDS.get(read, ()))}
    new["head"] = {"kind": scores, **_picked(head, HEAD_FIELDS.get(scores, ()))}
    return new


def _loss(old: Values) -> Values:
    kind = old.get("kind", "bce")
    new = {"kind": kind, **_picked(old, (*LOSS_FIELDS.get(kind, ()), *COMMON_LOSS_FIELDS))}
    negatives = old.get("negatives", {})
    if isinstance(negatives, dict) and "power" in negatives:
        new["sampling_power"] = negatives["power"]
    return new | ({"negatives": negatives} if kind == "bpr" and negatives else {})


STEPS: dict[int, Callable[[Values], Values]] = {1: _kinds_apart}
