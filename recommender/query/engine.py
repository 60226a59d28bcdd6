"""Checkpoint + wish -> ranking. Loaded once and then only read, so that many sessions may share it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from rapidfuzz import process
from torch import Tensor

from recommender.checkpoints import load_checkpoint
from recommender.data.catalog import Movie
from recommender.data.collate import Item, collate, to_items
from recommender.device import choose_device
from recommender.errors import RecommenderError
from recommender.evaluation.metrics import top_k
from recommender.evaluation.ranking import to_device
from recommender.query.explain import NEGATION, Explainer
from recommender.query.titles import TitleMatcher
from recommender.query.wish import Utterance, Wish, check_wish, clean_wish, references, to_example, without_titles
from recommender.runs import Run
from recommender.settings import Settings


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One ranked movie. `score` is the model's own; `bar` is 0..1, its strength beside the first movie's."""

    rank: int
    movie: Movie
    score: float
    bar: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """`notices` say what the user has to know: text that was cut, an empty ranking and why."""

    recommendations: list[Recommendation]
    notices: list[str]


class Engine:
    """Answers wishes with one run. Raises `CheckpointError` if the run cannot be loaded."""

    def __init__(self, run: Run, settings: Settings) -> None:
        self.run, self.settings = run, settings
        self.device = choose_device(settings)
        checkpoint = load_checkpoint(run, self.device)
        self.config, self.catalog, self.model = checkpoint.config, checkpoint.catalog, checkpoint.model
        self.source = run.status().source
        if self.model.text is not None:
            self.model.text.merge_lora()
        self.titles = TitleMatcher(self.catalog.movies)
        self.explainer = Explainer(self.catalog, settings, self.model.movie_vectors())

    def read(self, text: str, shown: Sequence[Movie] = ()) -> tuple[Utterance, list[str]]:
        """Typed text -> the utterance with the movies it names, and notices. `shown` is the ranking on the screen, for
        words like "the second one"."""
        text, notices = clean_wish(text, self.settings.max_wish_chars)
        pointed = references(text, shown)
        named = [m for m in self.titles.find(text) if not any(m.start < p.end and p.start < m.end for p in pointed)]
        return Utterance(text, tuple(sorted([*pointed, *named], key=lambda match: match.start))), notices

    def lookup(self, title: str) -> Movie:
        """The movie with this title. Raises `RecommenderError` that names the nearest ones."""
        found = self.titles.lookup(title)
        if not found:
            near = process.extract(title, [movie.name for movie in self.catalog], limit=3)
            names = ", ".join(name for name, _, _ in near)
            raise RecommenderError(f"No movie in the catalogue is called {title!r}. The nearest are: {names}.")
        return found[0]

    @torch.inference_mode()
    def scores(self, item: Item) -> Tensor:
        """One wish -> scores [V]: the same batch and forward as in training."""
        scores: Tensor = self.model(to_device(collate([item]), self.device))
        return scores[0].float()

    def _notices(self, item: Item, text: str) -> list[str]:
        """What the model does not read or heed of this wish, in words for the user."""
        limits, notices = self.config.data, []
        if len(item.tokens) >= limits.max_tokens:
            notices.append(
                f"A long wish: this model read only the {limits.keep_tokens} {limits.max_tokens} word pieces."
            )
        if len(item.exclude) > len(item.mentioned):
            notices.append(f"Many movies: this model goes by the {limits.keep_mentioned} {limits.max_mentioned}.")
        if self.model.text is None and not item.mentioned:
            notices.append("This model goes by the movies you name, not by your words: name one or two that you like.")
        if NEGATION.search(text.lower()):
            notices.append("The model reads words of refusal, but nothing is left out because of them yet.")
        return notices

    def recommend(self, wish: Wish, k: int = 10) -> Answer:
        """The best k movies that the wish does not name or exclude; fewer if the catalogue is smaller.

        Raises `RecommenderError` for k < 1 and for a wish with neither words nor movies.
        """
        if k < 1:
            raise RecommenderError(f"The number of movies must be at least 1, not {k}.")
        check_wish(wish)
        example = to_example(wish, self.config.protocol, self.catalog)
        item = to_items([example], self.catalog, self.config.data, self.model.tokenize)[0]
        scores = self.scores(item)
        mentioned = item.exclude
        named = [match.movie.movie_id for utterance in wish.utterances for match in utterance.matches]
        left_out = [*mentioned, *self.catalog.indices([*named, *wish.excluded])]
        exclude = torch.tensor([left_out or [-1]], device=scores.device)
        ranking = top_k(scores.unsqueeze(0), min(k, len(self.catalog)), exclude)[0]
        indices = [index for index in ranking.tolist() if index >= 0]
        if not indices:
            return Answer([], ["Every movie of the catalogue is excluded or already named, so nothing is left."])
        text = ". ".join(without_titles(utterance) for utterance in wish.utterances)
        bars = self._bars(scores[indices])
        return Answer(
            [
                Recommendation(rank, self.catalog[i], float(scores[i]), bar, self.explainer.reasons(i, mentioned, text))
                for rank, (i, bar) in enumerate(zip(indices, bars, strict=True), start=1)
            ],
            self._notices(item, text),
        )

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
