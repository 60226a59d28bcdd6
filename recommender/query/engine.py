"""Checkpoint + wish -> ranking. Loaded once and then only read, so that many sessions may share it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from rapidfuzz import process
from torch import Tensor

from recommender.data.catalog import Movie
from recommender.data.collate import Item, collate
from recommender.data.examples import Example
from recommender.device import choose_device
from recommender.errors import RecommenderError
from recommender.evaluation.ranking import to_device, top_k
from recommender.models.inputs import items_of
from recommender.query.additions import load_added
from recommender.query.attribution import Contribution, WordWeight, above_average, shapley, word_weights
from recommender.query.explain import Explainer
from recommender.query.heeding import Heeding
from recommender.query.notices import notices_of
from recommender.query.refusals import with_stances
from recommender.query.titles import MAX_TITLE, TitleMatcher
from recommender.query.wish import Utterance, Wish, check_wish, clean_wish, hear, references, to_example
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run
from recommender.settings import Settings

# From which bar on, and what it is called. For half of the wishes of ReDial the second movie of `default` has a bar of
# 0.67 or more, the fifth 0.28, the tenth 0.12.
STRENGTHS = ((0.75, "Top match"), (0.4, "Strong match"), (0.2, "Good match"), (0.0, "Fair match"))


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One ranked movie. `score` is the model's, less what a refused movie near it costs; `bar` is 0..1, its strength
    beside the first movie's, and `strength` the same in words."""

    rank: int
    movie: Movie
    score: float
    bar: float
    reasons: tuple[str, ...]
    strength: str = ""


@dataclass(frozen=True)
class Answer:
    """`notices` say what the user has to know: text that was cut, an empty ranking and why. `heeded` says what was left
    out or pushed down because the wish asked for it."""

    recommendations: list[Recommendation]
    notices: list[str]
    heeded: list[str] = field(default_factory=list)


class Engine:
    """Answers wishes with one run. Raises `CheckpointError` if the run cannot be loaded."""

    def __init__(self, run: Run, settings: Settings) -> None:
        self.run, self.settings = run, settings
        self.device = choose_device(settings)
        checkpoint = load_checkpoint(run, self.device)
        self.config, self.catalog, self.model = checkpoint.config, checkpoint.catalog, checkpoint.model
        self.trained = self.catalog  # without what was added since
        if self.config.model.reads_movie_text and (added := load_added(settings)).movies:
            self.catalog = self.trained.with_added(added.movies)
            self.model.add_movies(torch.from_numpy(added.vectors).to(self.device), self.trained.talked_about)
        self.source = run.status().source
        if self.model.text is not None:
            self.model.text.merge_lora()
        self.titles = TitleMatcher(self.catalog.movies)
        self.explainer = Explainer(self.catalog, self.trained, settings, self.model.movie_vectors())
        self.heeding = Heeding(self.catalog, self.explainer.vectors)

    def read(self, text: str, shown: Sequence[Movie] = ()) -> tuple[Utterance, list[str]]:
        """Typed text -> the utterance with the movies it names and the genres it refuses, and notices. `shown` is the
        ranking on the screen, for words like "the second one"."""
        text, notices = clean_wish(text, self.settings.max_wish_chars)
        pointed = references(text, shown)
        named = [m for m in self.titles.find(text) if not any(m.start < p.end and p.start < m.end for p in pointed)]
        matches = sorted([*pointed, *named], key=lambda match: match.start)
        return Utterance(text, *with_stances(text, matches)), notices

    def lookup(self, title: str) -> Movie:
        """The movie with this title. Raises `RecommenderError` that names the nearest ones."""
        found = self.titles.lookup(title)
        if not found:
            title = title[:MAX_TITLE]
            near = process.extract(title, [movie.name for movie in self.catalog], limit=3)
            names = ", ".join(name for name, _, _ in near)
            raise RecommenderError(f"No movie in the catalogue is called {title!r}. The nearest are: {names}.")
        return found[0]

    @torch.inference_mode()
    def scores(self, items: Sequence[Item]) -> Tensor:
        """Wishes -> scores [B, V]: the same batch and forward as in training."""
        scores: Tensor = self.model(to_device(collate(items), self.device))
        return scores.float()

    def recommend(self, wish: Wish, k: int = 10) -> Answer:
        """The best k movies that the wish does not name, exclude or refuse; fewer if the catalogue is smaller.

        Raises `RecommenderError` for k < 1 and for a wish with neither words nor movies.
        """
        if k < 1:
            raise RecommenderError(f"The number of movies must be at least 1, not {k}.")
        check_wish(wish)
        heard = hear(wish)
        item = self._items([self._example(wish)])[0]
        model_scores = self.scores([item])[0]
        scores = model_scores - self.heeding.penalty(model_scores, heard)
        left_out = torch.tensor([self.heeding.left_out(heard) or [-1]], device=scores.device)
        ranking = top_k(scores.unsqueeze(0), min(k, len(self.catalog)), left_out)[0]
        columns = [column for column in ranking.tolist() if column >= 0]
        notices = notices_of(wish.utterances, item, heard, self.model, self.config.data)
        heeded = self.heeding.told(heard)
        if not columns:
            return Answer([], ["Every movie is left out or already named, so nothing is left to recommend."], heeded)
        reasons = self.explainer.reasons(columns, item.exclude, heard.asked_genres)
        ranked = zip(columns, self._bars(scores[columns]), reasons, strict=True)
        return Answer(
            [
                Recommendation(
                    rank,
                    self.catalog[column],
                    float(scores[column]),
                    bar,
                    why,
                    next(name for least, name in STRENGTHS if bar >= least),
                )
                for rank, (column, bar, why) in enumerate(ranked, start=1)
            ],
            notices,
            heeded,
        )

    def contributions(self, wish: Wish, movie_ids: Sequence[int]) -> list[Contribution]:
        """What the scores of these movies for this wish are made of; four wishes in one batch."""
        popularity, movies, words, scores = shapley(wish, self._example, self._scores_of)
        refusals = above_average(-self.heeding.penalty(scores, hear(wish)))
        columns = self.catalog.indices(movie_ids)
        parts = torch.stack([popularity, movies, words, refusals])[:, columns].T.tolist()  # [N, 4]
        return [Contribution(movie_id, *row) for movie_id, row in zip(movie_ids, parts, strict=True)]

    def word_weights(self, wish: Wish, movie_id: int) -> list[WordWeight]:
        """Which words of the wish matter for a movie's score, at most 40; none for a model that reads no words."""
        if self.model.text is None:
            return []
        return word_weights(wish, self.catalog.index(movie_id), self._example, self._scores_of)

    def _example(self, wish: Wish) -> Example:
        return to_example(wish, self.config.protocol, self.catalog)

    def _items(self, examples: Sequence[Example]) -> list[Item]:
        return items_of(self.model, examples, self.catalog, self.config.data)

    def _scores_of(self, examples: Sequence[Example]) -> Tensor:
        return self.scores(self._items(examples))

    def _bars(self, scores: Tensor) -> list[float]:
        """Scores of a ranking -> strength beside the first: the ratio of probabilities (softmax), of independent
        probabilities (the binary losses) or of counts (the baselines)."""
        if not self.model.learns_by_gradient:
            strengths = scores
        elif self.config.loss.kind == "softmax":
            strengths = (scores - scores[0]).exp()
        else:
            strengths = scores.sigmoid()
        return (strengths / strengths[0].clamp(min=1e-12)).clamp(0, 1).tolist()
