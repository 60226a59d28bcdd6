"""Files that list movies, of every age and maker, and the catalogue of a data set's own movies."""

from pathlib import Path

import pandas as pd
import pytest

from recommender.data.catalog import Movie
from recommender.data.movie_files import movie_file_beside, own_catalog, read_movie_file
from recommender.errors import DataError

FLAGS = "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"  # animation, children's, comedy
FORMS = {
    "movies.csv": 'movieId,title,genres\n1,"Matrix, The (1999)",Animation|Children|Comedy\n',
    "movies.tsv": "id\tname\tgenre\n1\tMatrix, The (1999)\tAnimation;Children's;Comedy\n",
    "movies.dat": "1::Matrix, The (1999)::Animation|Children's|Comedy\n",
    "u.item": f"1|Matrix, The (1999)|01-Jan-1999||http://us.imdb.com/M/title-exact?x|{FLAGS}\n",
    "ml.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "1\tMatrix, The\t1999\tAnimation Children's Comedy\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_id_title_year_and_genres(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name])
    [row] = read_movie_file(path).rows.itertuples(index=False, name=None)
    assert row == (1, "Matrix, The", 1999, ("animation", "family", "comedy"))
    ratings = tmp_path / ("ml.inter" if name == "ml.item" else "ratings.csv")
    assert movie_file_beside(ratings) == path
    assert list(own_catalog(ratings)) == [Movie(1, "The Matrix", 1999, ("animation", "family", "comedy"))]


def test_gaps_are_filled_or_told(tmp_path: Path) -> None:
    path = tmp_path / "movies.csv"
    path.write_text(
        "movieId,title,genres\n1,One (1990),\n2,,Drama\n"
        "3,Three,(no genres listed)\nx,Four,Drama\n1,Again,War\n5,Five,IMAX\n"
    )
    found = read_movie_file(path)
    assert found.rows["movie_id"].tolist() == [1, 3, 5]
    assert found.rows["genres"].tolist() == [(), (), ()]
    assert found.problems == ["movies.csv:3: no title", "movies.csv:5: a movieId that is no whole number"]


def test_genres_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId;title\n1;One (1990)\n")
    assert read_movie_file(tmp_path / "movies.csv").rows["genres"].tolist() == [()]


def test_latin_1_titles_are_read(tmp_path: Path) -> None:
    (tmp_path / "movies.dat").write_bytes("1::Misérables, Les (1995)::Drama\n".encode("latin-1"))
    assert read_movie_file(tmp_path / "movies.dat").rows["title"].tolist() == ["Misérables, Les"]


@pytest.mark.parametrize("head", ["number,word", "movieId,description"])
def test_other_columns_are_an_error_with_file_and_line(head: str, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text(f"{head}\n1,One\n")
    with pytest.raises(DataError, match=r"movies\.csv:1: lacks the column"):
        read_movie_file(tmp_path / "movies.csv")


def test_the_list_that_belongs_to_the_ratings_is_taken(tmp_path: Path) -> None:
    for name in ("movies.csv", "a.item", "b.item"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "movies.parquet").touch()
    assert movie_file_beside(tmp_path / "b.inter") == tmp_path / "b.item"
    assert movie_file_beside(tmp_path / "u.data") == tmp_path / "movies.csv"
    with pytest.raises(DataError, match=r"no file in its folder lists them. Expected is one of movies\.csv"):
        own_catalog(tmp_path.parent / "ratings.csv")


def test_a_list_without_movies_is_no_catalogue(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n")
    with pytest.raises(DataError, match=r"movies\.csv lists no movie"):
        own_catalog(tmp_path / "ratings.csv")


def test_parquet_lists_movies_too(tmp_path: Path) -> None:
    pd.DataFrame({"movieId": [1], "title": ["One (1990)"], "genres": ["War"]}).to_parquet(tmp_path / "movies.parquet")
    assert read_movie_file(tmp_path / "movies.parquet").rows["year"].tolist() == [1990]
