"""Reading ReDial: both layouts, roles, damaged lines, and which source is taken."""

import gzip
import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.catalog import Catalog
from recommender.data.dialogue import Dialogue, DialogueSet, Message
from recommender.data.redial import find_split, load_dialogues, parse_dialogue, read_split
from recommender.data.source import Source
from recommender.data.splits import split_dialogues
from recommender.errors import DataError, UnknownNameError
from recommender.settings import Settings

Write = Callable[[Path, Sequence[Dialogue]], None]


def record(**changes: Any) -> dict[str, Any]:
    """A record in which the respondent (3) writes first and the initiator (7) seeks."""
    return {
        "conversationId": 391,
        "initiatorWorkerId": 7,
        "respondentWorkerId": 3,
        "movieMentions": {"1234": "The Red Lantern  (1999)"},
        "messages": [
            {"senderWorkerId": 3, "text": "Hi  there,\nwhat do you like?", "messageId": 1},
            {"senderWorkerId": 7, "text": "I&#39;d like @1234", "messageId": None},
        ],
    } | changes


def test_roles_come_from_the_worker_ids_and_not_from_who_writes_first() -> None:
    parsed = parse_dialogue(record())
    assert parsed == Dialogue(
        "391",
        (Message("recommender", "Hi there, what do you like?"), Message("seeker", "I'd like @1234")),
        {1234: "The Red Lantern (1999)"},
        seeker="7",
    )


@pytest.mark.parametrize(
    ("mentions", "names"),
    [
        ({"12": "A  (1990)", "13": None}, {12: "A (1990)"}),
        ([], {}),
        (None, {}),
        (
            [{"movieId": "12", "movieName": "Q &amp; A (1990)"}, {"movieId": "13", "movieName": None}],
            {12: "Q & A (1990)"},
        ),
        ([{"movieId": 12, "movieName": ""}, {"movieId": 14}], {}),
    ],
)
def test_every_layout_of_the_mentions_is_read(mentions: Any, names: dict[int, str]) -> None:
    assert parse_dialogue(record(movieMentions=mentions)).names == names


def test_a_record_without_mentions_is_read() -> None:
    bare = record()
    del bare["movieMentions"]
    assert parse_dialogue(bare).names == {}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("@1234 is not the other", (1234,)),
        ("@123 and @1234", (123, 1234)),
        ("@20, @30; @20!", (20, 30)),
        ("me@home @ 12 @x", ()),
        ("(@20)and@30", (20, 30)),
    ],
)
def test_ids_are_whole_numbers_in_order_each_once(text: str, ids: tuple[int, ...]) -> None:
    assert Message("seeker", text).movie_ids == ids


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"messages": []}, "no messages"),
        ({"messages": "hello"}, "no messages"),
        ({"messages": ["hello"]}, "a message without text"),
        ({"messages": [{"senderWorkerId": 3, "text": None}]}, "a message without text"),
        ({"messages": [{"senderWorkerId": 5, "text": "hi"}]}, "worker 5"),
        ({"messages": [{"text": "hi"}]}, "worker id that is no number and no text: None"),
        ({"messages": [{"senderWorkerId": [7], "text": "hi"}]}, "worker"),
        ({"respondentWorkerId": 7}, "same worker"),
        ({"movieMentions": {"x": "A"}}, "invalid literal"),
    ],
)
def test_an_unusable_record_says_what_is_wrong_with_it(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_dialogue(record(**changes))


def test_missing_keys_are_named() -> None:
    with pytest.raises(ValueError, match="missing initiatorWorkerId, respondentWorkerId"):
        parse_dialogue({"conversationId": 1, "messages": []})


def test_malformed_lines_are_skipped_counted_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        json.dumps(record()),
        '{"conversationId": 1, ',
        "",
        "[1, 2]",
        json.dumps(record(movieMentions=[{"movieName": "A"}])),
        "[" * 100_000,
        *(json.dumps(record(conversationId=f"u4711_{number}")) for number in range(3)),
    ]
    path = tmp_path / "train_data.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with caplog.at_level(logging.WARNING):
        dialogues, problems = read_split(path)
    assert [dialogue.dialogue_id for dialogue in dialogues] == ["391", "u4711_0", "u4711_1", "u4711_2"]
    places = ["train_data.jsonl:2: not JSON", "train_data.jsonl:4: expected an object, found list",
              "train_data.jsonl:5: missing 'movieId'", "train_data.jsonl:6: "]  # fmt: skip
    assert [problem[: len(place)] for problem, place in zip(problems, places, strict=True)] == places
    assert "skipped train_data.jsonl:4" in caplog.text
    found = DialogueSet(Source.FOLDER, "here", dialogues, dialogues, problems)
    assert found.describe() == "ReDial (folder): 4 training and 4 test dialogues; 4 malformed line(s) skipped"


def test_a_line_that_is_not_utf8_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "train_data.jsonl"
    broken = json.dumps(record()).replace("Hi", "H\xff").encode("latin-1")
    path.write_bytes(broken + b"\n" + json.dumps(record(conversationId=2)).encode() + b"\n")
    dialogues, problems = read_split(path)
    assert [dialogue.dialogue_id for dialogue in dialogues] == ["2"]
    assert [problem.split(" ")[0] for problem in problems] == ["train_data.jsonl:1:"]


@pytest.mark.parametrize("content", ["", "\n\n", "not json\n{}\n"])
def test_a_file_without_a_usable_line_is_an_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "train_data.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=r"No usable dialogue in .*train_data\.jsonl"):
        read_split(path)


def write_parquet(path: Path, *conversation_ids: str) -> None:
    """The hub's layout: `movieMentions` is a list of structs, questions are lists too, names can be null."""
    message = pa.struct(
        [("timeOffset", pa.int32()), ("text", pa.string()), ("senderWorkerId", pa.int32()), ("messageId", pa.int32())]
    )
    mention = pa.struct([("movieId", pa.string()), ("movieName", pa.string())])
    rows = [record(conversationId=number) for number in conversation_ids]
    columns = {
        "movieMentions": pa.array(
            [[{"movieId": "1234", "movieName": "The Red Lantern  (1999)"}, {"movieId": "20", "movieName": None}]]
            * len(rows),
            pa.list_(mention),
        ),
        "respondentWorkerId": pa.array([row["respondentWorkerId"] for row in rows], pa.int32()),
        "messages": pa.array([row["messages"] for row in rows], pa.list_(message)),
        "conversationId": pa.array([row["conversationId"] for row in rows]),
        "initiatorWorkerId": pa.array([row["initiatorWorkerId"] for row in rows], pa.int32()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path)


def test_the_hub_s_parquet_gives_the_same_dialogues(tmp_path: Path) -> None:
    path = tmp_path / "data" / "train-00000-of-00001.parquet"
    write_parquet(path, "391", "392")
    dialogues, problems = read_split(path)
    assert problems == []
    assert dialogues[0] == parse_dialogue(record())
    assert find_split(tmp_path, "train") == [path]


def test_a_damaged_parquet_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"train\.parquet"):
        read_split(path)


def test_redial_s_own_files_are_found_before_others(tmp_path: Path, dialogue: Dialogue, write_split: Write) -> None:
    write_split(tmp_path / "a" / "train_small.jsonl", [dialogue])
    write_split(tmp_path / "redial" / "train_data.jsonl", [dialogue])
    assert find_split(tmp_path, "train") == [tmp_path / "redial" / "train_data.jsonl"]
    assert find_split(tmp_path, "test") == []


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hub cannot be reached; the list says how often it was tried."""
    tried: list[str] = []

    def refuse(name: str) -> None:
        tried.append(name)
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    return tried


@pytest.fixture
def folders(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "named", cache_dir=tmp_path / "cache")


def fill(folder: Path, dialogue: Dialogue, write_split: Write, dialogue_id: str) -> None:
    for split in ("train", "test"):
        renamed = Dialogue(f"{dialogue_id}-{split}", dialogue.messages, dialogue.names)
        write_split(folder / f"{split}_data.jsonl", [renamed])


def test_auto_takes_the_named_folder_first(
    folders: Settings, dialogue: Dialogue, write_split: Write, no_hub: list[str]
) -> None:
    fill(folders.data_dir, dialogue, write_split, "folder")
    fill(folders.cache_dir / "redial", dialogue, write_split, "cache")
    found = load_dialogues("auto", folders, None)
    assert (found.source, found.train[0].dialogue_id, found.test[0].dialogue_id) == (
        "folder",
        "folder-train",
        "folder-test",
    )
    assert found.describe().startswith("ReDial (folder): 1 training and 1 test")
    assert no_hub == []


def test_auto_takes_the_cache_before_the_hub(
    folders: Settings, dialogue: Dialogue, write_split: Write, no_hub: list[str]
) -> None:
    fill(folders.cache_dir / "redial", dialogue, write_split, "cache")
    unnamed = folders.model_copy(update={"data_dir": None})
    found = load_dialogues("auto", unnamed, None)
    assert (found.source, found.train[0].dialogue_id) == ("cache", "cache-train")
    assert no_hub == []


def hub_copy(tmp_path: Path, *conversation_ids: str) -> datasets.Dataset:
    path = tmp_path / "hub" / "rows.parquet"
    write_parquet(path, *conversation_ids)
    return datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "arrow"))


def test_auto_fetches_from_the_hub_once_and_then_reads_the_cache(
    tmp_path: Path, folders: Settings, monkeypatch: pytest.MonkeyPatch, no_hub: list[str]
) -> None:
    unnamed = folders.model_copy(update={"data_dir": None})
    rows = hub_copy(tmp_path, "391", "392")
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "load_dataset", lambda name: {"train": rows, "test": rows})
        found = load_dialogues("auto", unnamed, None)
    assert (found.source, len(found.train)) == ("hub", 2)
    assert found.train[0] == parse_dialogue(record())
    assert sorted(path.name for path in (folders.cache_dir / "redial").iterdir()) == ["test.parquet", "train.parquet"]
    again = load_dialogues("auto", unnamed, None)
    assert (again.source, again.train) == ("cache", found.train)
    assert no_hub == []


def test_a_download_that_ended_half_way_does_not_block_the_next_start(
    tmp_path: Path, folders: Settings, monkeypatch: pytest.MonkeyPatch, no_hub: list[str], small_catalog: Catalog
) -> None:
    unnamed = folders.model_copy(update={"data_dir": None})
    rows = hub_copy(tmp_path, "391")
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "load_dataset", lambda name: {"train": rows})  # it ends before the test split
        with pytest.raises(KeyError):
            load_dialogues("auto", unnamed, None)
    assert load_dialogues("auto", unnamed, small_catalog).source == "sample"


def test_without_a_hub_auto_ends_at_the_sample_and_says_so(
    folders: Settings, no_hub: list[str], small_catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    unnamed = folders.model_copy(update={"data_dir": None})
    with caplog.at_level(logging.WARNING):
        found = load_dialogues("auto", unnamed, small_catalog)
    assert no_hub == ["community-datasets/re_dial"]
    assert "no route to the hub" in caplog.text
    assert "RECOMMENDER_DATA_DIR" in caplog.text
    assert found.source == "sample"
    assert found.describe().startswith("the synthetic sample, NOT ReDial: 400 training and 100 test dialogues")


def test_the_hub_by_name_is_an_error_when_it_cannot_be_reached(folders: Settings, no_hub: list[str]) -> None:
    with pytest.raises(DataError, match=r"community-datasets/re_dial from the hub: no route"):
        load_dialogues("hub", folders, None)


def test_offline_the_library_itself_refuses(folders: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "empty")
    with pytest.raises(DataError, match="Cannot fetch community-datasets/re_dial"):
        load_dialogues("hub", folders, None)


def test_a_named_folder_that_is_broken_is_an_error_and_never_a_fallback(
    folders: Settings, dialogue: Dialogue, write_split: Write, no_hub: list[str], small_catalog: Catalog
) -> None:
    fill(folders.cache_dir / "redial", dialogue, write_split, "cache")
    with pytest.raises(DataError, match=r"There is no folder .*named"):
        load_dialogues("auto", folders, small_catalog)
    folders.data_dir.mkdir()
    with pytest.raises(DataError, match=r"named has no train split. Expected train_data\.jsonl"):
        load_dialogues("auto", folders, small_catalog)
    write_split(folders.data_dir / "train_data.jsonl", [dialogue])
    with pytest.raises(DataError, match="has no test split"):
        load_dialogues("auto", folders, small_catalog)
    (folders.data_dir / "test_data.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match=r"No usable dialogue in .*test_data\.jsonl"):
        load_dialogues("auto", folders, small_catalog)
    assert no_hub == []


def test_the_folder_by_name_needs_to_be_set(folders: Settings) -> None:
    with pytest.raises(DataError, match="Set RECOMMENDER_DATA_DIR"):
        load_dialogues("folder", folders.model_copy(update={"data_dir": None}), None)


def test_an_unknown_source_names_the_known_ones(folders: Settings) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean: sample"):
        load_dialogues("smaple", folders, None)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"conversationId": "\ud800"}, "not valid Unicode"),
        ({"movieMentions": {"1": "\udfff"}}, "not valid Unicode"),
        ({"movieMentions": {"1": ["Heat"]}}, "name is no text"),
        ({"movieMentions": [{"movieId": float("inf"), "movieName": "Heat"}]}, "cannot convert float infinity"),
        ({"movieMentions": {"1": "&#" + "9" * 5000 + ";"}}, None),
    ],
)
def test_what_would_break_later_is_found_at_once(changes: dict[str, Any], why: str | None, tmp_path: Path) -> None:
    path = tmp_path / "train_data.jsonl"
    rows = (record(), record(**changes), "[" * 5000, record(conversationId=2))
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    dialogues, problems = read_split(path)
    assert len(dialogues) == (2 if why else 3)
    assert why is None or why in problems[0]


def test_a_number_without_end_is_no_movie() -> None:
    text = "@" + "9" * 5000 + " @20 @٣"
    assert Message("seeker", text).movie_ids == (20, 3)


def test_a_parquet_file_that_is_cut_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    write_parquet(path, "391")
    whole = path.read_bytes()
    for end in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"train\.parquet"):
            read_split(path)


LINE = json.dumps(record())


def names_of(folder: Path, split: str = "train") -> list[str]:
    return [dialogue.dialogue_id for dialogue in read_split(*find_split(folder, split))[0]]  # type: ignore[arg-type]


def test_a_byte_order_mark_costs_no_dialogue(tmp_path: Path) -> None:
    (tmp_path / "train_data.jsonl").write_text(f"{LINE}\n", encoding="utf-8-sig")
    assert names_of(tmp_path) == ["391"]


def test_compressed_files_in_a_linked_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "train_data.jsonl.gz").write_bytes(gzip.compress(LINE.encode()))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "redial").symlink_to(tmp_path / "real")
    assert names_of(tmp_path / "data") == ["391"]
    (tmp_path / "real" / "train_data.jsonl.gz").write_bytes(gzip.compress(LINE.encode())[:-9])
    with pytest.raises(DataError, match="not a whole gzip file"):
        names_of(tmp_path / "data")


def test_all_shards_of_a_split_are_read(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train-00000-of-00002.parquet", "1", "2")
    with pytest.raises(DataError, match="holds 1 of 2 parts"):
        find_split(tmp_path, "train")
    write_parquet(tmp_path / "train-00001-of-00002.parquet", "3")
    assert names_of(tmp_path) == ["1", "2", "3"]
    write_parquet(tmp_path / "train-old.parquet", "4")
    with pytest.raises(DataError, match="several files for the train split"):
        find_split(tmp_path, "train")


@pytest.mark.parametrize("number", [None, "", "391"])
def test_dialogues_without_an_id_of_their_own_get_one(
    number: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With one id for all, a split by ids holds out all of them or none."""
    line = json.dumps(record(conversationId=number))
    (tmp_path / "train_data.jsonl").write_text(f"{line}\n" * 10)
    dialogues, problems = read_split(tmp_path / "train_data.jsonl")
    assert problems == []
    assert len({dialogue.dialogue_id for dialogue in dialogues}) == 10
    kept, held_out = split_dialogues(dialogues, 0.3, seed=1)
    assert (len(kept), len(held_out)) == (7, 3)
    assert "had no conversationId or that of another" in caplog.text


@pytest.mark.parametrize(("seeker", "recommender"), [("7", "3"), (7.0, 3.0), ("7.0", " 3 "), ("ann", "bob")])
def test_worker_ids_may_be_text_or_floats(seeker: Any, recommender: Any) -> None:
    numbers = {7: seeker, 3: recommender}
    sent = [message | {"senderWorkerId": numbers[message["senderWorkerId"]]} for message in record()["messages"]]
    found = parse_dialogue(record(initiatorWorkerId=seeker, respondentWorkerId=recommender, messages=sent))
    assert [message.role for message in found.messages] == ["recommender", "seeker"]
    assert found.seeker == ("ann" if seeker == "ann" else "7")
    mixed = parse_dialogue(record(initiatorWorkerId="7", respondentWorkerId=3.0))
    assert [message.role for message in mixed.messages] == ["recommender", "seeker"]


def test_a_placeholder_is_no_person() -> None:
    sent = [message | {"senderWorkerId": -1} for message in record()["messages"]]
    assert parse_dialogue(record(initiatorWorkerId=-1, respondentWorkerId=-2, messages=sent)).seeker == ""


@pytest.mark.parametrize("number", [None, True, 1.5, [7], ""])
def test_what_is_no_worker_id_is_told(number: Any) -> None:
    with pytest.raises(ValueError, match="a worker id that is no number and no text"):
        parse_dialogue(record(initiatorWorkerId=number))


def test_a_file_of_mostly_unusable_lines_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train_data.jsonl").write_text(LINE + "\n{}" * 2)
    with pytest.raises(DataError, match=r"2 of 3 dialogues cannot be used. First problem: train_data.jsonl:2: missing"):
        read_split(tmp_path / "train_data.jsonl")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from([*record(), "x"]), NESTED), st.lists(st.none() | NESTED, max_size=2))
def test_any_record_is_a_dialogue_or_a_problem(changes: dict[str, Any], messages: list[Any]) -> None:
    odd = [record() | changes, record(messages=[*record()["messages"], *messages])]
    rows = [record(), *odd, record(conversationId=2)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train_data.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        dialogues, problems = read_split(path)
    assert len(dialogues) + len(problems) == len(rows)
    for dialogue in dialogues:
        assert all(message.text.encode() is not None and message.movie_ids is not None for message in dialogue.messages)
