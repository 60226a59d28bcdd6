"""How well movies that training never saw are ranked once they are added by their text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from recommender.data.assets import load_movie_text
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import MENTION, Dialogue
from recommender.data.examples import Example, build_examples
from recommender.data.splits import hold_out_movies
from recommender.data.task import Task, load_catalog
from recommender.errors import RecommenderError
from recommender.evaluation.metrics import CUTOFFS, evaluate_rankings
from recommender.evaluation.resampling import bootstrap_interval
from recommender.models.base import Recommender
from recommender.query.facets import with_refusals
from recommender.ranking.ranker import Ranker

Figures = dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class NewMovies:
    """Recall at each cut-off with its 95 % interval, for targets that are new movies and for those trained on.
    `chance` is what a random ranking scores."""

    new: Figures
    trained: Figures
    chance: dict[str, float]
    movies: int
    new_targets: int
    trained_targets: int


def measure_new_movies(model: Recommender, task: Task, device: torch.device) -> NewMovies:
    """Add the movies that `task.config` held out, and rank the whole catalogue for the turns of the test split; targets
    are those not named before. The model keeps the movies.

    Raises `RecommenderError` for a run that held out none.
    """
    shipped = load_catalog(task.settings)
    _, held_out = hold_out_movies(shipped, task.config.held_out_movies, task.seed)
    if not held_out:
        raise RecommenderError(
            "This run was trained on every movie. Train one without some: --set data.held_out_movies=500"
        )
    texts = load_movie_text(task.settings.assets_dir, shipped, held_out)
    catalog, numbers = _added(task.catalog, held_out)
    model.add_movies(catalog, torch.from_numpy(texts).to(device), task.catalog.talked_about)
    dialogues = [_renumbered(dialogue, numbers) for dialogue in task.split("test")]
    built = build_examples(dialogues, task.protocol, catalog)
    examples = [example for example in with_refusals(built, catalog) if example.new_targets]
    rankings = Ranker(model, device).rank(examples, max(CUTOFFS))
    added = set(numbers.values())
    new, new_targets = _recalls(rankings, examples, catalog, added, task.seed)
    others = {movie.movie_id for movie in task.catalog}
    trained, trained_targets = _recalls(rankings, examples, catalog, others, task.seed)
    chance = {f"recall@{cutoff}": cutoff / len(catalog) for cutoff in CUTOFFS}
    return NewMovies(new, trained, chance, len(held_out), new_targets, trained_targets)


def _added(catalog: Catalog, movies: Sequence[Movie]) -> tuple[Catalog, dict[int, int]]:
    """The movies at the end of the catalogue under fresh ids, and which id became which."""
    first = catalog[len(catalog) - 1].movie_id + 1 + max(movie.movie_id for movie in movies)
    numbers = {movie.movie_id: first + place for place, movie in enumerate(movies)}
    return catalog.with_added(replace(movie, movie_id=numbers[movie.movie_id]) for movie in movies), numbers


def _renumbered(dialogue: Dialogue, numbers: dict[int, int]) -> Dialogue:
    def number(movie_id: int) -> int:
        return numbers.get(movie_id, movie_id)

    messages = tuple(
        replace(message, text=MENTION.sub(lambda found: f"@{number(int(found[1]))}", message.text))
        for message in dialogue.messages
    )
    return replace(dialogue, messages=messages, names={number(i): name for i, name in dialogue.names.items()})


def _recalls(
    rankings: np.ndarray, examples: Sequence[Example], catalog: Catalog, asked: set[int], seed: int
) -> tuple[Figures, int]:
    """Recall of the targets that are among the asked ids, over the examples that have any; and how many there are."""
    wanted = [[target for target in example.new_targets if target in asked] for example in examples]
    places = [place for place, targets in enumerate(wanted) if targets]
    answers = [catalog.indices(wanted[place]) for place in places]
    values = evaluate_rankings(rankings[places], answers, CUTOFFS)
    dialogues = [examples[place].dialogue_id for place in places]
    figures = {}
    for name in (f"recall@{cutoff}" for cutoff in CUTOFFS):
        low, high = bootstrap_interval(values[name], dialogues, seed)
        figures[name] = (float(values[name].mean()), low, high)
    return figures, sum(map(len, answers))
