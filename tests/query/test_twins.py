"""One movie, two entries: the same title and year, or the title alone."""

from recommender.data.catalog import Catalog, Movie
from recommender.query.twins import Twins


def stands_for(*movies: tuple[str, int | None, int]) -> dict[int, int]:
    """(title, year, mentions) -> column of an entry: column of the one that stands for it."""
    return Twins(Catalog(Movie(i, title, year, mentions=n) for i, (title, year, n) in enumerate(movies))).stands_for


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
