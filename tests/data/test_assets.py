"""The shipped assets: what is built from a data folder, and that files of another catalogue are refused."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.data.assets import (
    COUNTS_FILE,
    VECTORS_FILE,
    MovieInfo,
    build_catalog,
    count_follows,
    load_arrays,
    movie_text,
    read_info,
    save_arrays,
)
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue, Message
from recommender.errors import DataError
from recommender.prepare import prepare
from recommender.settings import ROOT, Settings

ASSETS = ROOT / "recommender" / "assets"


def write_folder(folder: Path, info: dict[str, Any] | None = None) -> None:
    rows = [
        "movieId,movieName,nbMentions",
        "20,Iron Comet (1982),5",
        '30,"Cellar, The  (1995)",1',
        "40,,0",
        "50,Undated,2",
    ]
    (folder / "movies_with_mentions.csv").write_text("\n".join(rows) + "\n")
    if info is not None:
        (folder / "movie_info.json").write_text(json.dumps(info))


def test_the_catalogue_is_put_together_from_every_source(tmp_path: Path) -> None:
    facts = {
        "20": {"name": "Iron Comet (1982)", "genre": ["Sci-Fi", "Action"], "imdb_id": "tt0000009"},
        "50": {"name": "Undated (2001)", "genre": None},
    }
    write_folder(tmp_path, facts)
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n7,Comet of Iron (1970),Drama\n8,Undated (2001),Comedy\n"
    )
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n7,0000009,1\n")
    said = [Message("seeker", "@20 @20"), Message("recommender", "@30, @20 and @99")]
    dialogue = Dialogue("d", tuple(said), {40: "Declared (1977)"})
    catalog = build_catalog(tmp_path, read_info(tmp_path), [dialogue])
    assert list(catalog) == [
        Movie(20, "Iron Comet", 1982, ("sci-fi", "action", "drama"), 7, 2),
        Movie(30, "Cellar, The", 1995, (), None, 1),
        Movie(40, "Declared", 1977, (), None, 0),
        Movie(50, "Undated", 2001, ("comedy",), 8, 0),
    ]


def test_facts_of_another_movie_are_not_taken(tmp_path: Path) -> None:
    facts = {"20": {"name": "Iron Comet (1982)", "genre": ["Drama"], "plot": "Two brothers.", "imdb_id": "tt0000009"}}
    write_folder(tmp_path, facts)
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n7,Goodfellas (1990),Crime\n8,Iron Comet (1982),War\n")
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n7,0000009,1\n8,0000010,1\n")
    info = read_info(tmp_path)
    assert info == {20: MovieInfo(name="Iron Comet (1982)")}
    assert build_catalog(tmp_path, info, [])[0] == Movie(20, "Iron Comet", 1982, ("war",), 8, 0)


def test_a_folder_without_the_list_of_movies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no movies_with_mentions\.csv"):
        build_catalog(tmp_path, {}, [])


def test_movie_info_is_read_with_its_gaps(tmp_path: Path) -> None:
    row = {"name": "A &amp; B (1990)", "genre": ["Drama"], "plot": " Two\nmeet. ", "director": ["X"],
           "star": ["Y", "X"], "writer": None, "imdb_id": "tt1"}  # fmt: skip
    write_folder(tmp_path, {"20": row, "30": {}})
    assert read_info(tmp_path) == {
        20: MovieInfo(("drama",), "Two meet.", ("X", "Y"), "tt0000001", "A & B (1990)"),
        30: MovieInfo(),
    }
    assert read_info(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object of movies, found list"),
        ('{"x": {}}', "at movie 'x'"),
        ('{"20": 3}', "at movie '20': expected an object, found int"),
        ('{"20": {"genre": [3]}}', "genre is no list of texts"),
        ('{"20": {"genre": "drama"}}', "genre is no list of texts: 'drama'"),
        ('{"20": {"plot": 7}}', "plot is no text: 7"),
        ('{"20": {"imdb_id": "no"}}', "an imdb_id that is no number"),
    ],
)
def test_damaged_movie_info_is_an_error_that_names_file_and_movie(content: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "movie_info.json").write_text(content)
    with pytest.raises(DataError, match=rf"movie_info\.json(:1)? is damaged.*{problem}"):
        read_info(tmp_path)


def test_a_list_without_movies_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "movies_with_mentions.csv").write_text("movieId,movieName,nbMentions\n")
    with pytest.raises(DataError, match=r"movies_with_mentions\.csv lists no movie"):
        build_catalog(tmp_path, {}, [])


@pytest.mark.parametrize("number", [133093, "133093", "tt0133093", "0133093"])
def test_imdb_ids_come_in_any_form(number: int | str, tmp_path: Path) -> None:
    (tmp_path / "movie_info.json").write_text(json.dumps({"20": {"imdb_id": number}}), encoding="utf-8-sig")
    assert read_info(tmp_path)[20].imdb_id == "tt0133093"


@pytest.mark.parametrize(
    ("raw", "titles"),
    [
        ("\ufeffmovieId,movieName\n20,Up (2009)\n".encode(), ["Up"]),
        ("movieId,movieName\n20,Amélie (2001)\n".encode("latin-1"), ["Amélie"]),
        (b"movieId;title;more\n20;Up (2009);1\n", ["Up"]),
        (b"movieId,movieName\n20,Up (2009)\ntwenty,Heat (1995)\n30,A (1990)\n", ["Up", "A"]),
    ],
)
def test_the_list_of_movies_is_read_in_any_form(raw: bytes, titles: list[str], tmp_path: Path) -> None:
    (tmp_path / "movies_with_mentions.csv").write_bytes(raw)
    assert [movie.title for movie in build_catalog(tmp_path, {}, [])] == titles


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("movies_with_mentions.csv", "number,word\n20,Up\n", "csv:1: lacks the column movieId"),
        ("movies_with_mentions.csv", "movieId,movieName\nx,Up\n", "csv:2: a movieId that is no whole number"),
        ("movies.csv", "a,b\n1,2\n", r"movies\.csv:1: lacks the column movieId"),
        ("links.csv", "", "is empty"),
        ("links.csv", "movieId,tmdbId\n7,1\n", r"links\.csv:1: lacks the column imdbId"),
        ("links.csv", "movieId,imdbId\n7,x\n", r"links\.csv:2: an imdbId that is no number"),
    ],
)
def test_tables_that_cannot_be_used_are_an_error_with_file_and_line(
    name: str, raw: str, told: str, tmp_path: Path
) -> None:
    write_folder(tmp_path)
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n7,Up (2009),Drama\n")
    (tmp_path / name).write_text(raw)
    with pytest.raises(DataError, match=told):
        build_catalog(tmp_path, {}, [])


def test_a_header_alone_links_nothing(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "movies.csv").write_text("movieId,title\n8,Undated (2001)\n")
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n")
    assert len(build_catalog(tmp_path, {}, [])) == 4


def test_a_movie_s_text_holds_what_is_known() -> None:
    movie = Movie(20, "Iron Comet", 1982, ("sci-fi", "action"))
    info = MovieInfo(plot="A comet.", people=("A", "B", "C", "D", "E", "F", "G"))
    assert movie_text(movie, info) == "Iron Comet (1982). sci-fi, action. A, B, C, D, E, F. A comet."
    assert movie_text(Movie(51, "Lost Footage"), MovieInfo()) == "Lost Footage"


def test_follows_are_counted_by_hand(dialogue: Dialogue, small_catalog: Catalog) -> None:
    """1234, then the recommender's 20 and 30 in one message, then its 40 (the second 20 is no recommendation)."""
    counts = count_follows([dialogue, dialogue], small_catalog)
    ids = [movie.movie_id for movie in small_catalog]
    pairs = {
        (ids[before], ids[after]): int(count)
        for before, after, count in zip(counts["before"], counts["after"], counts["count"], strict=True)
    }
    assert pairs == {(1234, 20): 2, (1234, 30): 2, (1234, 40): 2, (20, 40): 2, (30, 40): 2}
    assert {array.dtype for array in counts.values()} == {np.dtype(np.int32)}
    order = list(zip(counts["before"].tolist(), counts["after"].tolist(), strict=True))
    assert order == sorted(order)


def test_no_dialogue_with_two_movies_gives_no_counts(small_catalog: Catalog) -> None:
    silent = Dialogue("d", (Message("recommender", "@20"), Message("seeker", "@30")))
    assert {name: len(array) for name, array in count_follows([silent], small_catalog).items()} == {
        "before": 0, "after": 0, "count": 0
    }  # fmt: skip


def test_arrays_come_back_as_they_were_saved(tmp_path: Path, small_catalog: Catalog) -> None:
    save_arrays(tmp_path / "x.safetensors", {"vectors": np.eye(3, dtype=np.float16)}, small_catalog)
    loaded = load_arrays(tmp_path / "x.safetensors", small_catalog)
    assert loaded["vectors"].dtype == np.float16
    assert loaded["vectors"].tolist() == np.eye(3).tolist()


def test_arrays_of_another_catalogue_damaged_or_missing_are_refused(tmp_path: Path, small_catalog: Catalog) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(DataError, match=r"x\.safetensors: No such file .*prepare"):
        load_arrays(path, small_catalog)
    save_arrays(path, {"vectors": np.eye(3)}, Catalog([Movie(1, "A")]))
    with pytest.raises(DataError, match=r"x\.safetensors was made for another catalogue"):
        load_arrays(path, small_catalog)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"x\.safetensors is damaged"):
        load_arrays(path, small_catalog)


def test_the_shipped_assets_belong_together(shipped_catalog: Catalog) -> None:
    vectors = load_arrays(ASSETS / VECTORS_FILE, shipped_catalog)["vectors"]
    assert vectors.shape == (len(shipped_catalog), 384)
    assert vectors.dtype == np.float16
    assert np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=2e-3)
    counts = load_arrays(ASSETS / COUNTS_FILE, shipped_catalog)
    assert counts["count"].min() >= 1
    assert max(counts["before"].max(), counts["after"].max()) < len(shipped_catalog)
    assert not (counts["before"] == counts["after"]).any()


def test_no_plot_is_shipped() -> None:
    """The outlines are third-party text: nothing longer than a title may stand in the catalogue."""
    rows = json.loads((ASSETS / "catalog.json").read_text(encoding="utf-8"))
    assert set(rows[0]) == {"movie_id", "title", "year", "genres", "movielens_id", "mentions"}
    assert max(len(row["title"]) for row in rows) < 120


def test_prepare_without_movie_facts_counts_examples_and_keeps_the_assets(world: Settings) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in world.assets_dir.iterdir()}
    prepared = prepare("auto", world)
    assert prepared.problems == []
    assert prepared.lines[0].startswith("ReDial (folder)")
    assert prepared.lines[1].startswith("the shipped catalogue stays: ")
    assert "catalogue: 12 movies; with a MovieLens id: 8 of 12 movies" in prepared.lines[2]
    assert prepared.lines[-1].startswith("ratings: The protocol next_movie learns from ratings and ")
    assert [line.split()[:2] for line in prepared.lines[3:-1]] == [
        [protocol, split]
        for protocol in ("notebook", "paper", "one_shot", "conversational")
        for split in ("train", "test")
    ]
    assert {path.name: path.stat().st_mtime_ns for path in world.assets_dir.iterdir()} == before


def test_prepare_tells_which_ratings_cannot_be_used(
    tmp_path: Path, world: Settings, dialogue: Dialogue, write_split: Callable[[Path, Sequence[Dialogue]], None]
) -> None:
    for split in ("train", "test"):
        write_split(tmp_path / f"{split}_data.jsonl", [dialogue])
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,61,4.0,300\n1,61,0.0,300\n")
    prepared = prepare("folder", Settings(data_dir=tmp_path, assets_dir=world.assets_dir))
    assert prepared.lines[-2].startswith("ratings over ReDial's movies: MovieLens (folder): 1 events of 1 people")
    assert "data.catalog = own" in prepared.lines[-1]
    assert prepared.problems == ["ratings.csv:3: a rating that is not above 0 and up to 5"]


def test_a_folder_with_movielens_alone_is_prepared(tmp_path: Path, world: Settings) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,61,4.0,300\n")
    (tmp_path / "movies.csv").write_text('movieId,title,genres\n61,"Red Lantern, The (1999)",Drama\n')
    for source in ("auto", "folder"):
        prepared = prepare(source, Settings(data_dir=tmp_path, assets_dir=world.assets_dir))
        assert "ratings and no dialogues" in prepared.lines[0]
        assert [line.split(":")[0] for line in prepared.lines[1:]] == [
            "ratings over ReDial's movies", "ratings over their own movies",
        ]  # fmt: skip
        assert "1 events of 1 people with 1 movies" in prepared.lines[2]


def test_prepare_rebuilds_the_catalogue_from_a_folder_that_lists_the_movies(
    tmp_path: Path, dialogue: Dialogue, write_split: Callable[[Path, Sequence[Dialogue]], None]
) -> None:
    data, assets = tmp_path / "data", tmp_path / "assets"
    for split in ("train", "test"):
        write_split(data / f"{split}_data.jsonl", [dialogue])
    write_folder(data, {"20": {"plot": "A comet."}})
    prepared = prepare("folder", Settings(data_dir=data, assets_dir=assets))
    assert "rebuilt catalog.json" in prepared.lines[1]
    catalog = Catalog.load(assets / "catalog.json")
    assert [movie.movie_id for movie in catalog] == [20, 30, 40, 50]
    assert load_arrays(assets / COUNTS_FILE, catalog)["count"].tolist() == [1, 1]
    assert load_arrays(assets / VECTORS_FILE, catalog)["vectors"].shape == (4, 384)
