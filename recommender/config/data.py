"""Settings of the data: where it comes from, what is held out, how much of a text and a history is read."""

from typing import Annotated, Any, Literal

from pydantic import Field

from recommender.config.base import Part, ReadWhen

Protocol = Literal["notebook", "paper", "one_shot", "conversational", "next_movie"]
DIALOGUE_PROTOCOLS: tuple[Protocol, ...] = ("notebook", "paper", "one_shot", "conversational")
PROTOCOLS: tuple[Protocol, ...] = (*DIALOGUE_PROTOCOLS, "next_movie")  # the last is of what people watched
TargetKind = Literal["all", "new"]
# Which targets pick the best epoch: where targets may stand in the input, repeating them is part of the task.
SELECTION_TARGETS: dict[Protocol, TargetKind] = {
    "notebook": "all",
    "paper": "all",
    "one_shot": "new",
    "conversational": "new",
    "next_movie": "new",
}


def of_ratings(run: Any) -> bool:
    return bool(run.protocol == "next_movie")


def of_dialogues(run: Any) -> bool:
    return not of_ratings(run)


RATINGS = ReadWhen(of_ratings, "protocol = next_movie")
DIALOGUES = ReadWhen(of_dialogues, "a protocol of dialogues")
SHARES = ReadWhen(lambda run: run.data.hold_out != "leave_one_out", "data.hold_out = random or latest")
TAGS = ReadWhen(lambda run: "tag" in run.model.tasks, "model.tags = true")
TEXT = ReadWhen(lambda run: run.model.encoder is not None, "a model that reads text")
CUT_HISTORY = ReadWhen(
    lambda run: run.model.reads_mentions and (not run.model.reads_messages or of_ratings(run)),
    "a model that reads the mentioned movies as one list, or protocol = next_movie",
)


class DataConfig(Part):
    source: Literal["auto", "folder", "cache", "hub", "sample"] = Field("auto", title="Data")
    catalog: Annotated[Literal["redial", "own"], RATINGS] = Field(
        "redial",
        title="Movies to rank",
        description="ReDial's movies, with which the ratings are joined, or the data set's own",
    )
    order: Annotated[Literal["time", "file"], RATINGS] = Field(
        "time",
        title="Events of the same time come",
        description="time: in an order drawn from person and movie; file: as in the file, like other libraries",
    )
    best_rating: Annotated[int | None, RATINGS] = Field(
        None,
        ge=1,
        title="Best rating of the scale",
        description="none: recognised from the ratings (1, 5, 10 or 100)",
    )
    validation: Annotated[float, SHARES] = Field(
        0.1,
        gt=0,
        lt=1,
        title="Share held out for validation",
        description="share of the training dialogues, or of people or events, held out",
    )
    test: Annotated[float, RATINGS, SHARES] = Field(
        0.1,
        gt=0,
        lt=1,
        title="Share held out for the test",
        description="share of the people or events held out for the test",
    )
    held_out_movies: int = Field(0, ge=0, description="movies left out of the catalogue, to measure new ones with")
    hold_out: Literal["random", "latest", "leave_one_out"] = Field(
        "random",
        title="Hold-out",
        description="latest is more like ReDial's test split; leave_one_out is for next_movie alone: everyone's last "
        "two movies, whatever the shares",
    )
    learn_from: Annotated[
        Literal["recommender", "everyone"],
        ReadWhen(lambda run: run.protocol == "conversational", "protocol = conversational"),
    ] = Field(
        "recommender",
        title="Train on targets named by",
        description="whether the seeker's movies are targets to learn from, too",
    )
    max_mentioned: Annotated[int, CUT_HISTORY] = Field(
        20, ge=1, title="Maximum mentioned movies", description="mentioned movies kept of each example"
    )
    max_targets: Annotated[int | None, RATINGS] = Field(
        None,
        ge=1,
        title="Maximum targets per person",
        description="so many events of each person at most are targets, the latest",
    )
    keep_mentioned: Annotated[Literal["first", "last"], CUT_HISTORY] = Field(
        "last", title="When there are more, keep the"
    )
    max_tokens: Annotated[int, TEXT] = Field(
        256,
        ge=8,
        title="Maximum text length (tokens)",
        description="a longer text is cut; a model that reads message by message cuts each message",
    )
    keep_tokens: Annotated[Literal["first", "last"], TEXT] = Field("last", title="When a text is too long, keep the")
    tags_per_movie: Annotated[int, TAGS] = Field(50, ge=1)
    tag_min_chars: Annotated[int, TAGS] = Field(3, ge=1, title="Minimum tag length (letters)")
    tag_max_tokens: Annotated[int, TAGS] = Field(64, ge=4, title="Maximum tag length (tokens)")
    tag_join: Annotated[Literal["matched", "same_number"], TAGS] = Field(
        "matched",
        title="Join of MovieLens and ReDial",
        description="same_number: the mistake of 2025, a MovieLens id taken for the ReDial id of that number",
    )
