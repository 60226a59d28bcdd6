"""Weights in pieces, as FSDP leaves them: ranked and kept as if they were whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from recommender.config import HeadConfig, HistoryConfig, LossConfig, ModelConfig, TextConfig
from recommender.data.collate import Item
from recommender.evaluation.ranking import rank
from recommender.losses.weighting import target_facts
from recommender.models.registry import make_model
from recommender.training.learner import Learner
from recommender.training.sharded import in_pieces, whole_weights

MOVIES = 12
ITEMS = [Item([101, 2000 + i, 102], [i], [i + 1]) for i in range(4)]


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def learner(tiny_encoder: str) -> Learner:
    history = HistoryConfig(kind="gru", embedding=8, hidden=8)
    config = ModelConfig(text=TextConfig(name=tiny_encoder), history=history, head=HeadConfig(hidden=16, dropout=0.0))
    model = make_model(config, MOVIES, None, seed=1)
    return Learner(model, LossConfig(kind="softmax"), target_facts(ITEMS, MOVIES), [])


@pytest.mark.usefixtures("group")
def test_pieces_rank_and_are_kept_as_the_whole_does(tiny_encoder: str) -> None:
    one, pieces = learner(tiny_encoder), learner(tiny_encoder)
    fully_shard(pieces, mesh=init_device_mesh("cpu", (1,)))
    assert (in_pieces(one), in_pieces(pieces)) == (False, True)
    device = torch.device("cpu")
    expected = rank(one.recommender, ITEMS, 5, device).all
    with pytest.raises(RuntimeError):  # a part of the whole alone is not put together
        rank(pieces.recommender, ITEMS, 5, device)
    with whole_weights(pieces):
        assert rank(pieces.recommender, ITEMS, 5, device).all.tolist() == expected.tolist()
    kept = pieces.recommender.saved_weights()
    assert all(torch.equal(kept[name], tensor) for name, tensor in one.recommender.saved_weights().items())
