"""A search: which settings of a preset are tried, over which values, how many times. A TOML file each."""

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recommender.config import RunConfig
from recommender.config.presets import load_preset
from recommender.config.values import override, parse_config
from recommender.errors import RecommenderError, UnknownNameError

if TYPE_CHECKING:
    from optuna import Trial

SEARCHES = Path(__file__).parent.parent / "searches"
# What decides which question a run is measured by: trials that differ in it could not be compared.
FIXED = (
    "protocol",
    "seed",
    "start_from",
    "data.source",
    "data.validation",
    "data.catalog",
    "data.order",
    "data.best_rating",
    "data.test",
    "data.max_targets",
    "data.hold_out",
    "data.held_out_movies",
    "training.chosen_on",
)

Value = float | int | bool | str
Params = dict[str, Any]  # setting -> value


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FloatRange(Part):
    kind: Literal["float"]
    low: float
    high: float
    log: bool = False
    step: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _check_range(self.low, self.high, self.log, self.step)
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        return self.low, self.high

    def suggest(self, trial: "Trial", path: str) -> Value:
        return trial.suggest_float(path, self.low, self.high, log=self.log, step=self.step)


class IntRange(Part):
    kind: Literal["int"]
    low: int
    high: int
    log: bool = False
    step: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _check_range(self.low, self.high, self.log, None if self.step == 1 else self.step)
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        return self.low, self.high

    def suggest(self, trial: "Trial", path: str) -> Value:
        return trial.suggest_int(path, self.low, self.high, log=self.log, step=self.step)


class Choice(Part):
    kind: Literal["choice"]
    values: tuple[bool | int | float | str, ...] = Field(min_length=2)

    @property
    def ends(self) -> tuple[Value, ...]:
        return self.values

    def suggest(self, trial: "Trial", path: str) -> Value:
        chosen: Value = trial.suggest_categorical(path, self.values)  # type: ignore[assignment]  # none of ours is None
        return chosen


Distribution = Annotated[FloatRange | IntRange | Choice, Field(discriminator="kind")]


def _check_range(low: float, high: float, log: bool, step: float | None) -> None:
    if low >= high:
        raise ValueError(f"low = {low} must be below high = {high}")
    if log and low <= 0:
        raise ValueError("a log scale begins above 0")
    if log and step is not None:
        raise ValueError("log and step do not go together")


class Pruner(Part):
    """When a trial is given up: median, if its best epoch so far is below the median of the trials before it at that
    epoch; hyperband (Li et al. 2018), by successive halving over several brackets."""

    kind: Literal["median", "hyperband", "none"] = "median"
    first_trials: int = Field(5, ge=0, description="median: trials that are always finished")
    first_epochs: int = Field(1, ge=0, description="median: epochs after which no trial is given up yet")
    reduction: int = Field(3, ge=2, description="hyperband: one in so many goes on")


class Search(Part):
    """`preset` with `overrides` is where every trial begins; `space` says what differs."""

    description: str
    preset: str
    overrides: tuple[str, ...] = ()
    trials: int = Field(20, ge=1, description="altogether, those that were pruned included")
    seed: int = Field(0, ge=0)
    random_trials: int = Field(8, ge=1, description="drawn evenly before the sampler (TPE) learns from them")
    pruner: Pruner = Pruner()
    space: dict[str, Distribution] = Field(min_length=1)

    def base(self) -> RunConfig:
        """The settings that all trials share."""
        return load_preset(self.preset, list(self.overrides))

    def suggest(self, trial: "Trial") -> Params:
        return {path: distribution.suggest(trial, path) for path, distribution in self.space.items()}


def search_names() -> list[str]:
    return sorted(path.stem for path in SEARCHES.glob("*.toml"))


def load_search(name_or_file: str) -> Search:
    """A search that ships, by its name, or a TOML file. Raises `RecommenderError` for one that cannot be run, and
    `UnknownNameError` for a name, key or setting that does not exist."""
    names = search_names()
    if name_or_file in names:
        file = SEARCHES / f"{name_or_file}.toml"
    elif name_or_file.endswith(".toml"):
        file = Path(name_or_file)
    else:
        raise UnknownNameError("search", name_or_file, names)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecommenderError(f"The search {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # neither UTF-8 nor TOML
        raise RecommenderError(f"The search {file.name} is no TOML: {error}.") from error
    search = parse_search(values, f"search {file.stem}")
    check_search(search, search.base())
    return search


def parse_search(values: dict[str, Any], where: str) -> Search:
    """`where` names the origin in the error."""
    for path in values.get("space") or {}:
        override({}, f"{path}=0")  # an unknown setting
    try:
        return Search.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UnknownNameError(f"key in {where}", path, _keys_beside(first["loc"])) from error
        raise RecommenderError(f"{where}: {path or 'it'}: {first['msg'].removeprefix('Value error, ')}.") from error


def check_search(search: Search, base: RunConfig) -> None:
    """Raises `RecommenderError` where trials could not be trained or compared."""
    if not base.model.learns:
        raise RecommenderError(f"The preset {search.preset} counts and does not learn: there is nothing to tune.")
    if base.training.chosen_on == "test":
        raise RecommenderError("training.chosen_on = test: settings that are tuned on the test split tell nothing.")
    for path, distribution in search.space.items():
        if path in FIXED or path == "description":
            raise RecommenderError(f"{path} cannot be searched: trials that differ in it could not be compared.")
        for value in distribution.ends:
            with_params(base, {path: value})
        if isinstance(distribution, IntRange):
            _check_steps(base, path, distribution)


def _check_steps(base: RunConfig, path: str, numbers: IntRange) -> None:
    """What the settings allow at both ends they may not allow between them, such as batches that cannot be split."""
    try:
        with_params(base, {path: min(numbers.low + numbers.step, numbers.high)})
    except RecommenderError as error:
        raise RecommenderError(
            f"{error} The search would try such values between {numbers.low} and {numbers.high}; give {path} a step "
            "that leaves them out."
        ) from error


def with_params(base: RunConfig, params: Params) -> RunConfig:
    """The settings of a trial. Raises `RecommenderError` for values that the settings do not allow."""
    values = base.model_dump()
    settings = as_overrides(params)
    given = [override(values, setting) for setting in settings]
    return parse_config(values, f"the preset with {', '.join(settings)}", given)


def as_overrides(params: Params) -> list[str]:
    """As `--set` takes them. Six digits of a number are enough, and the trial is trained with these.

    >>> as_overrides({"training.head_lr": 0.15000000000000002, "loss.kind": "softmax"})
    ['training.head_lr=0.15', 'loss.kind="softmax"']
    """
    return [f"{path}={json.dumps(_readable(value))}" for path, value in params.items()]


def _readable(value: Value) -> Value:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys that could have stood there: of the search, its pruner, or a distribution."""
    parent = ".".join(str(step) for step in location[:-1])
    if not parent:
        return list(Search.model_fields)
    kinds: dict[str, type[Part]] = {"float": FloatRange, "int": IntRange, "choice": Choice}
    part = Pruner if parent == "pruner" else kinds[str(location[-2])]
    return [f"{parent}.{key}" for key in part.model_fields]
