"""What all settings share: frozen, strict, of one kind out of a table, and read only where something reads them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

DRAFT = {"draft": True}  # a validation's context: settings of which more will be said, so no rule between them holds


def is_draft(info: ValidationInfo) -> bool:
    return info.context == DRAFT


class Part(BaseModel):
    """A group of settings. An unknown key is an error."""

    # JSON has no infinity and no NaN: a run with one could not read its own config.json.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _fits(cls, value: Any) -> Any:
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError("a whole number of more than 64 bits")
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("text that is not valid Unicode")
        return value


@dataclass(frozen=True)
class Choice:
    """Metadata of a field that holds settings of one kind: `table` maps the value of `key` to their class."""

    table: Mapping[str, type[Part]]
    key: str = "kind"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.choose, handler(source))

    def choose(self, value: Any) -> Any:
        """Settings as a dictionary -> an instance of the class that `key` names; the first of the table without it."""
        if not isinstance(value, dict):
            return value
        kind = self.kind_of(value)
        if kind not in self.table:
            raise PydanticCustomError(
                "unknown_kind",
                "{key} = {kind}: expected one of {kinds}",
                {"key": self.key, "kind": repr(kind)[:80], "kinds": ", ".join(self.table)},
            )
        return self.table[kind].model_validate(value)

    def kind_of(self, values: Mapping[str, Any]) -> Any:
        kind = values.get(self.key, next(iter(self.table)))
        return kind if isinstance(kind, str) else repr(kind)


@dataclass(frozen=True)
class ReadWhen:
    """Metadata of a field that only some runs read: a predicate of the `RunConfig`, and the same in words."""

    holds: Callable[[Any], bool]
    condition: str


@dataclass(frozen=True)
class Setting:
    """A field of a configuration and where it stands."""

    path: str  # "training.batch_size"
    field: FieldInfo
    conditions: tuple[ReadWhen, ...] = ()  # its own and those of the parts around it; all must hold
    kinds: tuple[str, ...] = ()  # what may be chosen, for the key that names the kind of its part

    @property
    def part(self) -> str:
        """`"model.text"` of `"model.text.pooling"`; empty at the top."""
        return self.path.rpartition(".")[0]

    @property
    def label(self) -> str:
        return self.field.title or self.path.rpartition(".")[2].replace("_", " ").capitalize()

    @property
    def default(self) -> Any:
        return self.field.get_default(call_default_factory=True)

    def unmet(self, config: BaseModel) -> ReadWhen | None:
        """The first condition that a `RunConfig` does not meet; None where the setting is read."""
        return next((rule for rule in self.conditions if not rule.holds(config)), None)


def choice_of(field: FieldInfo) -> Choice | None:
    return next((rule for rule in field.metadata if isinstance(rule, Choice)), None)


def value_at(config: BaseModel, path: str) -> Any:
    """The value of a setting by its path, None where the configuration has no such part.

    >>> from recommender.config import RunConfig
    >>> value_at(RunConfig(protocol="paper"), "training.epochs")
    20
    """
    value: Any = config
    for step in path.split("."):
        value = getattr(value, step, None)
    return value


def settings_in(config: BaseModel) -> Iterator[Setting]:
    """Every setting of a configuration as it is, with the fields of the kinds that it has, in the order of the code."""
    return _settings(type(config), lambda field, value: [type(value)] if isinstance(value, BaseModel) else [], config)


def possible_settings(part: type[BaseModel]) -> Iterator[Setting]:
    """Every setting that a configuration may have, whatever its kinds; a path of several kinds comes once a kind."""
    return _settings(part, lambda field, value: parts_of(field), None)


def _settings(
    part: type[BaseModel],
    inside: Callable[[FieldInfo, Any], list[type[BaseModel]]],
    values: BaseModel | None,
    prefix: str = "",
    around: tuple[ReadWhen, ...] = (),
    choice: Choice | None = None,
) -> Iterator[Setting]:
    for name, field in part.model_fields.items():
        path, value = f"{prefix}{name}", getattr(values, name, None)
        conditions = (*around, *(rule for rule in field.metadata if isinstance(rule, ReadWhen)))
        kinds = inside(field, value)
        for kind in kinds:
            yield from _settings(kind, inside, value, f"{path}.", conditions, choice_of(field))
        if not kinds:
            named = choice is not None and name == choice.key
            yield Setting(path, field, conditions, tuple(choice.table) if choice is not None and named else ())


def titles_of_parts(config: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The path of every group of settings and its title, in the order of the code."""
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield f"{prefix}{name}", field.title or name.capitalize()
            yield from titles_of_parts(value, f"{prefix}{name}.")


def parts_of(field: FieldInfo) -> list[type[BaseModel]]:
    """The classes of settings that a field may hold; none for a plain setting."""
    choice = choice_of(field)
    if choice is not None:
        return list(choice.table.values())
    kind = field.annotation
    return [kind] if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def unread(config: BaseModel) -> list[tuple[Setting, ReadWhen]]:
    """The settings of a `RunConfig` that nothing reads and that differ from their default, each with the condition
    that is not met. The default of a kind is the first of its table: every kind's own class has itself there."""
    found = ((setting, setting.unmet(config)) for setting in settings_in(config))
    return [
        (s, rule)
        for s, rule in found
        if rule is not None and value_at(config, s.path) != (s.kinds[0] if s.kinds else s.default)
    ]
