"""The synthetic sample: reproducible, well-formed, and with a structure that can be learned."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue
from recommender.data.sample.dialogues import DECADE_WORDS, GENRE_WORDS, sample_dialogues
from recommender.data.sample.tastes import MIN_MOVIES, TASTES
from recommender.errors import DataError
from recommender.settings import ROOT

TINY = Catalog(
    [
        Movie(11, "Night Shift", 1984, ("comedy",), mentions=9),
        Movie(12, "Two Left Feet", 1988, ("comedy", "romance"), mentions=30),
        Movie(13, "The Cellar", 1995, ("horror",), mentions=25),
        Movie(14, "The Attic", 1997, ("horror", "mystery"), mentions=7),
        Movie(15, "Below the Stairs", 2004, ("horror", "thriller"), mentions=7),
        Movie(16, "Fog", None, ("horror",), mentions=1),
        Movie(111, "Red Orbit", 2011, ("sci-fi", "action"), mentions=40),
        Movie(112, "Silent Probe", 2016, ("sci-fi",), mentions=12),
        Movie(113, "Wedding Weather", 2002, ("comedy", "romance"), mentions=3),
        Movie(114, "Paper Crown", 1999, ("comedy", "family"), mentions=0),
        Movie(115, "Untitled Reel"),
        Movie(1111, "Lost Footage", 1990),
    ]
)
TINY_DIGEST = "d56253324aba7d8a6f2787b7a7b68e8aa126bf5aef8c0e6e64659076207bb578"


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return Catalog.load(ROOT / "recommender" / "assets" / "catalog.json")


def digest(dialogues: list[Dialogue]) -> str:
    lines = [
        f"{dialogue.dialogue_id} {message.role}: {message.text} {sorted(dialogue.names.items())}"
        for dialogue in dialogues
        for message in dialogue.messages
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def wish_of(dialogue: Dialogue) -> str:
    """What the seeker writes before the recommender's first movie."""
    written = []
    for message in dialogue.messages:
        if message.role == "recommender" and message.movie_ids:
            break
        if message.role == "seeker":
            written.append(message.text)
    return " ".join(written)


def liked_in(dialogue: Dialogue) -> set[int]:
    return {int(number) for number in re.findall(r"@(\d+)", wish_of(dialogue))}


def targets_of(dialogue: Dialogue) -> set[int]:
    recommended = {i for message in dialogue.messages if message.role == "recommender" for i in message.movie_ids}
    return recommended - liked_in(dialogue)


def check_well_formed(dialogue: Dialogue, catalog: Catalog) -> None:
    mentioned = {movie_id for message in dialogue.messages for movie_id in message.movie_ids}
    assert dialogue.names == {movie_id: catalog.by_id(movie_id).name for movie_id in mentioned}
    assert {message.role for message in dialogue.messages} == {"seeker", "recommender"}
    assert wish_of(dialogue), "the recommender names a movie before the seeker has written"
    assert len(targets_of(dialogue)) >= 3
    text = " ".join(message.text for message in dialogue.messages)
    assert "{" not in text
    assert "  " not in text


def test_the_same_seed_gives_the_same_dialogues_on_every_machine() -> None:
    """A change here changes every figure that was measured on the sample: update it on purpose only."""
    train, test = sample_dialogues(TINY, seed=3, train=20, test=5)
    assert digest(train + test) == TINY_DIGEST


def test_seeds_differ_and_a_smaller_training_split_is_the_beginning_of_a_larger_one() -> None:
    train, _ = sample_dialogues(TINY, seed=3, train=20, test=0)
    assert sample_dialogues(TINY, seed=3, train=8, test=4)[0] == train[:8]
    assert sample_dialogues(TINY, seed=4, train=20, test=0)[0] != train


def test_the_splits_have_the_sizes_asked_for_and_no_common_id() -> None:
    train, test = sample_dialogues(TINY, train=30, test=10)
    assert (len(train), len(test)) == (30, 10)
    assert len({dialogue.dialogue_id for dialogue in train + test}) == 40
    assert (train[0].dialogue_id, test[-1].dialogue_id) == ("sample-0001", "sample-0040")


genres = st.lists(st.sampled_from([*sorted(GENRE_WORDS), "western"]), max_size=3, unique=True).map(tuple)
movies = st.builds(
    lambda movie_id, year, genres, mentions: Movie(movie_id, f"Movie {movie_id}", year, genres, None, mentions),
    st.integers(1, 99_999),
    st.none() | st.integers(1920, 2020),
    genres,
    st.integers(0, 1000),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(movies, min_size=MIN_MOVIES, max_size=30, unique_by=lambda movie: movie.movie_id), st.integers(0, 99))
def test_any_catalogue_of_the_least_size_gives_well_formed_dialogues(listed: list[Movie], seed: int) -> None:
    catalog = Catalog(listed)
    for split in sample_dialogues(catalog, seed, train=6, test=2):
        for dialogue in split:
            check_well_formed(dialogue, catalog)


def test_a_catalogue_without_genres_gives_its_most_mentioned_movies() -> None:
    catalog = Catalog(Movie(i, f"Movie {i}", mentions=i) for i in range(1, 41))
    train, _ = sample_dialogues(catalog, train=50, test=0)
    named = {movie_id for dialogue in train for movie_id in dialogue.names}
    assert named == set(range(23, 41))


def test_too_few_movies_are_an_error_that_says_how_many_are_needed() -> None:
    with pytest.raises(DataError, match=r"at least 8 movies; this one holds 7"):
        sample_dialogues(Catalog(TINY[:7]))


def test_the_shipped_catalogue_has_movies_for_every_taste(shipped: Catalog) -> None:
    train, test = sample_dialogues(shipped)
    for dialogue in train + test:
        check_well_formed(dialogue, shipped)
    wishes = " ".join(wish_of(dialogue) for dialogue in train)
    wanted = {genre for genres, _ in TASTES for genre in genres}
    assert [genre for genre in sorted(wanted) if not any(word in wishes for word in GENRE_WORDS[genre])] == []
    assert wanted == set(GENRE_WORDS)


def test_either_role_may_write_first(shipped: Catalog) -> None:
    """So that a role taken from who writes first is wrong in most dialogues, as it is in ReDial."""
    train, _ = sample_dialogues(shipped)
    first = Counter(dialogue.messages[0].role for dialogue in train)
    assert 0.5 < first["recommender"] / len(train) < 0.7


def test_the_recommender_keeps_to_the_wish(shipped: Catalog) -> None:
    """A refused genre and a foreign decade come only with the few movies that are drawn by popularity."""
    train, _ = sample_dialogues(shipped)
    refused, decades = [], []
    for dialogue in train:
        wish, recommended = wish_of(dialogue), [shipped.by_id(i) for i in sorted(targets_of(dialogue))]
        for dislike in re.findall(r"(?:No|not another|tired of) ([\w-]+) (?:please|movie|films)", wish):
            refused += [dislike in movie.genres for movie in recommended]
        for decade, words in DECADE_WORDS.items():
            if any(word in wish for word in words):
                decades += [movie.year is not None and movie.year // 10 * 10 == decade for movie in recommended]
    assert len(refused) > 200
    assert sum(refused) / len(refused) < 0.08
    assert len(decades) > 100
    assert sum(decades) / len(decades) > 0.85


Scores = Mapping[int, float]


def recall_at_10(recommend: Callable[[Dialogue], Scores], dialogues: list[Dialogue]) -> float:
    """The mean over dialogues of targets found among the ten best, movies named in the wish taken out."""
    total = 0.0
    for dialogue in dialogues:
        scores, targets = recommend(dialogue), targets_of(dialogue)
        ranked = sorted(scores.keys() - liked_in(dialogue), key=lambda movie_id: (-scores[movie_id], movie_id))
        total += len(targets.intersection(ranked[:10])) / len(targets)
    return total / len(dialogues)


def counted_by(signals: Callable[[Dialogue], set[str]], train: list[Dialogue]) -> Callable[[Dialogue], Scores]:
    """A recommender that adds up, for each signal of a wish, the share of each movie among the signal's targets."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for dialogue in train:
        for signal in signals(dialogue):
            counts[signal].update(targets_of(dialogue))

    def recommend(dialogue: Dialogue) -> Scores:
        scores: dict[int, float] = defaultdict(float)
        for signal in sorted(signals(dialogue) & counts.keys()):
            for movie_id, count in counts[signal].items():
                scores[movie_id] += count / counts[signal].total()
        return scores

    return recommend


def taste_words(dialogue: Dialogue) -> set[str]:
    wordings = [word for words in (*GENRE_WORDS.values(), *DECADE_WORDS.values()) for word in words]
    return {word for word in wordings if re.search(rf"\b{word}\b", wish_of(dialogue))}


def liked_movies(dialogue: Dialogue) -> set[str]:
    return {str(movie_id) for movie_id in liked_in(dialogue)}


@pytest.mark.parametrize("seed", [0, 1])
def test_what_the_seeker_writes_beats_popularity_by_far(shipped: Catalog, seed: int) -> None:
    train, test = sample_dialogues(shipped, seed)
    popularity = recall_at_10(counted_by(lambda dialogue: {"any"}, train), test)
    assert 0.05 < popularity < 0.25
    assert recall_at_10(counted_by(taste_words, train), test) > 2.5 * popularity


def test_the_movies_a_seeker_names_beat_popularity_too(shipped: Catalog) -> None:
    train, test = sample_dialogues(shipped)
    naming = [dialogue for dialogue in test if liked_in(dialogue)]
    assert len(naming) > 50
    popularity = recall_at_10(counted_by(lambda dialogue: {"any"}, train), naming)
    assert recall_at_10(counted_by(liked_movies, train), naming) > 2 * popularity
