"""The settings of each kind of model, and the table of kinds. Free of torch: `implementation` names the class."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from recommender.config.base import Choice, Part

Opinion = Literal["liked", "seen"]


class TextSettings(Part):
    """The text encoder, and what of it is trained."""

    train: str
    name: str = Field("minilm", title="Encoder", description="`minilm` (packaged), a hub name or a local folder")
    pooling: Literal["mean", "cls"] = "mean"


class FrozenText(TextSettings):
    """Nothing is trained, so each text is read once."""

    train: Literal["none"] = Field("none", title="Fine-tuning")


class LoraText(TextSettings):
    """Low-rank adapters (Hu et al. 2021)."""

    train: Literal["lora"] = Field("lora", title="Fine-tuning")
    lora_rank: int = Field(16, ge=1, title="LoRA rank")
    lora_alpha: int = Field(32, ge=1, title="LoRA alpha")
    lora_dropout: float = Field(
        0.0, ge=0, lt=1, title="LoRA dropout", description="anything but 0 costs a third of the speed on a CPU"
    )


class LastLayersText(TextSettings):
    """The last layers."""

    train: Literal["last"] = Field("last", title="Fine-tuning")
    last_layers: int = Field(3, ge=1, title="Last layers trained")


class FullText(TextSettings):
    """All weights."""

    train: Literal["all"] = Field("all", title="Fine-tuning")


TEXTS: dict[str, type[TextSettings]] = {
    "none": FrozenText,
    "lora": LoraText,
    "last": LastLayersText,
    "all": FullText,
}
Text = Annotated[TextSettings, SerializeAsAny(), Choice(TEXTS, "train")]
TRAINED = {"none": "frozen", "lora": "LoRA", "last": "last layers trained", "all": "trained"}


class HistorySettings(Part):
    """How the mentioned movies become a vector."""

    kind: str


class NoHistory(HistorySettings):
    """Mentioned movies are not read."""

    kind: Literal["none"] = Field("none", title="History encoder")


class GruSettings(HistorySettings):
    """Last states of a GRU over the movies in order of mention (Nguyen 2024)."""

    kind: Literal["gru"] = Field("gru", title="History encoder")
    hidden: int = Field(128, ge=1, title="Hidden width", description="width of the GRU's state")
    bidirectional: bool = True
    empty_in_use: bool = Field(
        False,
        title="Empty history in use (mistake of 2025)",
        description="the mistake of 2025: no mentioned movies when a wish is ranked",
    )


class AttentionSettings(HistorySettings):
    """Attention over the mentioned movies, asked by the text."""

    kind: Literal["attention"] = Field("attention", title="History encoder")
    hidden: int = Field(128, ge=1, title="Hidden width", description="width of queries and keys")
    empty_in_use: bool = Field(
        False,
        title="Empty history in use (mistake of 2025)",
        description="the mistake of 2025: no mentioned movies when a wish is ranked",
    )


HISTORIES: dict[str, type[HistorySettings]] = {"none": NoHistory, "gru": GruSettings, "attention": AttentionSettings}


class HeadSettings(Part):
    """How a wish's vector becomes scores over the catalogue."""

    kind: str
    dropout: float = Field(0.1, ge=0, lt=1)


class FfnSettings(HeadSettings):
    """Two linear layers (Nguyen 2024)."""

    kind: Literal["ffn"] = Field("ffn", title="Kind of head")
    hidden: int = Field(256, ge=1, title="Width of the hidden layer")


class CatalogueSettings(HeadSettings):
    """Dot product with every movie's vector, as wide as `model.embedding`."""

    kind: Literal["catalogue"] = Field("catalogue", title="Kind of head")


HEADS: dict[str, type[HeadSettings]] = {"ffn": FfnSettings, "catalogue": CatalogueSettings}


class ModelSettings(Part):
    """The settings of one kind of model."""

    kind: str

    implementation: ClassVar[str]  # "package.module:Class" of the Recommender
    learns: ClassVar[bool] = True  # by gradient; the others count
    reads_mentions: ClassVar[bool] = True  # the movies that a wish names
    reads_messages: ClassVar[bool] = False  # or the whole text at once
    dropout_path: ClassVar[str] = ""  # the setting to raise where a run overfits; empty if there is none

    @property
    def encoder(self) -> TextSettings | None:
        """The text encoder's settings; None for a model that reads no text."""
        return None

    @property
    def trains_encoder(self) -> bool:
        return self.encoder is not None and self.encoder.train != "none"

    @property
    def reads_movie_text(self) -> bool:
        """Movies have a place by their text, so the model needs the movies' text vectors."""
        return False

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks beside ranking: `tag`, `liked`, `seen`."""
        return ()

    @property
    def summary(self) -> str:
        """The architecture in a few words: two runs with the same one differ in how they were trained only."""
        return self.kind.replace("_", "-")

    def least_parameters(self, movies: int) -> int:
        """A lower bound on how many numbers such a model holds for V = `movies`: damaged settings may ask for one that
        fits into no memory, which is noticed before it is built."""
        return 0


def _encoder_summary(text: TextSettings) -> str:
    return f"{'MiniLM' if text.name == 'minilm' else text.name} {TRAINED[text.train]}"


def _adapter_parameters(text: TextSettings) -> int:
    return 64 * text.lora_rank if isinstance(text, LoraText) else 0


class OneShotSettings(ModelSettings):
    """Text encoder + history encoder + head: the four experiments of Nguyen 2024 are four settings of it."""

    kind: Literal["one_shot"] = Field("one_shot", title="Kind of model")
    text: Text = Field(FrozenText(), title="Text encoder")
    embedding: int = Field(256, ge=1, title="Width of a movie's vector")
    history: Annotated[HistorySettings, SerializeAsAny(), Choice(HISTORIES)] = Field(
        NoHistory(), title="Movies mentioned in the wish"
    )
    head: Annotated[HeadSettings, SerializeAsAny(), Choice(HEADS)] = Field(
        FfnSettings(), title="Head, which scores the movies"
    )
    counts_weight: float = Field(
        0.0, ge=0, title="Weight of the item-kNN scores", description="how much item-kNN adds to the score, if at all"
    )
    tags: bool = Field(False, title="Tag task", description="add the tag -> movie task, with a head of its own")
    opinions: tuple[Opinion, ...] = Field(
        (),
        title="Auxiliary tasks",
        description="add the tasks of telling whether the person will like a movie, and whether they have seen it",
    )

    implementation = "recommender.models.one_shot:OneShotRecommender"
    dropout_path = "model.head.dropout"

    @property
    def encoder(self) -> TextSettings:
        return self.text

    @property
    def reads_movie_text(self) -> bool:
        return self.head.kind == "catalogue"

    @property
    def tasks(self) -> tuple[str, ...]:
        return (*(("tag",) if self.tags else ()), *self.opinions)

    @property
    def summary(self) -> str:
        named = {"gru": "RNN", "attention": "attention"}.get(self.history.kind)
        parts = ["text", named, "counts" if self.counts_weight else None, "tags" if self.tags else None]
        return f"{_encoder_summary(self.text)}, {' + '.join(filter(None, parts))}"

    def least_parameters(self, movies: int) -> int:
        table = movies * self.embedding if self.history.kind != "none" or self.head.kind == "catalogue" else 0
        inside = getattr(self.history, "hidden", 0) * self.embedding
        head = movies * self.head.hidden if isinstance(self.head, FfnSettings) else 0
        return _adapter_parameters(self.text) + table + inside + head


class DialogueSettings(ModelSettings):
    """Reads a dialogue message by message, through small causal transformers that are averaged."""

    kind: Literal["dialogue"] = Field("dialogue", title="Kind of model")
    text: Text = Field(FrozenText(), title="Text encoder")
    members: int = Field(1, ge=1, title="Number of averaged readers")
    width: int = Field(
        256,
        ge=4,
        multiple_of=4,
        title="Width of a movie's vector and of the layers",
        description="of a movie's vector and of the layers, for four attention heads",
    )
    layers: int = Field(2, ge=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    head_dropout: float = Field(0.1, ge=0, lt=1, title="Dropout of the head")
    item_dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        title="Item dropout",
        description="share of the movies that a training step knows by their text alone, like new ones",
    )
    reads_movies: bool = Field(
        True, title="Reads the mentioned movies", description="false: it goes by the words alone"
    )
    counts_weight: float = Field(
        0.0, ge=0, title="Weight of the item-kNN scores", description="how much item-kNN adds to the score, if at all"
    )
    opinions: tuple[Opinion, ...] = Field(
        (),
        title="Auxiliary tasks",
        description="add the tasks of telling whether the person will like a movie, and whether they have seen it",
    )

    implementation = "recommender.models.dialogue:DialogueRecommender"
    dropout_path = "model.head_dropout"
    reads_messages = True

    @property
    def encoder(self) -> TextSettings:
        return self.text

    @property
    def reads_movie_text(self) -> bool:
        return True

    @property
    def tasks(self) -> tuple[str, ...]:
        return self.opinions

    @property
    def summary(self) -> str:
        parts = ["messages", "movies" if self.reads_movies else None, "counts" if self.counts_weight else None]
        return f"{_encoder_summary(self.text)}, {' + '.join(filter(None, parts))}"

    def least_parameters(self, movies: int) -> int:
        return _adapter_parameters(self.text) + self.members * self.width * (4 * self.layers * self.width + movies)


class BaselineSettings(ModelSettings):
    """A model that counts in place of learning by gradient. It stands beside every model that is measured."""

    learns = False
    name: ClassVar[str]  # in tables and charts
    protocols: ClassVar[tuple[str, ...] | None] = None  # under which it stands there; None: all


class PopularitySettings(BaselineSettings):
    """How often each movie is a target in the training data, whatever the wish."""

    kind: Literal["popularity"] = Field("popularity", title="Kind of model")

    implementation = "recommender.models.baselines:Popularity"
    reads_mentions = False
    name = "popularity"


class CopySettings(BaselineSettings):
    """The mentioned movies, latest first."""

    kind: Literal["copy"] = Field("copy", title="Kind of model")

    implementation = "recommender.models.baselines:Copy"
    name = "copy"


class ItemKnnSettings(BaselineSettings):
    """Movies that are mentioned, or watched, together with the mentioned ones."""

    kind: Literal["item_knn"] = Field("item_knn", title="Kind of model")
    shrinkage: float = Field(
        10.0, ge=0, title="Shrinkage", description="added to how often a movie occurs: rare pairs count for less"
    )
    mentioned_power: float = Field(
        0.7,
        ge=0,
        title="Power of the mentioned movie's count",
        description="in the similarity's denominator; with 0.5 for both counts it is the cosine",
    )
    candidate_power: float = Field(
        0.3, ge=0, title="Power of the candidate's count", description="the lower, the more popular movies are favoured"
    )
    decay: float = Field(
        0.8, gt=0, le=1, title="Recency decay", description="weight of a mentioned movie, for each one mentioned later"
    )
    prior: float = Field(
        0.02, ge=0, title="Popularity prior", description="score of the most popular movie without any neighbour"
    )

    implementation = "recommender.models.item_knn:ItemKnn"
    name = "item-kNN"


class EaseSettings(BaselineSettings):
    """A linear item-to-item model in closed form, for ratings (Steck 2019)."""

    kind: Literal["ease"] = Field("ease", title="Kind of model")
    l2: float = Field(500.0, gt=0, title="L2 penalty", description="of the regression of each movie on all others")
    decay: float = Field(
        0.9, gt=0, le=1, title="Recency decay", description="weight of a watched movie, for each one watched later"
    )

    implementation = "recommender.models.ease:Ease"
    name = "EASE"
    protocols = ("next_movie",)  # dialogues are too few for a weight of every pair of movies


# The table of kinds: a new kind of model is one line here. The first one is the default.
MODELS: dict[str, type[ModelSettings]] = {
    "one_shot": OneShotSettings,
    "dialogue": DialogueSettings,
    "popularity": PopularitySettings,
    "copy": CopySettings,
    "item_knn": ItemKnnSettings,
    "ease": EaseSettings,
}
Model = Annotated[ModelSettings, SerializeAsAny(), Choice(MODELS)]
