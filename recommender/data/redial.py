"""ReDial: dialogues between a seeker and a recommender, from the hub, a folder or the shipped sample.

Li et al., "Towards Deep Conversational Recommendations", NeurIPS 2018.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from sys import intern
from typing import Any, Literal

from recommender.data.catalog import Catalog, clean_text
from recommender.data.engagement import UNKNOWN, Engagement
from recommender.errors import DataError, UnknownNameError
from recommender.settings import Settings
from recommender.wording import SAMPLE

log = logging.getLogger(__name__)

Role = Literal["seeker", "recommender"]
Source = Literal["folder", "cache", "hub", "sample"]
SOURCES = ("auto", "folder", "cache", "hub", "sample")
HUB_NAME = "community-datasets/re_dial"
MENTION = re.compile(r"@(\d{1,18})(?!\d)")  # more digits are no id
HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # no tokenizer can read half of a surrogate pair


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance. Movies stand in `text` as `@id`."""

    role: Role
    text: str

    @property
    def movie_ids(self) -> tuple[int, ...]:
        """The mentioned ids in order, each once. The whole number is read, so `@123` is not found in `@1234`."""
        return tuple(dict.fromkeys(int(number) for number in MENTION.findall(self.text)))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation. `names` holds the movie names that the record itself declares, `engagement` what the two people
    filled in afterwards: whether the seeker liked a movie, had seen it, and who brought it up."""

    dialogue_id: str
    messages: tuple[Message, ...]
    names: dict[int, str] = field(default_factory=dict)
    engagement: dict[int, Engagement] = field(default_factory=dict)


@dataclass(frozen=True)
class DialogueSet:
    """The two published splits, which source they came from, and the lines that could not be used.

    `origin` is a path of this machine; `describe` leaves it out, since runs are shared.
    """

    source: Source
    origin: str
    train: list[Dialogue]
    test: list[Dialogue]
    problems: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """One sentence for the screen and the log; it never hides that the sample stands in for ReDial."""
        counts = f"{len(self.train):,} training and {len(self.test):,} test dialogues"
        skipped = f"; {len(self.problems)} malformed line(s) skipped" if self.problems else ""
        what = SAMPLE if self.source == "sample" else f"ReDial ({self.source})"
        return f"{what}: {counts}{skipped}"


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
    seeker, recommender = record["initiatorWorkerId"], record["respondentWorkerId"]
    if seeker == recommender:
        raise ValueError("seeker and recommender are the same worker")
    roles: dict[Any, Role] = {seeker: "seeker", recommender: "recommender"}
    if not isinstance(record["messages"], list) or not record["messages"]:
        raise ValueError("no messages")
    messages = tuple(_parse_message(message, roles) for message in record["messages"])
    names, engagement = _parse_names(record.get("movieMentions")), _parse_engagement(record)
    dialogue = Dialogue(str(record["conversationId"]), messages, names, engagement)
    texts = [dialogue.dialogue_id, *dialogue.names.values(), *(message.text for message in messages)]
    if any(HALF_A_PAIR.search(text) for text in texts):
        raise ValueError("text that is not valid Unicode")
    return dialogue


def _parse_message(message: Any, roles: dict[Any, Role]) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get("text"), str):
        raise ValueError("a message without text")
    sender = message.get("senderWorkerId")
    if not isinstance(sender, int) or sender not in roles:
        raise ValueError(f"a message by worker {sender!r}, who is neither seeker nor recommender")
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


def read_split(path: Path) -> tuple[list[Dialogue], list[str]]:
    """Read a JSONL or parquet file -> dialogues and one problem `file:line: why` per record that was skipped.

    Raises `DataError` when the file has no usable record.
    """
    dialogues: list[Dialogue] = []
    problems: list[str] = []
    for line, record in _records(path):
        try:
            dialogues.append(parse_dialogue(json.loads(record) if isinstance(record, str) else record))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            problems.append(f"{path.name}:{line}: {_reason(error)}")
    if not dialogues:
        first = f" First problem: {problems[0]}" if problems else ""
        raise DataError(f"No usable dialogue in {path}.{first}")
    for problem in problems[:20]:
        log.warning("skipped %s", problem)
    return dialogues, problems


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg} at column {error.colno})"
    return f"missing {error}" if isinstance(error, KeyError) else str(error)


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    """Numbered records, starting at 1; blank lines are passed over."""
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet as parquet

        try:
            rows = parquet.read_table(path).to_pylist()
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{path} is not a readable parquet file: {error}.") from error
        yield from enumerate(rows, start=1)
        return
    # `surrogateescape` keeps one undecodable line from ending the whole file: it fails alone, as JSON or as text.
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        yield from ((number, line) for number, line in enumerate(file, start=1) if line.strip())


def find_split(folder: Path, split: Literal["train", "test"]) -> Path | None:
    """ReDial's own `train_data.jsonl`, or the hub's `data/train-00000-of-00001.parquet`, anywhere below the folder."""
    for pattern in (f"{split}_data.jsonl", f"{split}*.jsonl", f"{split}*.parquet"):
        found = sorted(folder.rglob(pattern))
        if len(found) > 1:
            names = ", ".join(path.name for path in found[:3])
            raise DataError(f"{folder} has several files for the {split} split ({names}); leave one of them there.")
        if found:
            return found[0]
    return None


def _read_folder(folder: Path, source: Source) -> DialogueSet:
    train_file, test_file = find_split(folder, "train"), find_split(folder, "test")
    if train_file is None or test_file is None:
        missing = "test" if train_file else "train"
        raise DataError(
            f"{folder} has no {missing} split. Expected train_data.jsonl and test_data.jsonl "
            "(ReDial's own files) or train*.parquet and test*.parquet (the hub's)."
        )
    train, train_problems = read_split(train_file)
    test, test_problems = read_split(test_file)
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
    return find_split(cache, "train") is not None and find_split(cache, "test") is not None


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
        return _read_folder(config.data_dir, "folder")
    if source == "cache" or (source == "auto" and _is_whole(cache)):
        return _read_folder(cache, "cache")
    if source in ("hub", "auto"):
        try:
            _fetch_hub(cache)
            return _read_folder(cache, "hub")
        except DataError as error:
            if source == "hub":
                raise
            log.warning("%s", error)
    from recommender.data.sample import sample_dialogues

    if catalog is None:
        raise DataError("The sample is drawn from the catalogue, and recommender/assets/catalog.json is missing.")
    train, test = sample_dialogues(catalog)
    return DialogueSet("sample", "seeded simulator", train, test)
