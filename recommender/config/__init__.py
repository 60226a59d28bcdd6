"""What one training run is: every number is a setting, an unknown key is an error."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Protocol = Literal["notebook", "paper", "one_shot", "conversational", "next_movie"]
DIALOGUE_PROTOCOLS: tuple[Protocol, ...] = ("notebook", "paper", "one_shot", "conversational")
PROTOCOLS: tuple[Protocol, ...] = (*DIALOGUE_PROTOCOLS, "next_movie")  # the last asks of what people watched
TargetKind = Literal["all", "new"]
# Which targets pick the best epoch: where the answers may stand in the input, repeating them is part of the task.
SELECTION_TARGETS: dict[Protocol, TargetKind] = {
    "notebook": "all",
    "paper": "all",
    "one_shot": "new",
    "conversational": "new",
    "next_movie": "new",
}


class Part(BaseModel):
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


class DataConfig(Part):
    source: Literal["auto", "folder", "cache", "hub", "sample"] = "auto"
    catalog: Literal["redial", "own"] = Field(
        "redial",
        description="next_movie: rank ReDial's movies, with which the ratings are joined, or the data set's own",
    )
    order: Literal["time", "file"] = Field(
        "time",
        description="next_movie: the order of a person's events that have the same time. time: drawn; file: as they "
        "stand in the file, as other libraries take them",
    )
    best_rating: int | None = Field(
        None, ge=1, description="next_movie: top of the rating scale; none: recognised (1, 5, 10 or 100)"
    )
    validation: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the training dialogues, or of people or events, held out; not read by leave_one_out",
    )
    test: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="next_movie: share of the people or events held out for the test; not read by leave_one_out",
    )
    held_out_movies: int = Field(0, ge=0, description="movies left out of the catalogue, to measure new ones with")
    hold_out: Literal["random", "latest", "leave_one_out"] = Field(
        "random",
        description="latest is more like ReDial's test split; leave_one_out is for next_movie alone: everyone's last "
        "two movies, whatever the shares",
    )
    learn_from: Literal["recommender", "everyone"] = Field(
        "recommender", description="conversational: whether the seeker's movies are answers to learn from, too"
    )
    max_mentioned: int = Field(
        20,
        ge=1,
        description="mentioned movies kept; a dialogue model reads all that a dialogue names, and of ratings so many",
    )
    max_answers: int | None = Field(
        None, ge=1, description="next_movie: of each person ask for so many events at most, the latest"
    )
    keep_mentioned: Literal["first", "last"] = "last"
    max_tokens: int = Field(256, ge=8, description="a longer text (dialogue: a longer message) is cut")
    keep_tokens: Literal["first", "last"] = "last"
    tags_per_movie: int = Field(50, ge=1)
    tag_min_chars: int = Field(3, ge=1)
    tag_max_tokens: int = Field(64, ge=4)
    tag_join: Literal["matched", "same_number"] = Field(
        "matched", description="same_number: the mistake of 2025, a MovieLens id taken for the ReDial id of that number"
    )


class TextConfig(Part):
    name: str = Field("minilm", description="`minilm` (packaged), a hub name or a local folder")
    pooling: Literal["mean", "cls"] = "mean"
    train: Literal["none", "lora", "last", "all"] = "none"
    last_layers: int = Field(3, ge=1, description="last: how many of the encoder's layers are trained")
    lora_rank: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="anything but 0 costs a third of the speed on a CPU")


class HistoryConfig(Part):
    kind: Literal["none", "gru", "attention"] = "none"
    embedding: int = Field(256, ge=1, description="width of a movie's vector")
    hidden: int = Field(128, ge=1, description="width of the GRU's state, or of the attention's")
    bidirectional: bool = Field(True, description="gru")
    empty_in_use: bool = Field(False, description="the mistake of 2025: no named movies when a wish is ranked")
    counts_weight: float = Field(0.0, ge=0, description="how much the item-kNN counts add to the score, if at all")


class DialogueConfig(Part):
    """The model that reads a dialogue message by message."""

    members: int = Field(1, ge=1, description="readers that are averaged")
    width: int = Field(256, ge=4, multiple_of=4, description="of a movie's vector and of the layers, for four heads")
    layers: int = Field(2, ge=1)
    counts_weight: float = Field(0.0, ge=0, description="how much the item-kNN counts add to the score, if at all")
    reads_movies: bool = Field(True, description="false: it goes by the words alone")
    dropout: float = Field(0.2, ge=0, lt=1)
    forgotten: float = Field(
        0.2, ge=0, lt=1, description="share of the movies that a training step knows by their text alone, like new ones"
    )


class HeadConfig(Part):
    kind: Literal["ffn", "catalogue"] = "ffn"
    hidden: int = Field(256, ge=1, description="ffn; the catalogue head is as wide as history.embedding")
    dropout: float = Field(0.1, ge=0, lt=1)


Opinion = Literal["liked", "seen"]


class ModelConfig(Part):
    kind: Literal["one_shot", "dialogue", "popularity", "copy", "item_knn"] = "one_shot"
    text: TextConfig = TextConfig()
    history: HistoryConfig = HistoryConfig()
    dialogue: DialogueConfig = DialogueConfig()
    head: HeadConfig = HeadConfig()
    tags: bool = Field(False, description="add the tag -> movie task (one_shot)")
    opinions: tuple[Opinion, ...] = Field(
        (), description="add the tasks of telling whether the person will like a movie, and whether they have seen it"
    )

    @property
    def learns(self) -> bool:
        """By gradient; the baselines count."""
        return self.kind in ("one_shot", "dialogue")

    @property
    def reads_movie_text(self) -> bool:
        """Its movies have a place by their text, so it needs the movies' text vectors."""
        return self.kind == "dialogue" or (self.kind == "one_shot" and self.head.kind == "catalogue")

    @model_validator(mode="after")
    def _tasks_have_a_model(self) -> Self:
        if self.tags and self.kind != "one_shot":
            raise ValueError("model.tags needs model.kind = one_shot")
        if self.opinions and not self.learns:
            raise ValueError("model.opinions needs a model.kind that learns: one_shot or dialogue")
        return self


class WeightConfig(Part):
    """How much a target counts, by what is known of it; an unknown one counts as an average one."""

    liked: float = Field(1.0, ge=0, description="weight of a movie that the person liked")
    disliked: float = Field(1.0, ge=0)
    seen: float = Field(1.0, ge=0, description="weight of a movie that the person had seen")
    unseen: float = Field(1.0, ge=0)
    suggested: float = Field(1.0, ge=0, description="weight of a movie that the recommender brought up")
    named: float = Field(1.0, ge=0, description="weight of a movie that the person brought up")
    rating: bool = Field(False, description="times the rating, as a share of the best one")
    completion: bool = Field(False, description="times the share that was watched")
    plays: bool = Field(False, description="times log(1 + how often it was played)")
    half_life_days: float = Field(0.0, ge=0, description="after so many days it counts half; 0: age does not matter")
    level: Literal["target", "example"] = Field(
        "target", description="example: the whole example, with what is no target, by the mean of its targets"
    )


class NegativeConfig(Part):
    """bpr: the movies that a target is compared with."""

    count: int = Field(32, ge=1, description="for every input")
    kind: Literal["uniform", "popularity", "in_batch"] = "uniform"
    power: float = Field(
        0.75, ge=0, description="popularity, and loss.sampled: drawn by the number of targets to this power"
    )
    hard: float = Field(0.0, ge=0, le=1, description="share that is drawn from the model's own top ranks")
    hard_from: int = Field(200, ge=1, description="how many of the top ranks these are drawn from")


class LossConfig(Part):
    kind: Literal["bce", "weighted_bce", "focal", "softmax", "bpr"] = "bce"
    factor: float = Field(1.0, gt=0, description="weighted_bce: multiplies pos_weight = movies / mean targets")
    alpha: float = Field(1.0, gt=0, description="focal")
    gamma: float = Field(2.0, ge=0, description="focal")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="softmax")
    sampled: int = Field(
        0, ge=0, description="movies drawn a step, which its targets are compared with; 0: the whole catalogue"
    )
    sample_above: int = Field(100_000, ge=1, description="a catalogue of more movies is sampled whatever loss.sampled")
    balance: Literal["fixed", "uncertainty", "gradient_norm"] = Field(
        "fixed",
        description="loss = movie loss + weight * other loss. uncertainty: learned weights, whatever is set here; "
        "gradient_norm: weight 1 is where it pulls as hard as the movie loss at what they share",
    )
    tag_weight: float = Field(1.0, ge=0, description="of the tag loss")
    liked_weight: float = Field(0.1, ge=0, description="of the loss of telling what is liked")
    seen_weight: float = Field(0.1, ge=0, description="of the loss of telling what has been seen")
    effective_number: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="beta of the class-balanced weights, near 1 for rarer movies to count more; 0: none",
    )
    weights: WeightConfig = WeightConfig()
    negatives: NegativeConfig = NegativeConfig()

    @property
    def weighs(self) -> bool:
        """Not all targets count alike."""
        return self.effective_number > 0 or self.weights.model_copy(update={"level": "target"}) != WeightConfig()


class ModuleConfig(Part):
    """What one named part of the model is trained with in place of the settings for all."""

    lr: float | None = Field(None, gt=0, description="learning rate; none: encoder_lr or head_lr")
    clip: float | None = Field(None, gt=0, description="largest norm of its own gradient; training.clip comes after it")


Tracker = Literal["tensorboard", "wandb", "mlflow", "trackio"]


class TrainingConfig(Part):
    epochs: int = Field(20, ge=0, description="0 trains nothing: weights are taken over, counts made, the run measured")
    batch_size: int = Field(32, ge=1, description="examples of one optimizer step, over all pieces and processes")
    accumulation: int = Field(1, ge=1, description="pieces that a batch is read in, one after the other: less memory")
    tag_batch_size: int = Field(64, ge=1, description="a multiple of batch_size")
    encoder_lr: float = Field(2e-5, gt=0)
    head_lr: float = Field(2e-5, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="how the learning rates go on after the warm-up: down to 0 in a line or a half cosine"
    )
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps with a linearly rising learning rate")
    clip: float = Field(1.0, gt=0, description="largest gradient norm")
    modules: dict[str, ModuleConfig] = Field(
        {}, description="lr and clip for parts of the model by name: text, history, head, readers.0, ..."
    )
    chosen_on: Literal["validation", "test"] = Field(
        "validation", description="which split picks the best epoch; test is the mistake of 2025"
    )
    patience: int | None = Field(None, ge=1, description="epochs without a better validation nDCG@10 before stopping")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="float16: cuda only")
    gradient_checkpointing: bool = Field(
        False, description="compute the text encoder's activations again in place of keeping them: slower, less memory"
    )
    compile: bool = Field(False, description="torch.compile: slow to begin with, needs a C++ compiler")
    report_to: tuple[Tracker, ...] = Field((), description="also log to these; each needs its own package")

    @model_validator(mode="after")
    def _whole_tags(self) -> Self:
        if self.tag_batch_size % self.batch_size:
            raise ValueError("tag_batch_size must be a multiple of batch_size: every example brings as many tags")
        return self

    @model_validator(mode="after")
    def _whole_pieces(self) -> Self:
        if self.batch_size % self.accumulation:
            raise ValueError("batch_size must be a multiple of accumulation: a batch is read in pieces of one size")
        return self


class RunConfig(Part):
    description: str = ""
    protocol: Protocol
    seed: int = Field(42, ge=0, lt=2**32)
    start_from: str = Field("", description="a run whose weights this one starts with")
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _something_to_checkpoint(self) -> Self:
        if self.training.gradient_checkpointing and self.model.text.train == "none":
            raise ValueError(
                "training.gradient_checkpointing saves memory in a text encoder that is trained; this one is frozen: "
                "set model.text.train, or leave it out"
            )
        return self
