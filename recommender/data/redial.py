"""ReDial: dialogues between a seeker and a recommender, from the hub, a folder or the shipped sample.

Li et al., "Towards Deep Conversational Recommendations", NeurIPS 2018.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from sys import intern
from typing import Any, Literal

from recommender.data.catalog import Catalog, clean_text
from recommender.data.dialogue import Dialogue, DialogueSet, Message, Role
from recommender.data.engagement import UNKNOWN, Engagement
from recommender.data.finding import ending, find_files, opened, read_bytes, whole_set
from recommender.data.sample.dialogues import sample_dialogues
from recommender.data.source import Source
from recommender.data.tables import log_skipped
from recommender.errors import DataError, UnknownNameError
from recommender.settings import Settings

log = logging.getLogger(__name__)

SOURCES = ("auto", *Source)
HUB_NAME = "community-datasets/re_dial"
HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # no tokenizer can read half of a surrogate pair
BOM = b"\xef\xbb\xbf"  # what some programs put before UTF-8


def parse_dialogue(record: Any) -> Dialogue:
    """One record of either layout -> `Dialogue`. Raises `ValueError` that says what is wrong with it.

    `movieMentions` is an object, `[]`, or the hub's list of `{movieId, movieName}`. Roles come from
    `initiatorWorkerId` (seeker) and `respondentWorkerId` (recommender), never from who writes first.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, found {type(record).__name__}")
    missing = {"conversationId", "messages", "initiatorWorkerId", "respondentWorkerId"} - record.keys()
    if missing:
        raise ValueError(f"missing {', '.join(sorted(missing))}")
    seeker, recommender = _worker(record["initiatorWorkerId"]), _worker(record["respondentWorkerId"])
    if seeker == recommender:
        raise ValueError("seeker and recommender are the same worker")
    roles: dict[str, Role] = {seeker: "seeker", recommender: "recommender"}
    if not isinstance(record["messages"], list) or not record["messages"]:
        raise ValueError("no messages")
    messages = tuple(_parse_message(message, roles) for message in record["messages"])
    names, engagement = _parse_names(record.get("movieMentions")), _parse_engagement(record)
    own_id = record["conversationId"]
    known = "" if seeker.startswith("-") else seeker  # -1 and -2 stand for people who are not known
    dialogue = Dialogue("" if own_id is None else str(own_id).strip(), messages, names, engagement, known)
    texts = [dialogue.dialogue_id, *dialogue.names.values(), *(message.text for message in messages)]
    if any(HALF_A_PAIR.search(text) for text in texts):
        raise ValueError("text that is not valid Unicode")
    return dialogue


def _worker(number: Any) -> str:
    """7, 7.0, "7" and "7.0" are one worker. Raises `ValueError` for what is no id."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int | str) or not str(number).strip():
        raise ValueError(f"a worker id that is no number and no text: {number!r}")
    return intern(str(number).strip().removesuffix(".0"))


def _parse_message(message: Any, roles: dict[str, Role]) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get("text"), str):
        raise ValueError("a message without text")
    sender = _worker(message.get("senderWorkerId"))
    if sender not in roles:
        raise ValueError(f"a message by worker {sender}, who is neither seeker nor recommender")
    return Message(roles[sender], clean_text(message["text"]))


def _parse_names(mentions: Any) -> dict[int, str]:
    if isinstance(mentions, dict):
        pairs = list(mentions.items())
    elif isinstance(mentions, list):
        pairs = [(item["movieId"], item.get("movieName")) for item in mentions]
    else:
        pairs = []
    if any(name and not isinstance(name, str) for _, name in pairs):
        raise ValueError("a movie whose name is no text")
    return {int(movie_id): intern(clean_text(name)) for movie_id, name in pairs if name}


def _parse_engagement(record: dict[str, Any]) -> dict[int, Engagement]:
    """The seeker's form, completed by the recommender's where the seeker did not say."""
    forms = [_parse_form(record.get(f"{who}Questions")) for who in ("initiator", "respondent")]
    own, other = forms
    return {movie_id: _completed(own.get(movie_id, UNKNOWN), other.get(movie_id, UNKNOWN)) for movie_id in own | other}


@cache
def _completed(own: Engagement, other: Engagement) -> Engagement:
    return own.or_else(other)


def _parse_form(form: Any) -> dict[int, Engagement]:
    """An object of movie ids, or the hub's list of objects with a `movieId`; ReDial has `[]` where there is none."""
    if isinstance(form, dict):
        answers = list(form.items())
    elif isinstance(form, list):
        answers = [(item["movieId"], item) for item in form]
    else:
        answers = []
    return {
        int(movie_id): _engagement(*(_said(answer.get(question)) for question in ("liked", "seen", "suggested")))
        for movie_id, answer in answers
        if isinstance(answer, dict)
    }


@cache
def _engagement(liked: float | None, seen: float | None, suggested: float | None) -> Engagement:
    """One object for all that say the same, of which there are 27."""
    return Engagement(liked, seen, suggested)


def _said(value: Any) -> float | None:
    """ReDial's 0 and 1 are no and yes, its 2 is "did not say"."""
    return float(value) if value in (0, 1) else None


def read_split(*paths: Path) -> tuple[list[Dialogue], list[str]]:
    """Read a JSONL or parquet file, or the shards of one -> dialogues and one problem `file:line: why` per record that
    was skipped. A dialogue without an id, or with that of an earlier one, gets an id of its own, so that the splits can
    tell them apart.

    Raises `DataError` when there is no usable record, or when most are not.
    """
    dialogues: list[Dialogue] = []
    problems: list[str] = []
    taken: set[str] = set()
    renamed = 0
    for path in paths:
        for line, record in _records(path):
            try:
                dialogue = parse_dialogue(json.loads(record) if isinstance(record, str) else record)
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
                problems.append(f"{path.name}:{line}: {_reason(error)}")
                continue
            if not dialogue.dialogue_id or dialogue.dialogue_id in taken:
                renamed += 1
                dialogue = replace(dialogue, dialogue_id=f"{path.name.partition('.')[0]}-{line}")
            taken.add(dialogue.dialogue_id)
            dialogues.append(dialogue)
    first = f" First problem: {problems[0]}" if problems else ""
    if not dialogues:
        raise DataError(f"No usable dialogue in {paths[0]}.{first}")
    if len(problems) > len(dialogues):
        lines = len(problems) + len(dialogues)
        raise DataError(f"{paths[0]}: {len(problems):,} of {lines:,} dialogues cannot be used.{first}")
    if renamed:
        log.warning(
            "%s: %s dialogues had no conversationId or that of another, and got their line's number",
            paths[0].name,
            f"{renamed:,}",
        )
    log_skipped(problems, paths[0])
    return dialogues, problems


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg} at column {error.colno})"
    return f"missing {error}" if isinstance(error, KeyError) else str(error)


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    """Numbered records, starting at 1; blank lines are passed over."""
    if ending(path) == ".parquet":
        import pyarrow
        import pyarrow.parquet as parquet

        try:
            rows = parquet.read_table(pyarrow.BufferReader(read_bytes(path))).to_pylist()
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{path} is not a readable parquet file: {error}.") from error
        yield from enumerate(rows, start=1)
        return
    with opened(path) as file:
        for number, raw in enumerate(file, start=1):
            # `surrogateescape` keeps one undecodable line from ending the whole file: it fails alone.
            line = raw.removeprefix(BOM).decode("utf-8", errors="surrogateescape")
            if line.strip():
                yield number, line


def find_split(folder: Path, split: Literal["train", "test"]) -> list[Path]:
    """ReDial's own `train_data.jsonl`, or the hub's `data/train-00000-of-00001.parquet` with all its shards, anywhere
    below the folder. Raises `DataError` for several files that are not the shards of one, or where a shard is missing.
    """
    for pattern in (f"{split}_data.jsonl", f"{split}*.jsonl", f"{split}*.parquet"):
        found = find_files(folder, pattern)
        if len(found) > 1 and not whole_set(found):
            names = ", ".join(path.name for path in found[:3])
            raise DataError(f"{folder} has several files for the {split} split ({names}); leave one of them there.")
        if found:
            whole_set(found)
            return found
    return []


def _read_folder(folder: Path, source: Source) -> DialogueSet:
    if source is Source.FOLDER and not folder.is_dir():
        raise DataError(f"There is no folder {folder}. Set RECOMMENDER_DATA_DIR to the one that holds the data.")
    train_files, test_files = find_split(folder, "train"), find_split(folder, "test")
    if not train_files or not test_files:
        missing = "test" if train_files else "train"
        raise DataError(
            f"{folder} has no {missing} split. Expected train_data.jsonl and test_data.jsonl "
            "(ReDial's own files) or train*.parquet and test*.parquet (the hub's)."
        )
    train, train_problems = read_split(*train_files)
    test, test_problems = read_split(*test_files)
    return DialogueSet(source, str(folder), train, test, train_problems + test_problems)


def _fetch_hub(folder: Path) -> None:
    """Download the hub's copy into the cache folder. Raises `DataError` when the hub cannot be reached."""
    import datasets

    try:
        splits = datasets.load_dataset(HUB_NAME)  # nosec B615 # data alone, every record of which is checked
        folder.mkdir(parents=True, exist_ok=True)
        for split in ("train", "test"):
            aside = folder / f".{split}.part"
            splits[split].to_parquet(aside)
            aside.replace(folder / f"{split}.parquet")
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"Cannot fetch {HUB_NAME} from the hub: {error} Set RECOMMENDER_DATA_DIR to a folder that holds ReDial, "
            "or use --source sample."
        ) from error


def _is_whole(cache: Path) -> bool:
    """False for a cache that a broken download left half filled."""
    return bool(find_split(cache, "train") and find_split(cache, "test"))


def load_dialogues(source: str, config: Settings, catalog: Catalog | None) -> DialogueSet:
    """ReDial from the named source; `auto` tries folder, cache, hub and then the sample, and says which it took.

    A folder that was named (RECOMMENDER_DATA_DIR) but cannot be used is an error, never a silent fallback. Only the
    sample needs the catalogue.
    """
    if source not in SOURCES:
        raise UnknownNameError("data source", source, SOURCES)
    cache = config.cache_dir / "redial"
    if source == "folder" or (source == "auto" and config.data_dir is not None):
        if config.data_dir is None:
            raise DataError("Set RECOMMENDER_DATA_DIR to the folder that holds ReDial.")
        return _read_folder(config.data_dir, Source.FOLDER)
    if source == "cache" or (source == "auto" and _is_whole(cache)):
        return _read_folder(cache, Source.CACHE)
    if source in ("hub", "auto"):
        try:
            _fetch_hub(cache)
            return _read_folder(cache, Source.HUB)
        except DataError as error:
            if source == "hub":
                raise
            log.warning("%s", error)
    if catalog is None:
        raise DataError("The sample is drawn from the catalogue, and recommender/assets/catalog.json is missing.")
    train, test = sample_dialogues(catalog)
    return DialogueSet(Source.SAMPLE, "seeded simulator", train, test)
