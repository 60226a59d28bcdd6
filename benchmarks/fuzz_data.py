"""The targets of `benchmarks.fuzz` that are data: dialogues, ratings, lists of movies, tags."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fuzz_inputs import Inputs
from recommender.config import DIALOGUE_PROTOCOLS, DataConfig
from recommender.data.catalog import Catalog
from recommender.data.examples import build_examples
from recommender.data.movie_files import own_catalog
from recommender.data.ratings import read_ratings
from recommender.data.redial import read_split
from recommender.data.tags import load_tags


@dataclass(frozen=True)
class Target:
    """`make` gives the next input, `read` reads it as the app does; `share` of all inputs go to it."""

    name: str
    share: float
    make: Callable[[Inputs], Any]
    read: Callable[[Any], None]


def dialogue_target(folder: Path, catalog: Catalog) -> Target:
    record = {
        "conversationId": "391",
        "initiatorWorkerId": 7,
        "respondentWorkerId": 3,
        "movieMentions": {"111776": "Super Troopers (2001)", "20": "Iron Comet (1982)"},
        "messages": [
            {"messageId": 1, "timeOffset": 0, "senderWorkerId": 7, "text": "Hi, I loved @20 &amp; @1234"},
            {"messageId": 2, "timeOffset": 9, "senderWorkerId": 3, "text": "Have you seen @111776 or @40?"},
            {"messageId": 3, "timeOffset": 12, "senderWorkerId": 7, "text": "Not yet, thanks"},
        ],
    }
    listed = record | {"movieMentions": [{"movieId": "111776", "movieName": "Super Troopers (2001)"}]}
    path = folder / "train_data.jsonl"

    def make(inputs: Inputs) -> bytes:
        lines = [inputs.json_bytes(inputs.random.choice((record, listed))) for _ in range(1 + inputs.size(3))]
        return inputs.random.choice((b"\n", b"\n", b"\r\n", b"\x00")).join(lines)

    def read(raw: bytes) -> None:
        path.write_bytes(raw)
        for dialogue in read_split(path)[0]:
            for protocol in DIALOGUE_PROTOCOLS:
                for example in build_examples([dialogue], protocol, catalog):
                    example.text.encode()
                    example.dialogue_id.encode()

    return Target("dialogues", 0.30, make, read)


def ratings_target(folder: Path, catalog: Catalog) -> Target:
    tables = {
        "ratings.csv": "userId,movieId,rating,timestamp\n1,61,4.0,964982703\n2,61,,2020-06-22T10:00:00Z\n",
        "ratings.dat": "1::61::4::964982703\n2::61::5::964982703\n",
        "ml.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t61\t4\t964982703\n",
        "movies.csv": 'movieId,title,genres\n61,"Comet, The (1982)",Drama|War\n62,"Two\nLines",\n',
        "u.item": f"61|Comet (1982)|01-Jan-1982||http://x|{'|'.join('0' * 19)}\n",
        "tags.csv": "userId;movieId;tag;timestamp\n1;61;slow;1\n2;61;;1\n",
    }
    (folder / "tags").mkdir()

    def make(inputs: Inputs) -> tuple[str, bytes]:
        name = inputs.random.choice(list(tables))
        raw = tables[name] * (1 + inputs.size(3))
        encoding = inputs.random.choice(("utf-8", "utf-8-sig", "latin-1", "utf-16"))
        damaged = inputs.damaged_text(raw).encode(encoding, errors="replace")
        return name, inputs.damaged_bytes(damaged) if inputs.random.random() < 0.3 else damaged

    def read(table: tuple[str, bytes]) -> None:
        name, raw = table
        path = folder / "tags" / name if name == "tags.csv" else folder / name
        path.write_bytes(raw)
        try:
            if name == "tags.csv":
                load_tags(path.parent, catalog, 9, 3)
            elif name in ("movies.csv", "u.item"):
                assert all(movie.name.encode() for movie in own_catalog(folder / "none.csv"))
            else:
                assert len(read_ratings(path, catalog, DataConfig()).events)
        finally:
            path.unlink()

    return Target("ratings", 0.05, make, read)
