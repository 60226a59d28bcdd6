"""What a wish refuses is left out or pushed down, by what the docstring says, and told."""

import pytest
import torch

from recommender.data.catalog import Catalog, Movie
from recommender.query.heeding import PUSH, Heeding
from recommender.query.wish import Heard

NOTHING = Heard((), (), (), (), (), ())


def heard(
    liked: tuple[int, ...] = (),
    seen: tuple[int, ...] = (),
    refused: tuple[int, ...] = (),
    genres: tuple[str, ...] = (),
) -> Heard:
    return Heard(liked, seen, refused, genres, (), ())


@pytest.fixture
def line() -> Heeding:
    """Thirty movies on a quarter circle: movie 0 at 0 degrees, movie 29 at 87; a tenth of them are near."""
    angles = torch.deg2rad(torch.arange(30) * 3.0)
    return Heeding(Catalog(Movie(i, f"Movie {i}") for i in range(30)), torch.stack([angles.cos(), angles.sin()], dim=1))


def test_the_nearest_movies_lose_by_their_nearness(line: Heeding) -> None:
    """The third nearest marks the edge: it loses nothing, like all beyond."""
    scores = torch.arange(30.0)
    cosines = torch.cos(torch.deg2rad(torch.tensor([0.0, 3.0, 6.0, 9.0])))
    expected = PUSH * scores.std(correction=0) * (cosines - cosines[3]) / (1 - cosines[3])
    lost = line.penalty(scores, heard(refused=(0,)))
    torch.testing.assert_close(lost[:4], expected, atol=1e-4, rtol=1e-4)
    assert lost[4:].count_nonzero() == 0
    assert lost[0] == pytest.approx(2 * float(scores.std(correction=0)), rel=1e-4)


def test_of_several_refused_movies_the_nearest_counts(line: Heeding) -> None:
    scores = torch.arange(30.0)
    one, other = (line.penalty(scores, heard(refused=(movie,))) for movie in (0, 2))
    assert torch.equal(line.penalty(scores, heard(refused=(0, 2))), torch.maximum(one, other))


def test_nothing_is_pushed_without_a_refusal_or_a_space(line: Heeding) -> None:
    scores = torch.arange(30.0)
    assert line.penalty(scores, heard(liked=(0,), seen=(1,), genres=("horror",))).count_nonzero() == 0
    assert Heeding(line.catalog, None).penalty(scores, heard(refused=(0,))).count_nonzero() == 0


def test_a_catalogue_of_one_movie_is_enough() -> None:
    alone = Heeding(Catalog([Movie(7, "Alone")]), torch.ones(1, 1))
    assert alone.penalty(torch.ones(1), heard(refused=(7,))).shape == (1,)


def test_named_movies_their_twins_and_refused_genres_are_left_out() -> None:
    movies = [
        Movie(10, "Up", 2009, ("animation",), mentions=5),
        Movie(11, "Up", None, (), mentions=1),
        Movie(12, "Saw", 2004, ("horror",), mentions=9),
        Movie(13, "Saw", 2004, ("horror",), mentions=2),
        Movie(14, "Big", 1988, ("comedy",)),
        Movie(15, "Scream", 1996, ("horror", "comedy")),
    ]
    heeding = Heeding(Catalog(movies), None)
    assert set(heeding.left_out(NOTHING)) == {1, 3}
    assert set(heeding.left_out(heard(liked=(11,)))) == {0, 1, 3}
    assert set(heeding.left_out(heard(seen=(14,), refused=(13,)))) == {1, 2, 3, 4}
    assert set(heeding.left_out(heard(genres=("horror",)))) == {1, 2, 3, 5}
    assert set(heeding.left_out(heard(genres=("comedy", "war")))) == {1, 3, 4, 5}


def test_what_was_heeded_is_told(small_catalog: Catalog) -> None:
    heeding = Heeding(small_catalog, torch.eye(12))
    assert heeding.told(heard(liked=(20,))) == []
    assert heeding.told(heard(genres=("horror",))) == ["Left out because you asked for no horror: 3 movies."]
    assert heeding.told(heard(genres=("horror", "family", "war"))) == [
        "Left out because you asked for no horror, family or war: 4 movies."
    ]
    assert heeding.told(heard(genres=("family",))) == ["Left out because you asked for no family: 1 movie."]
    assert heeding.told(heard(refused=(30,))) == ["The Cellar Door (1995) is left out, movies like it are pushed down."]
    assert heeding.told(heard(refused=(30, 20), seen=(51,))) == [
        "The Cellar Door (1995) and Iron Comet (1982) are left out, movies like them are pushed down.",
        "Left out because you have seen it: Lost Footage.",
    ]
    assert heeding.told(heard(seen=(30, 20, 51, 42, 60))) == [
        "Left out because you have seen them: The Cellar Door (1995), Iron Comet (1982), Lost Footage and 2 more."
    ]


def test_a_model_without_a_space_promises_no_more_than_it_does(small_catalog: Catalog) -> None:
    assert Heeding(small_catalog, None).told(heard(refused=(30,))) == ["The Cellar Door (1995) is left out."]
