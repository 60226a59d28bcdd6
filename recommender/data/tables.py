"""Tables that people bring: csv, tsv, `::`, `;`, `|` and parquet through one reader, with one shape of error.

Every row keeps the number of its line, so that a problem is reported as `file:line: what`.
"""

import codecs
import csv
import io
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from recommender.data.finding import ending, read_bytes
from recommender.errors import DataError

log = logging.getLogger(__name__)

LOGGED = 20  # problems that the log names
DELIMITERS = ("\t", "::", ";", ",", "|")
UNIT = b"\x1f"  # stands for `::` while a table is read: a delimiter is one letter
NO_NUMBER = ("", "na", "n/a", "nan", "null", "none", "\\n")  # how tables say that a number is not known
FIRST_LINE = re.compile(rb"(?P<blank>(?:[ \t\r]*\n)*)(?P<line>[^\n]*[^\s][^\n]*)\n?")
SOMETHING = re.compile(rb"\S")
TYPED = re.compile(r":(token|token_seq|float|float_seq)$")  # RecBole's headers: `user_id:token`
LATEST = 1e11  # seconds since 1970, the year 5138: a time above it is one in milliseconds


class Field(NamedTuple):
    """A column that is looked for: its name, what others call it, and what stands in it."""

    name: str
    kind: Literal["number", "text", "key", "time"] = "number"  # key: numbers or words that stand for a person
    also: tuple[str, ...] = ()
    needed: bool = True


@dataclass(frozen=True)
class Table:
    """The rows that could be read, with a column for each field that the file has: float64 (NaN where nothing is known)
    for numbers and times (seconds since 1970), text (None) and categories for keys. `lines` has the line of each row.
    """

    path: Path
    rows: pd.DataFrame
    lines: NDArray[np.int64]
    problems: list[str] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return name in self.rows

    def __getitem__(self, name: str) -> pd.Series:
        column: pd.Series = self.rows[name]
        return column

    def __len__(self) -> int:
        return len(self.rows)

    def without(self, faults: Mapping[str, Any]) -> "Table":
        """The same without the rows that have a fault: what is wrong -> a flag for each row [N].

        Raises `DataError` when most rows have one: then the file is not what it was taken for.
        """
        why: dict[int, str] = {}
        for what, flags in faults.items():
            for row in np.flatnonzero(np.asarray(flags, dtype=bool)):
                why.setdefault(int(row), what)
        told = [f"{self.path.name}:{self.lines[row]}: {why[row]}" for row in sorted(why)]
        good = np.ones(len(self.rows), dtype=bool)
        good[list(why)] = False
        problems = sorted([*self.problems, *told], key=_line_of) if self.problems else told
        kept = Table(self.path, self.rows[good].reset_index(drop=True), self.lines[good], problems)
        kept.refuse_if_most_fail()
        return kept

    def refuse_if_most_fail(self) -> None:
        if len(self.problems) > len(self.rows):
            raise DataError(
                f"{self.path}: {len(self.problems):,} of {len(self.problems) + len(self.rows):,} lines cannot be used. "
                f"First problem: {self.problems[0]}"
            )

    def tell(self) -> None:
        """Log the first problems."""
        log_skipped(self.problems, self.path)


def log_skipped(problems: Sequence[str], path: Path) -> None:
    """Log the first problems of a file, and how many more there are."""
    for problem in problems[:LOGGED]:
        log.warning("skipped %s", problem)
    if len(problems) > LOGGED:
        log.warning("skipped %s more lines of %s", f"{len(problems) - LOGGED:,}", path.name)


def _line_of(problem: str) -> int:
    return int(problem.split(":")[1])


def read_table(path: Path, fields: Sequence[Field], bare: Sequence[str] = ()) -> Table:
    """The columns of a file that match the fields. `bare` names the columns of a file that has no header, in their
    order: the fields of MovieLens' older files.

    Lines with too many or too few columns are skipped and logged. Raises `DataError` with file and line if the file
    cannot be read, lacks a column, or is mostly of such lines.
    """
    if ending(path) == ".parquet":
        return _read_parquet(path, fields)
    raw = _as_utf8(path)
    begin = FIRST_LINE.match(raw)
    if begin is None:
        raise DataError(f"{path} is empty.")
    before = begin["blank"].count(b"\n")
    layout = _layout(path, begin["line"].decode("utf-8").rstrip("\r"), fields, bare, before + 1)
    start = begin.end() if layout.header else begin.start("line")
    table = _parsed(path, raw, start, layout, fields, before + 1 + layout.header)
    table.refuse_if_most_fail()
    return table


class _Layout(NamedTuple):
    delimiter: str
    header: bool
    quoted: bool
    width: int  # columns of a line
    places: dict[str, int]  # field -> column


def _as_utf8(path: Path) -> bytes:
    """A file of UTF-8, with or without a mark at its beginning, or of Latin-1, as UTF-8. Raises `DataError` with the
    line for other bytes."""
    raw = read_bytes(path)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path}:1: this is UTF-16. Save the file as UTF-8.")
    if b"\0" in raw:
        raise DataError(f"{path}:{raw[: raw.index(0)].count(10) + 1}: a zero byte; this is no text file.")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if raw.isascii() or _is_utf8(raw):
        return raw
    if found := re.search(rb"[\x80-\x9f]", raw):  # no letters of Latin-1
        line = raw[: found.start()].count(10) + 1
        raise DataError(f"{path}:{line}: neither UTF-8 nor Latin-1. Save the file as UTF-8.")
    log.warning("%s is not UTF-8; it was read as Latin-1", path.name)
    return raw.decode("latin-1").encode("utf-8")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _layout(path: Path, first: str, fields: Sequence[Field], bare: Sequence[str], line: int) -> _Layout:
    """How to read a file whose first line with anything on it is `first`."""
    tried = []
    for delimiter in DELIMITERS:
        cells = _cells(first, delimiter)
        tried.append((len(_matched(cells, fields)), len(cells), delimiter, cells))
    # The most columns that are looked for; where there are none, as without a header, the first that gives enough.
    found, _, delimiter, cells = max(tried, key=lambda each: (each[0], each[0] and each[1]))
    if not found:
        _, _, delimiter, cells = next((each for each in tried if each[1] >= max(len(bare), 2)), tried[0])
    places = _matched(cells, fields)
    missing = [each for each in fields if each.needed and each.name not in places]
    if not missing:
        typed = any(TYPED.search(cell) for cell in cells)
        return _Layout(delimiter, True, not typed and delimiter != "::", len(cells), places)
    if bare and not places and cells[0].strip().isdigit() and len(cells) >= len(bare):
        names = {each.name for each in fields}
        own = {name: place for place, name in enumerate(bare) if name in names}
        return _Layout(delimiter, False, False, len(cells), own)
    raise DataError(lacking(path, line, missing, cells))


def lacking(path: Path, line: int, missing: Sequence[Field], found: Sequence[str]) -> str:
    """Which columns a table lacks, under which names they would have been found, and what it has."""
    wanted = "; ".join(f"{each.name} (or {', '.join(each.also)})" if each.also else each.name for each in missing)
    shown = ", ".join(cell.strip()[:40] for cell in found[:12])
    return f"{path}:{line}: lacks the column {wanted}. Its columns are: {shown}."


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == "::" or '"' not in line:
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter), [])


def _matched(cells: Sequence[str], fields: Sequence[Field]) -> dict[str, int]:
    """Field -> the column that has its name, or one of its other names, the first of these before the next."""
    known: dict[str, int] = {}
    for place, cell in enumerate(cells):
        known.setdefault(_plain(cell), place)
    places = {}
    for each in fields:
        names = [_plain(name) for name in (each.name, *each.also)]
        found = next((known[name] for name in names if name in known), None)
        if found is not None:
            places[each.name] = found
    return places


def _plain(name: str) -> str:
    """`"User_ID:token"` -> `"userid"`."""
    return re.sub(r"[\s_\-.]", "", TYPED.sub("", name.strip()).casefold())


def _parsed(path: Path, raw: bytes, start: int, layout: _Layout, fields: Sequence[Field], first: int) -> Table:
    """The rows, which begin at the byte `start` and with the line `first`."""
    delimiter, body = layout.delimiter, memoryview(raw)[start:]
    if delimiter == "::":
        delimiter, body = UNIT.decode(), memoryview(bytes(body).replace(b"::", UNIT))
    if layout.quoted and raw.count(b'"', start) % 2:
        raise DataError(f"{path}:{_unclosed(raw)}: a quotation mark that is never closed.")
    kinds = {each.name: each.kind for each in fields}
    names = {place: name for name, place in layout.places.items()}
    columns = [names.get(place, f"column {place}") for place in range(layout.width)]
    types = {name: pa.dictionary(pa.int32(), pa.string()) for name in kinds if kinds[name] == "key"}
    types |= {name: pa.string() for name in kinds if kinds[name] == "text"}
    wrong: dict[int, str] = {}

    def ragged(row: arrow_csv.InvalidRow) -> str:
        wrong[row.number] = f"{row.actual_columns} columns where {row.expected_columns} are expected"
        return "skip"

    if not SOMETHING.search(raw, start):
        empty = {name: pd.Series(dtype=object if kinds[name] == "text" else float) for name in layout.places}
        return Table(path, pd.DataFrame(empty), np.zeros(0, dtype=np.int64))
    try:
        read = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(body)),
            read_options=arrow_csv.ReadOptions(use_threads=False, column_names=columns),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if layout.quoted else False,
                newlines_in_values=layout.quoted,
                ignore_empty_lines=False,
                invalid_row_handler=ragged,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=True,
                include_columns=list(layout.places),
            ),
        )
    except pa.ArrowException as error:
        raise DataError(f"{path} is not readable as a table: {str(error).splitlines()[0]}.") from error
    count = read.num_rows + len(wrong)
    numbers = np.delete(np.arange(1, count + 1), np.array(list(wrong), dtype=np.int64) - 1)
    above = _lines_within(read) if raw.count(b"\n", start) > count else np.zeros(len(numbers) + 1, dtype=np.int64)
    lines = numbers + first - 1 + above[:-1]
    problems = [
        f"{path.name}:{number + first - 1 + above[np.searchsorted(numbers, number)]}: {why}"
        for number, why in sorted(wrong.items())
    ]
    rows = pd.DataFrame({name: _column(read.column(name), kinds[name]) for name in layout.places})
    full = ~rows.isna().all(axis=1).to_numpy()  # a blank line is no row
    return Table(path, rows[full].reset_index(drop=True), lines[full], problems)


def _unclosed(raw: bytes) -> int:
    """The number of the last line at which the quotation marks do not come in pairs."""
    return [number for number, line in enumerate(raw.split(b"\n"), start=1) if line.count(b'"') % 2][-1]


def _lines_within(read: pa.Table) -> NDArray[np.int64]:
    """How many line ends stand in the values above each row [N], and in all of them: [N + 1]."""
    ends = np.zeros(read.num_rows, dtype=np.int64)
    for column in read.columns:
        if pa.types.is_string(column.type):
            ends += compute.fill_null(compute.count_substring(column, "\n"), 0).to_numpy()
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(ends)])


def _read_parquet(path: Path, fields: Sequence[Field]) -> Table:
    try:
        found = parquet.read_schema(io.BytesIO(read_bytes(path))).names if path.suffix == ".gz" else None
        names = found or parquet.read_schema(path).names
        places = _matched(names, fields)
        if missing := [each for each in fields if each.needed and each.name not in places]:
            raise DataError(lacking(path, 1, missing, names))
        source = io.BytesIO(read_bytes(path)) if path.suffix == ".gz" else path
        read = parquet.read_table(source, columns=[names[place] for place in places.values()])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} is not a readable parquet file: {error}.") from error
    kinds = {each.name: each.kind for each in fields}
    rows = pd.DataFrame({name: _column(read.column(names[place]), kinds[name]) for name, place in places.items()})
    return Table(path, rows, np.arange(1, len(rows) + 1))


def _column(column: pa.ChunkedArray, kind: str) -> pd.Series:
    if kind == "key":
        return _keys(column)
    series = column.to_pandas()
    if kind == "text":
        texts: pd.Series = series.astype(object).where(series.notna(), None)
        return texts
    if kind == "time" and not pd.api.types.is_numeric_dtype(series):
        return _seconds(series)
    return _numbers(series)


def _keys(column: pa.ChunkedArray) -> pd.Series:
    """Numbers or words as words, each kept once, in alphabetical order: 7, 7.0 and "7" are one person."""
    series = column.to_pandas().convert_dtypes()  # 7.0 of a column with gaps is a whole number again
    keys = series.astype("category").cat.rename_categories(str)
    ordered: pd.Series = keys.cat.reorder_categories(sorted(keys.cat.categories))
    return ordered


def _numbers(series: pd.Series) -> pd.Series:
    """float64. What is no number is infinite, to be told from what is not there, which is NaN."""
    if pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        return series.astype(np.float64)
    numbers = pd.to_numeric(series.astype(object), errors="coerce").astype(np.float64)
    words = series.astype(str).str.strip().str.casefold()
    unread = numbers.isna() & series.notna() & ~words.isin(NO_NUMBER)
    read: pd.Series = numbers.mask(unread, np.inf)
    return read


def _seconds(series: pd.Series) -> pd.Series:
    """Dates, dates as text (ISO 8601) and seconds as text -> seconds since 1970, infinite for what is neither."""
    if not pd.api.types.is_datetime64_any_dtype(series):
        numbers = _numbers(series)
        dates = pd.to_datetime(series.where(np.isinf(numbers)), errors="coerce", utc=True, format="ISO8601")
    else:
        numbers = pd.Series(np.nan, index=series.index)
        dates = pd.to_datetime(series, utc=True)
    seconds = (dates - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)
    read: pd.Series = numbers.mask(dates.notna(), seconds.astype(np.float64))
    return read
