"""The settings of each loss, and the table of losses."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from recommender.config.base import Choice, Part, ReadWhen
from recommender.config.data import DIALOGUES, RATINGS, TAGS


def _has_task(task: str) -> ReadWhen:
    return ReadWhen(lambda run: task in run.model.tasks, f"{task!r} in model.opinions")


SEVERAL_TASKS = ReadWhen(lambda run: bool(run.model.tasks), "model.tags or model.opinions")


class WeightConfig(Part):
    """How much a target counts, by what is known of it; an unknown one counts as an average one."""

    liked: float = Field(1.0, ge=0, description="weight of a movie that the person liked")
    disliked: float = Field(1.0, ge=0, title="Not liked")
    seen: Annotated[float, DIALOGUES] = Field(
        1.0, ge=0, title="Seen before", description="weight of a movie that the person had seen"
    )
    unseen: Annotated[float, DIALOGUES] = Field(1.0, ge=0, title="Not seen before")
    suggested: Annotated[float, DIALOGUES] = Field(
        1.0, ge=0, title="Suggested by the recommender", description="weight of a movie that the recommender brought up"
    )
    named: Annotated[float, DIALOGUES] = Field(
        1.0, ge=0, title="Named by the seeker", description="weight of a movie that the seeker brought up"
    )
    rating: Annotated[bool, RATINGS] = Field(
        False, title="Times its rating", description="times the rating, as a share of the best one"
    )
    completion: Annotated[bool, RATINGS] = Field(
        False, title="Times the share that was watched", description="times the share that was watched"
    )
    plays: Annotated[bool, RATINGS] = Field(
        False, title="Times the logarithm of its plays", description="times log(1 + how often it was played)"
    )
    half_life_days: Annotated[float, RATINGS] = Field(
        0.0,
        ge=0,
        title="Half-life (days)",
        description="after so many days it counts half; 0: age does not matter",
    )
    level: Literal["target", "example"] = Field(
        "target",
        title="Weighting level",
        description="example: the whole example, with what is no target, by the mean of its targets",
    )


class NegativeConfig(Part):
    """The movies that a target is compared with."""

    count: int = Field(32, ge=1, title="Negatives per example", description="for every input")
    kind: Literal["uniform", "popularity", "in_batch"] = Field("uniform", title="Sampled")
    power: float = Field(
        0.75,
        ge=0,
        title="Popularity to the power of",
        description="popularity: sampled by the number of targets to this power",
    )
    hard: float = Field(0.0, ge=0, le=1, title="Share of hard negatives", description="share taken from the top ranks")
    hard_from: int = Field(
        200, ge=1, title="Hard negatives from the top", description="how many of the top ranks these are taken from"
    )


class LossSettings(Part):
    """What every loss has: sampling, the weights of targets and of tasks."""

    kind: str
    sampled: int = Field(
        0,
        ge=0,
        title="Candidates sampled each step",
        description="movies sampled a step, which its targets are compared with; 0: the whole catalogue",
    )
    sample_above: int = Field(
        100_000,
        ge=1,
        title="Always sample above this many movies",
        description="a catalogue of more movies is sampled whatever loss.sampled",
    )
    sampling_power: Annotated[
        float,
        ReadWhen(lambda run: run.loss.sampled > 0, "loss.sampled > 0"),
    ] = Field(
        0.75,
        ge=0,
        title="Popularity of the candidates to the power of",
        description="candidates are sampled by the number of targets to this power",
    )
    balance: Annotated[Literal["fixed", "uncertainty", "gradient_norm"], SEVERAL_TASKS] = Field(
        "fixed",
        title="Task balance",
        description="loss = movie loss + weight * other loss. uncertainty: learned weights, whatever is set here; "
        "gradient_norm: weight 1 is where its gradient is as large as the movie loss's at what they share",
    )
    tag_weight: Annotated[float, TAGS] = Field(1.0, ge=0, title="Weight of the tag loss")
    liked_weight: Annotated[float, _has_task("liked")] = Field(
        0.1, ge=0, title="Weight of the liked task", description="of the loss of telling what is liked"
    )
    seen_weight: Annotated[float, _has_task("seen")] = Field(
        0.1, ge=0, title="Weight of the seen task", description="of the loss of telling what has been seen"
    )
    effective_number: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Class balance (beta)",
        description="beta of the class-balanced weights, near 1 for rarer movies to count more; 0: none",
    )
    weights: WeightConfig = Field(WeightConfig(), title="Target weights (unknown: average)")

    trainer: ClassVar[str]  # what a run with this loss is called where runs are compared
    one_distribution: ClassVar[bool] = False  # scores are logits over the whole catalogue, else of each movie alone

    @property
    def weighs(self) -> bool:
        """Not all targets count alike."""
        return self.effective_number > 0 or self.weights.model_copy(update={"level": "target"}) != WeightConfig()


class BceSettings(LossSettings):
    """Binary cross-entropy: each movie a yes or no of its own."""

    kind: Literal["bce"] = Field("bce", title="Kind of loss")
    trainer = "original"


class WeightedBceSettings(LossSettings):
    """BCE in which targets weigh as much as all other movies together."""

    kind: Literal["weighted_bce"] = Field("weighted_bce", title="Kind of loss")
    factor: float = Field(
        1.0,
        gt=0,
        title="Factor of the positive weight",
        description="multiplies pos_weight = movies / mean number of targets",
    )
    trainer = "weighted"


class FocalSettings(LossSettings):
    """Focal loss (Lin et al. 2017)."""

    kind: Literal["focal"] = Field("focal", title="Kind of loss")
    alpha: float = Field(1.0, gt=0, title="Focal alpha")
    gamma: float = Field(2.0, ge=0, title="Focal gamma")
    trainer = "focal"


class SoftmaxSettings(LossSettings):
    """Cross-entropy over the catalogue."""

    kind: Literal["softmax"] = Field("softmax", title="Kind of loss")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    trainer = "softmax"
    one_distribution = True


class BprSettings(LossSettings):
    """Bayesian personalised ranking (Rendle et al. 2009)."""

    kind: Literal["bpr"] = Field("bpr", title="Kind of loss")
    negatives: NegativeConfig = Field(NegativeConfig(), title="Movies that a target is compared with")
    trainer = "BPR"


# The table of losses. The first one is the default.
LOSSES: dict[str, type[LossSettings]] = {
    "bce": BceSettings,
    "weighted_bce": WeightedBceSettings,
    "focal": FocalSettings,
    "softmax": SoftmaxSettings,
    "bpr": BprSettings,
}
Loss = Annotated[LossSettings, SerializeAsAny(), Choice(LOSSES)]
