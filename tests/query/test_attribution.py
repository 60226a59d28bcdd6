"""The parts of a score: they add up to it, each is what its definition says, and a word counts for what it changes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from recommender.data.catalog import Movie
from recommender.data.examples import Example, Stance
from recommender.query.attribution import MOST_WORDS, only_movies, only_words, shapley, word_weights
from recommender.query.engine import Engine
from recommender.query.titles import Match
from recommender.query.wish import Utterance, Wish
from recommender.settings import Settings
from tests.query.test_engine import make_run, said


def named(text: str, title: str, movie_id: int, stance: Stance = "liked") -> Match:
    start = text.index(title)
    return Match(start, start + len(title), title, Movie(movie_id, title), 1.0, (), stance)


TEXT = "like Up but not Saw"
WISH = Wish((Utterance(TEXT, (named(TEXT, "Up", 1), named(TEXT, "Saw", 2, "refused"))), Utterance("scary")), (3,), (4,))


def test_the_words_keep_what_is_not_liked() -> None:
    [first, second] = only_words(WISH).utterances
    assert (first.text, second.text) == ("like    but not Saw", "scary")
    assert [match.movie.movie_id for match in first.matches] == [2]
    assert only_words(WISH).liked == ()


def test_the_movies_keep_only_what_is_liked() -> None:
    movies = only_movies(WISH)
    [utterance] = movies.utterances
    assert (utterance.text.split(), movies.liked) == (["Up"], (3,))
    [match] = utterance.matches
    assert (match.movie.movie_id, utterance.text[match.start : match.end]) == (1, "Up")


def test_a_wish_of_one_part_has_no_other() -> None:
    assert only_movies(Wish((Utterance("scary"),))) == Wish()
    assert only_words(Wish((Utterance("Up", (named("Up", "Up", 1),)),))) == Wish()


def by_hand(wish: Wish) -> Example:
    return Example(
        "",
        "",
        0,
        " ".join(u.text for u in wish.utterances),
        tuple(m.movie.movie_id for u in wish.utterances for m in u.matches),
    )


def test_the_shapley_values_by_hand() -> None:
    """Two movies. Of the first, the words alone add 2, the movie alone 4, both together 10: words 4, movie 6."""
    values = {(False, False): 1.0, (True, False): 3.0, (False, True): 5.0, (True, True): 11.0}

    def scores(examples: list[Example]) -> Tensor:
        rows = [values["funny" in example.text, "Up" in example.text] for example in examples]
        return torch.tensor([[2 * row, 0.0] for row in rows])  # above the average: row and -row

    wish = Wish((Utterance("funny Up", (named("funny Up", "Up", 1),)),))
    popularity, movies, words, both = shapley(wish, by_hand, scores)
    assert [part.tolist() for part in (popularity, movies, words, both)] == [[1, -1], [6, -6], [4, -4], [11, -11]]


@pytest.fixture(scope="module")
def texts() -> st.SearchStrategy[list[str]]:
    parts = [
        "scary",
        "like Iron Comet",
        "I hated The Cellar Door",
        "no horror",
        "and",
        "Paper Crown",
        "seen Lantern",
        "?",
    ]
    return st.lists(st.lists(st.sampled_from(parts), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=2)


@pytest.mark.parametrize("kind", ["attention", "gru and lora", "item-knn", "popularity"])
def test_the_parts_add_up_to_the_score_above_the_average(
    kind: str, world: Settings, tiny_encoder: str, texts: st.SearchStrategy[list[str]]
) -> None:
    engine = Engine(make_run(kind, world, tiny_encoder), world)
    every = [movie.movie_id for movie in engine.catalog]

    @given(texts, st.lists(st.sampled_from(every), max_size=2), st.lists(st.sampled_from(every), max_size=2))
    def check(messages: list[str], liked: list[int], disliked: list[int]) -> None:
        wish = said(engine, "well", *messages, liked=liked, disliked=disliked)
        example = engine._example(wish)
        scores = engine.ranker.scores([example])[0]
        scores = scores - engine.ranker.penalty(scores, example)
        expected = (scores - scores.mean()).tolist()
        assert [part.total for part in engine.contributions(wish, every)] == pytest.approx(expected, abs=1e-4)
        for item in engine.recommend(wish, 12).recommendations:
            assert item.score == pytest.approx(float(scores[engine.catalog.index(item.movie.movie_id)]), abs=1e-4)
            assert sum(item.parts.values()) == pytest.approx(item.score, abs=1e-4)

    check()


@pytest.mark.parametrize("kind", ["item-knn", "popularity"])
def test_words_count_nothing_for_a_model_that_reads_none(kind: str, world: Settings, tiny_encoder: str) -> None:
    engine = Engine(make_run(kind, world, tiny_encoder), world)
    wish = said(engine, "something scary like Iron Comet")
    assert {part.words for part in engine.contributions(wish, [30, 1234])} == {0.0}
    assert engine.word_weights(wish, 30) == []


@pytest.fixture
def engine(world: Settings, tiny_encoder: str) -> Engine:
    return Engine(make_run("attention", world, tiny_encoder), world)


def test_without_a_refusal_nothing_is_taken_off(engine: Engine) -> None:
    [part] = engine.contributions(said(engine, "scary, like Iron Comet"), [30])
    assert part.refusals == 0
    assert part.words != 0
    assert part.movies != 0


def test_a_word_counts_for_what_it_changes(engine: Engine) -> None:
    """Words and titles in the order of the text; "scary" by hand from two answers."""
    wish = said(engine, "a scary one, 3 like Iron Comet", "don't know")
    found = engine.word_weights(wish, 30)
    joined = "a scary one, 3 like Iron Comet don't know"
    assert [weight.word for weight in found] == ["a", "scary", "one", "like", "Iron Comet", "don't", "know"]
    assert all(joined[weight.start :].startswith(weight.word) for weight in found)
    [whole], [without] = (
        engine.contributions(each, [30])
        for each in (wish, said(engine, "a       one, 3 like Iron Comet", "don't know"))
    )
    assert found[1].change == pytest.approx(whole.total - without.total, abs=1e-4)


def test_a_title_left_out_keeps_its_mention(engine: Engine) -> None:
    seen: list[tuple[tuple[int, ...], ...]] = []

    def scores(examples: list[Example]) -> Tensor:
        seen.extend((example.mentioned, example.said[0].mentioned) for example in examples)
        return torch.zeros(len(examples), 2)

    wish = said(engine, "Iron Comet or Paper Crown")
    word_weights(wish, 0, engine._example, scores)
    assert seen == [((20, 42), (20, 42))] * 4


def test_of_a_long_wish_the_last_words_are_weighed(engine: Engine) -> None:
    found = engine.word_weights(said(engine, "zero " + "very " * 59 + "last"), 30)
    assert len(found) == MOST_WORDS
    assert found[-1].word == "last"
    assert found[-1].start == 5 + 59 * 5
