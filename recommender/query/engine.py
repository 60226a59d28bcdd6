"""Checkpoint + wish -> ranking. Loaded once and then only read, so that many sessions may share it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from rapidfuzz import process
from torch import Tensor

from recommender.data.catalog import Movie
from recommender.data.examples import Example
from recommender.device import choose_device
from recommender.errors import RecommenderError
from recommender.query.additions import load_added
from recommender.query.attribution import Contribution, WordWeight, above_average, shapley, word_weights
from recommender.query.explain import Explainer
from recommender.query.notices import applied_filters, notices_of
from recommender.query.refusals import with_stances
from recommender.query.titles import MAX_TITLE, TitleMatcher
from recommender.query.wish import Utterance, Wish, check_wish, clean_wish, facets_of, references, to_example
from recommender.ranking.ranker import Ranker
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run
from recommender.settings import Settings

# From which bar on, and what it is called. For half of the wishes of ReDial the second movie of `default` has a bar of
# 0.67 or more, the fifth 0.28, the tenth 0.12.
STRENGTHS = ((0.75, "Top match"), (0.4, "Strong match"), (0.2, "Good match"), (0.0, "Fair match"))


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One ranked movie. `score` is the sum of `parts` (see `RankedMovie`); `bar` is its strength beside the first
    movie's, 0..1, and `strength` the same in words."""

    rank: int
    movie: Movie
    score: float
    bar: float
    reasons: tuple[str, ...]
    strength: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """`notices` say what the user has to know: text that was cut, an empty ranking and why. `filters` say what was
    left out or ranked lower because the wish asked for it."""

    recommendations: list[Recommendation]
    notices: list[str]
    filters: list[str] = field(default_factory=list)


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
            self.model.add_movies(
                self.catalog, torch.from_numpy(added.vectors).to(self.device), self.trained.talked_about
            )
        self.source = run.status().source
        if self.model.text is not None:
            self.model.text.merge_lora()
        self.titles = TitleMatcher(self.catalog.movies)
        self.ranker = Ranker(self.model, self.device)
        self.explainer = Explainer(self.catalog, self.trained, settings, self.ranker.vectors)

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

    def lookup_all(self, titles: Iterable[str]) -> tuple[list[Movie], dict[str, str]]:
        """The movies with these titles, and the unknown titles with a sentence that names the nearest ones."""
        movies, unknown = [], {}
        for title in titles:
            try:
                movies.append(self.lookup(title))
            except RecommenderError as error:
                unknown[title] = str(error)
        return movies, unknown

    def recommend(self, wish: Wish, k: int = 10) -> Answer:
        """The best k movies that the wish does not name, exclude or refuse; fewer if the catalogue is smaller.

        Raises `RecommenderError` for k < 1 and for a wish with neither words nor movies.
        """
        if k < 1:
            raise RecommenderError(f"The number of movies must be at least 1, not {k}.")
        check_wish(wish)
        facets = facets_of(wish)
        prepared = self.ranker.prepare([self._example(wish)])
        [item] = prepared.items
        ranked = self.ranker.answer(prepared, k)
        filters = applied_filters(facets, self.ranker)
        if not ranked:
            return Answer([], ["Every movie is left out or already named, so nothing is left to recommend."], filters)
        reasons = self.explainer.reasons([movie.item for movie in ranked], item.named, facets.asked_genres)
        bars = self._bars(torch.tensor([movie.score for movie in ranked]))
        return Answer(
            [
                Recommendation(
                    rank,
                    self.catalog[movie.item],
                    movie.score,
                    bar,
                    why,
                    next(name for least, name in STRENGTHS if bar >= least),
                    movie.parts,
                )
                for rank, (movie, bar, why) in enumerate(zip(ranked, bars, reasons, strict=True), start=1)
            ],
            notices_of(wish.utterances, item, facets, self.model),
            filters,
        )

    def contributions(self, wish: Wish, movie_ids: Sequence[int]) -> list[Contribution]:
        """What the scores of these movies for this wish are made of; four wishes in one batch."""
        popularity, movies, words, scores = shapley(wish, self._example, self.ranker.scores)
        refusals = above_average(-self.ranker.penalty(scores, self._example(wish)))
        items = self.catalog.indices(movie_ids)
        parts = torch.stack([popularity, movies, words, refusals])[:, items].T.tolist()  # [N, 4]
        return [Contribution(movie_id, *row) for movie_id, row in zip(movie_ids, parts, strict=True)]

    def word_weights(self, wish: Wish, movie_id: int) -> list[WordWeight]:
        """Which words of the wish matter for a movie's score, at most 40; none for a model that reads no words."""
        if self.model.text is None:
            return []
        return word_weights(wish, self.catalog.index(movie_id), self._example, self.ranker.scores)

    def _example(self, wish: Wish) -> Example:
        return to_example(wish, self.config.protocol, self.catalog)

    def _bars(self, scores: Tensor) -> list[float]:
        """Scores of a ranking -> strength beside the first: the ratio of probabilities (softmax), of independent
        probabilities (the binary losses) or of counts (the baselines)."""
        if not self.config.model.learns:
            strengths = scores
        elif self.config.loss.one_distribution:
            strengths = (scores - scores[0]).exp()
        else:
            strengths = scores.sigmoid()
        return (strengths / strengths[0].clamp(min=1e-12)).clamp(0, 1).tolist()
