"""What a wish refuses is left out or ranked lower, and of two entries of a movie one is shown."""

import pytest
import torch
from torch import Tensor

from recommender.data.catalog import Catalog, Movie
from recommender.data.examples import Example
from recommender.ranking.adjustments import PUSH, Adjustments, duplicates


def asking(
    mentioned: tuple[int, ...] = (),
    seen: tuple[int, ...] = (),
    refused: tuple[int, ...] = (),
    genres: tuple[str, ...] = (),
) -> Example:
    return Example("e", "d", 0, "", mentioned, seen=seen, refused=refused, refused_genres=genres)


@pytest.fixture
def line() -> tuple[Adjustments, Tensor]:
    """Thirty movies on a quarter circle: movie 0 at 0 degrees, movie 29 at 87; a tenth of them are near."""
    angles = torch.deg2rad(torch.arange(30) * 3.0)
    return Adjustments(Catalog(Movie(i, f"Movie {i}") for i in range(30))), torch.stack([angles.cos(), angles.sin()], 1)


def test_the_nearest_movies_lose_by_their_nearness(line: tuple[Adjustments, Tensor]) -> None:
    """The third nearest marks the edge: it loses nothing, like all beyond."""
    adjustments, vectors = line
    scores = torch.arange(30.0)
    cosines = torch.cos(torch.deg2rad(torch.tensor([0.0, 3.0, 6.0, 9.0])))
    expected = PUSH * scores.std(correction=0) * (cosines - cosines[3]) / (1 - cosines[3])
    lost = adjustments.penalty(scores, [0], vectors)
    torch.testing.assert_close(lost[:4], expected, atol=1e-4, rtol=1e-4)
    assert lost[4:].count_nonzero() == 0
    assert lost[0] == pytest.approx(2 * float(scores.std(correction=0)), rel=1e-4)


def test_of_several_refused_movies_the_nearest_counts(line: tuple[Adjustments, Tensor]) -> None:
    adjustments, vectors = line
    scores = torch.arange(30.0)
    one, other = (adjustments.penalty(scores, [movie], vectors) for movie in (0, 2))
    assert torch.equal(adjustments.penalty(scores, [0, 2], vectors), torch.maximum(one, other))


def test_nothing_is_lost_without_a_refusal_or_a_space(line: tuple[Adjustments, Tensor]) -> None:
    adjustments, vectors = line
    scores = torch.arange(30.0)
    assert adjustments.penalty(scores, [], vectors).count_nonzero() == 0
    assert adjustments.penalty(scores, [0], None).count_nonzero() == 0


def test_a_catalogue_of_one_movie_is_enough() -> None:
    alone = Adjustments(Catalog([Movie(7, "Alone")]))
    assert alone.penalty(torch.ones(1), [0], torch.ones(1, 1)).shape == (1,)


def test_named_movies_are_told_from_what_is_refused_each_with_its_other_entry() -> None:
    movies = [
        Movie(10, "Up", 2009, ("animation",), mentions=5),
        Movie(11, "Up", None, (), mentions=1),
        Movie(12, "Saw", 2004, ("horror",), mentions=9),
        Movie(13, "Saw", 2004, ("horror",), mentions=2),
        Movie(14, "Big", 1988, ("comedy",)),
        Movie(15, "Scream", 1996, ("horror", "comedy")),
    ]
    adjustments = Adjustments(Catalog(movies))

    def of(example: Example) -> tuple[set[int], set[int], tuple[int, ...]]:
        named, left_out, refused = adjustments.of(example)
        return set(named), set(left_out), refused

    assert set(adjustments.stands_for) == {1, 3}
    assert of(asking()) == (set(), set(), ())
    assert of(asking((11,))) == ({0, 1}, set(), ())
    assert of(asking(seen=(14,), refused=(13,))) == ({2, 3, 4}, {2, 3}, (3,))
    assert of(asking(genres=("horror",))) == (set(), {2, 3, 5}, ())
    assert of(asking(genres=("comedy", "war"))) == (set(), {4, 5}, ())


def stands_for(*movies: tuple[str, int | None, int]) -> dict[int, int]:
    """(title, year, mentions) -> item of an entry: item of the one that stands for it."""
    return duplicates(Catalog(Movie(i, title, year, mentions=n) for i, (title, year, n) in enumerate(movies)))


def test_the_better_known_entry_stands_for_both() -> None:
    assert stands_for(("The Matrix", 1999, 5), ("Matrix", 1999, 9), ("Up", 2009, 1)) == {0: 1}


def test_a_title_without_a_year_belongs_to_the_best_known_of_that_title() -> None:
    mummies = [("The Mummy", None, 1), ("The Mummy", 1999, 22), ("The Mummy", 2017, 41), ("The Mummy", 1932, 1)]
    assert stands_for(*mummies) == {0: 2}


def test_a_yearless_entry_may_be_the_better_known_one() -> None:
    assert stands_for(("Godfather", 1972, 3), ("The Godfather", None, 12), ("Godfather", 1991, 2)) == {0: 1}


def test_remakes_and_titles_without_letters_are_no_twins() -> None:
    assert stands_for(("It", 1990, 5), ("It", 2017, 9), ("!!!", 2000, 1), ("???", 2000, 1)) == {}


def test_of_two_equally_known_the_first_stands() -> None:
    assert stands_for(("Up", 2009, 1), ("Up", 2009, 1), ("Up", None, 1)) == {1: 0, 2: 0}
