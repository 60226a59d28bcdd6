"""A run folder becomes a model, or an error that names the file which is missing, damaged or of another run."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from recommender.config import RunConfig
from recommender.config.models import TEXTS, ModelSettings, OneShotSettings, PopularitySettings
from recommender.config.presets import load_preset, preset_names
from recommender.config.values import override
from recommender.data.catalog import Catalog, Movie
from recommender.data.examples import Example
from recommender.errors import CheckpointError, RecommenderError
from recommender.models.base import Context
from recommender.models.registry import make_model
from recommender.runs.checkpoints import halve, load_checkpoint, weights_facts
from recommender.runs.folder import Run, new_run
from recommender.settings import settings
from tests.models.small import five_movies

CPU = torch.device("cpu")
TABLE = torch.randn(12, 32, generator=torch.Generator().manual_seed(1)).half()


@pytest.fixture
def config(tiny_encoder: str) -> RunConfig:
    return RunConfig.model_validate(
        {
            "protocol": "conversational",
            "model": {
                "text": {"name": tiny_encoder},
                "embedding": 8,
                "history": {"kind": "attention", "hidden": 8},
                "head": {"kind": "catalogue"},
            },
        }
    )


@pytest.fixture
def run(config: RunConfig, small_catalog: Catalog) -> Run:
    run = new_run("r", config, settings())
    model = make_model(config.model, Context(small_catalog, TABLE, seed=5))
    run.write_catalog(small_catalog)
    run.write_weights(model.saved_weights(), weights_facts(model, small_catalog))
    return run


def test_the_model_comes_back_ready_to_answer(run: Run, config: RunConfig, small_catalog: Catalog) -> None:
    checkpoint = load_checkpoint(run, CPU)
    assert (checkpoint.run, checkpoint.config) == (run, config)
    assert list(checkpoint.catalog) == list(small_catalog)
    assert not checkpoint.model.training
    original = make_model(config.model, Context(small_catalog, TABLE, seed=5)).eval()
    batch = original.collate(original.items([Example("a", "a", 0, "scary", (30, 31)), Example("b", "b", 0, "")]))
    with torch.inference_mode():
        assert torch.equal(checkpoint.model(batch), original(batch))


@pytest.mark.parametrize("name", ["config.json", "catalog.json", "model.safetensors"])
def test_a_missing_file_is_named(name: str, run: Run) -> None:
    (run.folder / name).unlink()
    with pytest.raises(CheckpointError, match=rf"r/{name.replace('.', '[.]')}: No such file"):
        load_checkpoint(run, CPU)


@pytest.mark.parametrize("name", ["config.json", "catalog.json", "model.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_cut_file_is_named(name: str, share: float, run: Run) -> None:
    path = run.folder / name
    whole = path.read_bytes().rstrip()
    path.write_bytes(whole[: min(int(len(whole) * share), len(whole) - 1)])
    with pytest.raises(CheckpointError, match=rf"r/{name.replace('.', '[.]')} is (cut or )?damaged"):
        load_checkpoint(run, CPU)


@pytest.mark.parametrize(
    "content",
    [
        *(b"\x00" * 100, b"\xff" * 8, b"PK\x03\x04 a pickle", b"\x10" + b"\x00" * 7 + b"{" * 16),
        *((2**60).to_bytes(8, "little") + b"{}", (10**8).to_bytes(8, "little") + b"{}"),
    ],
)
def test_weights_that_are_something_else_are_refused(content: bytes, run: Run) -> None:
    (run.folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"r/model\.safetensors is cut or damaged"):
        load_checkpoint(run, CPU)


def test_a_setting_that_does_not_exist_is_refused_with_the_file(run: Run) -> None:
    values = json.loads((run.folder / "config.json").read_text())
    values["model"]["layers"] = 3
    (run.folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(RecommenderError, match=r"r/config\.json.*model\.layers"):
        load_checkpoint(run, CPU)


def test_weights_of_another_shape_are_refused_with_the_tensor(run: Run, config: RunConfig) -> None:
    values = config.model_dump()
    values["model"]["history"]["hidden"] = 16
    run.write_config(RunConfig.model_validate(values))
    with pytest.raises(CheckpointError, match=r"r/model\.safetensors: .*head\.query\.1\.weight of shape \[8, 40\]"):
        load_checkpoint(run, CPU)


def test_weights_of_another_kind_of_model_are_refused(run: Run, config: RunConfig) -> None:
    run.write_config(RunConfig(protocol=config.protocol, model=PopularitySettings()))
    with pytest.raises(CheckpointError, match=r"r/model\.safetensors"):
        load_checkpoint(run, CPU)


def test_a_catalogue_head_without_its_table_is_refused(run: Run) -> None:
    weights, facts = run.weights()
    run.write_weights({name: tensor for name, tensor in weights.items() if not name.endswith("movies.text")}, facts)
    with pytest.raises(CheckpointError, match=r"r/model\.safetensors"):
        load_checkpoint(run, CPU)


def test_the_catalogue_of_another_run_is_refused(run: Run, small_catalog: Catalog) -> None:
    """The same number of movies: without the fingerprint every score would be read as another movie's."""
    run.write_catalog(Catalog([*[movie for movie in small_catalog if movie.movie_id != 20], Movie(22, "Other")]))
    with pytest.raises(
        CheckpointError, match=r"r/model\.safetensors was made for another catalogue than r/catalog\.json"
    ):
        load_checkpoint(run, CPU)


def test_weights_without_their_facts_are_refused(run: Run) -> None:
    weights, _ = run.weights()
    save_file(weights, run.folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="another catalogue"):
        load_checkpoint(run, CPU)


def test_another_encoder_under_the_same_name_is_refused(run: Run) -> None:
    weights, facts = run.weights()
    run.write_weights(weights, facts | {"encoder": "0" * 32})
    with pytest.raises(CheckpointError, match="another version of the encoder"):
        load_checkpoint(run, CPU)


@pytest.mark.parametrize("facts", ["[" * 5000, "[]", '{"catalog": 5}', '"x"', "9" * 5000])
def test_weights_whose_facts_are_none_are_refused(facts: str, run: Run) -> None:
    save_file(run.weights()[0], run.folder / "model.safetensors", {"facts": facts})
    with pytest.raises(CheckpointError, match=r"r/model\.safetensors is damaged: its facts are none"):
        load_checkpoint(run, CPU)


def test_weights_that_say_nothing_of_themselves_are_refused(run: Run) -> None:
    header = json.dumps({"__metadata__": None, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (run.folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(CheckpointError, match=r"r/model\.safetensors"):
        load_checkpoint(run, CPU)


def test_numbers_that_torch_cannot_judge_are_refused(run: Run) -> None:
    header = json.dumps({"a": {"dtype": "F8_E8M0", "shape": [4], "data_offsets": [0, 4]}}).encode()
    (run.folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(CheckpointError, match=r"r/model\.safetensors"):
        load_checkpoint(run, CPU)


@pytest.mark.parametrize("path", ["embedding", "history.hidden"])
def test_settings_that_ask_for_all_memory_are_refused_before_a_model_is_built(
    path: str, run: Run, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.runs.checkpoints.make_model", None)
    values = config.model_dump()
    override(values, f"model.{path}={10**12}")
    run.write_config(RunConfig.model_validate(values))
    with pytest.raises(CheckpointError, match=r"too small for the model that r/config\.json describes"):
        load_checkpoint(run, CPU)


def test_a_model_is_never_told_to_be_larger_than_it_is() -> None:
    for name in preset_names():
        config = load_preset(name).model
        if config.encoder is not None and config.encoder.name == "minilm":
            model = make_model(config, five_movies(50, torch.zeros(50, 384)))
            assert config.least_parameters(50) <= sum(t.numel() for t in model.saved_weights().values())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(value: float, run: Run) -> None:
    weights, facts = run.weights()
    name = sorted(name for name in weights if name.endswith("bias"))[0]
    weights[name][0] = value
    run.write_weights(weights, facts)
    with pytest.raises(CheckpointError, match=rf"not finite in {name.replace('.', '[.]')}"):
        load_checkpoint(run, CPU)


def test_the_facts_name_the_encoder_only_where_its_weights_are_not_saved(
    tiny_encoder: str, small_catalog: Catalog
) -> None:
    def facts(settings: ModelSettings) -> dict[str, str]:
        return weights_facts(make_model(settings, Context(small_catalog)), small_catalog)

    def reads(train: str) -> ModelSettings:
        return OneShotSettings(text=TEXTS[train](name=tiny_encoder))

    assert facts(reads("none"))["encoder"] != ""
    assert facts(reads("lora"))["encoder"] != ""
    assert facts(reads("all")) == {"catalog": small_catalog.fingerprint, "encoder": ""}
    assert facts(PopularitySettings()) == {"catalog": small_catalog.fingerprint, "encoder": ""}


def test_loading_writes_nothing(run: Run) -> None:
    def state(folder: Path) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    before = state(run.folder)
    load_checkpoint(run, CPU)
    assert state(run.folder) == before


def test_halved_weights_take_half_the_room_and_score_nearly_alike(run: Run) -> None:
    def scores() -> torch.Tensor:
        model = load_checkpoint(run, CPU).model
        return model(model.collate(model.items([Example("a", "a", 0, "scary", (31,))])))

    before = scores()
    size, half = halve(run)
    assert (size, half) != (0, 0)
    assert half == run.weights_size < 0.8 * size  # of so small a file much is the names of its tensors
    after = scores()
    assert after.dtype == torch.float32
    torch.testing.assert_close(after, before, atol=5e-3, rtol=5e-3)
    assert not torch.equal(after, before)
