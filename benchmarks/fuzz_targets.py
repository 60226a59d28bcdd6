"""What `benchmarks.fuzz` reads: for each reader of what others wrote, how an input is made and read as the app does."""

import json
from pathlib import Path
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import torch

from benchmarks.fuzz_data import Target, dialogue_target, ratings_target
from benchmarks.fuzz_inputs import Inputs
from benchmarks.fuzz_runs import damaged_tensors, expected, make_run, read_run, tiny_encoder
from pages.shared.link import MARKS, Link, address, from_params, to_params
from recommender.config import PROTOCOLS
from recommender.config import presets as preset
from recommender.config.presets import load_preset, preset_names
from recommender.config.values import parse_config
from recommender.data.catalog import Catalog, Movie
from recommender.data.task import load_catalog
from recommender.query.additions import load_added
from recommender.query.refusals import with_stances
from recommender.query.titles import TitleMatcher
from recommender.query.wish import Utterance, Wish, clean_wish, facets_of, references, to_example
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run
from recommender.settings import Settings, settings

# Presets and settings


def preset_target(folder: Path) -> Target:
    texts = [(preset.PRESETS / f"{name}.toml").read_text(encoding="utf-8") for name in preset_names()]
    lines = sorted({line for text in texts for line in text.splitlines() if "=" in line})
    values = (
        *("1", "-1", "0", "1e999", "inf", "-inf", "nan", "0x" + "f" * 6000, "9" * 6000, "1_000", "true", '"x"', "''"),
        *("[" * 3000, "[" * 300 + "]" * 300, "{a = {b = 1}}", "{}", "[]", "1979-05-27", "2**31", "4294967296"),
        *('"\\ud800"', '"""\n"""', "1\nseed = 2", "1 # one", "\x00", "9223372036854775808", "1e-400", "-0.0", "0.5"),
    )
    paths = (
        *("seed", "protocol", "start_from", "description", "model.text.name", "model.width", "loss.kind"),
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
        with patch.object(preset, "PRESETS", folder):
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
        facets_of(wish)
        for protocol in PROTOCOLS:
            to_example(wish, protocol, catalog).text.encode()

    return Target("titles", 0.05, make, read)


# Run folders


def checkpoint_target(folder: Path, catalog: Catalog) -> Target:
    here = Settings(checkpoints_dir=folder / "runs", cache_dir=folder / "cache")
    small = {"text": {"name": tiny_encoder(folder / "encoder")}}
    attention = {"embedding": 4, "history": {"kind": "attention", "hidden": 4}, "head": {"kind": "catalogue"}}
    counted = [
        make_run("knn", {"kind": "item_knn"}, catalog, here),
        make_run("pop", {"kind": "popularity"}, catalog, here),
    ]
    deep = [
        make_run("wide", {**small, **attention}, catalog, here),
        make_run("talk", {**small, "kind": "dialogue", "width": 4, "layers": 1}, catalog, here),
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

    return Target("links", 0.40, make, read)


def all_targets(folder: Path) -> list[Target]:
    """They write below `folder`, which is theirs alone."""
    folders = {part: folder / part for part in ("dialogues", "ratings", "presets", "checkpoints")}
    for own in folders.values():
        own.mkdir()
    small = Catalog([Movie(20, "Iron Comet", 1982, ("drama",), 61, 9), Movie(40, "Up"), Movie(1234, "Heat", 1995)])
    return [
        dialogue_target(folders["dialogues"], small),
        ratings_target(folders["ratings"], small),
        preset_target(folders["presets"]),
        title_target(load_catalog(settings())),
        checkpoint_target(folders["checkpoints"], small),
        link_target(),
    ]
