"""Tables that people bring: every form is read, every fault is told with file and line."""

import csv
import gzip
import io
import logging
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.tables import Field, Table, read_table
from recommender.errors import DataError

FIELDS = (
    Field("userId", "key", ("user_id", "user")),
    Field("movieId", "number", ("item_id", "item")),
    Field("note", "text", needed=False),
    Field("timestamp", "time", ("date",), needed=False),
)
BARE = ("userId", "movieId", "note", "timestamp")
JUNE = 1_592_784_000.0  # 2020-06-22


def read(folder: Path, raw: str | bytes, name: str = "table.csv") -> Table:
    path = folder / name
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return read_table(path, FIELDS, BARE)


def values(table: Table) -> list[tuple[object, ...]]:
    rows = table.rows.astype(object).where(table.rows.notna(), None)
    return list(rows.itertuples(index=False, name=None))


ONE = [("7", 3.0, "good", JUNE)]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("userId,movieId,note,timestamp\n7,3,good,1592784000\n", "a.csv"),
        ("\ufeffuserId,movieId,note,timestamp\r\n7,3,good,1592784000\r\n", "a.csv"),
        ("\n\nUser_ID,Item ID,Note,Date\n7,3,good,2020-06-22", "a.csv"),
        ("timestamp;note;movieId;userId;more\n2020-06-22T02:00:00+02:00;good;3;7;x\n", "a.csv"),
        ('"userId","movieId","note","timestamp"\n"7","3","good","1592784000"\n', "a.csv"),
        ("userId\tmovieId\tnote\ttimestamp\n7\t3\tgood\t1592784000.0\n", "a.tsv"),
        ("user_id:token\titem_id:token\tnote:token_seq\ttimestamp:float\n7\t3\tgood\t1592784000\n", "a.inter"),
        ("7::3::good::1592784000\n", "a.dat"),
        ("7\t3\tgood\t1592784000\n", "u.data"),
        ("userId::movieId::note::timestamp\n7::3::good::1592784000\n", "a.csv"),
    ],
)
def test_every_form_of_a_table_is_read(raw: str, name: str, tmp_path: Path) -> None:
    assert values(read(tmp_path, raw, name)) == ONE
    assert values(read(tmp_path, gzip.compress(raw.encode()), f"{name}.gz")) == ONE


def test_parquet_is_read_by_the_same_names(tmp_path: Path) -> None:
    for date in (JUNE, pd.Timestamp(JUNE, unit="s"), pd.Timestamp(JUNE, unit="s").date(), "2020-06-22"):
        table = pd.DataFrame({"user_id": [7.0], "item": [3], "note": ["good"], "date": [date], "more": [1]})
        table.to_parquet(tmp_path / "a.parquet")
        assert values(read_table(tmp_path / "a.parquet", FIELDS)) == ONE


def test_latin_1_is_read_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = read(tmp_path, "userId,movieId,note\n1,2,Amélie\n".encode("latin-1"))
    assert table["note"].tolist() == ["Amélie"]
    assert caplog.messages == ["table.csv is not UTF-8; it was read as Latin-1"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xff\xfeu\0", ":1: this is UTF-16"),
        (b"userId,movieId\n1,2\n\x00", ":3: a zero byte"),
        (b"userId,movieId\n1,2\n1,\x93", ":3: neither UTF-8 nor Latin-1"),
        (b"userId,film\n1,2\n", r":1: lacks the column movieId \(or item_id, item\). Its columns are: userId, film."),
        (b"1,2,good,0\nx,2\n", None),
        (b"a,b\n1,2\n", ":1: lacks the column userId .*; movieId"),
        (b'userId,movieId,note\n1,2,x\n1,2,"x\n1,3,y\n', ":3: a quotation mark that is never closed"),
        (b"userId,movieId\n1\n2\n1,2\n", r"2 of 3 lines cannot be used. First problem: table.csv:2: 1 columns where 2"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(raw: bytes, told: str | None, tmp_path: Path) -> None:
    if told is None:  # without a header, in the order of MovieLens
        assert len(read(tmp_path, raw)) == 1
        return
    with pytest.raises(DataError, match=rf"table\.csv.*{told}|{told}"):
        read(tmp_path, raw)


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(b"userId,movieId\n1,2\n" * 99)
    for raw in (whole[:-9], b"userId,movieId\n1,2\n"):
        with pytest.raises(DataError, match="not a whole gzip file"):
            read(tmp_path, raw, "table.csv.gz")
    with pytest.raises(DataError, match=r"Cannot read .*nowhere"):
        read_table(tmp_path / "nowhere.csv", FIELDS)


def test_ragged_and_blank_lines_cost_no_other_and_are_numbered(tmp_path: Path) -> None:
    raw = '\nuserId,movieId,note\n1,2,"two\nlines"\n\n3,4\n5,6,x,y\n7,8,\n9,,z\n'
    table = read(tmp_path, raw)
    assert values(table) == [
        (
            "1",
            2.0,
            "two\nlines",
        ),
        ("7", 8.0, None),
        ("9", None, "z"),
    ]
    assert table.lines.tolist() == [3, 8, 9]
    assert table.problems == [
        "table.csv:6: 2 columns where 3 are expected",
        "table.csv:7: 4 columns where 3 are expected",
    ]


def test_what_is_no_number_is_told_from_what_is_not_there(tmp_path: Path) -> None:
    table = read(tmp_path, "userId,movieId,timestamp\na,x,soon\nb,,\nc,NA,NULL\nd,1,2\n")
    assert table["movieId"].tolist()[0] == np.inf
    assert table["timestamp"].tolist()[0] == np.inf
    assert table["movieId"].isna().tolist() == [False, True, True, False]
    assert table["timestamp"].isna().tolist() == [False, True, True, False]


def test_rows_with_a_fault_are_left_out_unless_they_are_most(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = read(tmp_path, "userId,movieId\na,1\nb\nc,3\nd,4\ne,5\n")
    kept = table.without({"too small": table["movieId"] < 2, "odd": table["movieId"] == 1})
    assert kept["movieId"].tolist() == [3, 4, 5]
    assert kept.problems == ["table.csv:2: too small", "table.csv:3: 1 columns where 2 are expected"]
    with caplog.at_level(logging.WARNING):
        kept.tell()
    assert caplog.messages == [f"skipped {problem}" for problem in kept.problems]
    with pytest.raises(DataError, match=r"4 of 5 lines cannot be used. First problem: table.csv:2: too small"):
        table.without({"too small": table["movieId"] < 5})


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(st.lists(st.tuples(CELLS, st.integers(0, 99), CELLS), min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_what_csv_writes_is_read_back(rows: list[tuple[str, int, str]], delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("userId", "movieId", "note"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        table = read(Path(folder), text.getvalue())
    assert table.problems == []
    assert values(table) == [(user or None, float(movie), note or None) for user, movie, note in rows]


@given(st.binary(max_size=60), st.sampled_from(["a.csv", "a.dat", "a.parquet", "a.csv.gz"]))
def test_any_bytes_are_a_table_or_an_error(raw: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for start in (b"", b"userId,movieId\n", b"userId::movieId\n"):
            try:
                table = read(Path(folder), start + raw, name)
            except DataError:
                continue
            assert len(table.lines) == len(table.rows)
