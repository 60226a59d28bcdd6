"""Every kind of model under the contract of `tests/contracts.py`, and what is saved of the encoder."""

import pytest
import torch

from recommender.config import HeadConfig, HistoryConfig, ModelConfig, TextConfig
from recommender.data.collate import Item, collate
from recommender.errors import CheckpointError
from recommender.models.base import Recommender
from recommender.models.one_shot import OneShotRecommender
from recommender.models.registry import BASELINES, make_model
from tests.contracts import GradientContract, ModelContract

HEAD = HeadConfig(hidden=32, dropout=0.0)
HISTORY = {"embedding": 16, "hidden": 16}


class TestText(GradientContract):
    """The encoder frozen, the paper's head."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        return ModelConfig(text=TextConfig(name=tiny_encoder), head=HEAD)

    def test_nothing_of_a_frozen_encoder_is_saved(self, model: Recommender) -> None:
        assert {name.split(".")[0] for name in model.saved_weights()} == {"head"}

    def test_ready_vectors_give_the_scores_of_the_tokens(self, model: Recommender, items: list[Item]) -> None:
        from_tokens = self.scores(model, collate(items))
        for item, vector in zip(items, model.text.vectors([item.tokens for item in items]), strict=True):
            item.vector, item.tags = vector, ()
        torch.testing.assert_close(self.scores(model, collate(items)), from_tokens, atol=1e-5, rtol=1e-5)

    def test_without_a_tag_head_there_are_no_tag_scores(self, model: OneShotRecommender, items: list[Item]) -> None:
        with pytest.raises(ValueError, match="no tag head"):
            model.tag_scores(collate(items))


class TestTextClsAllTrained(GradientContract):
    """The paper's encoder: the first token's vector, every weight trained."""

    learning_rate = 3e-3

    def config(self, tiny_encoder: str) -> ModelConfig:
        return ModelConfig(text=TextConfig(name=tiny_encoder, pooling="cls", train="all"), head=HEAD)

    def test_the_whole_encoder_is_saved(self, model: Recommender) -> None:
        saved = model.saved_weights()
        assert {name for name, _ in model.named_parameters()} <= saved.keys()


class TestTextGru(GradientContract):
    def config(self, tiny_encoder: str) -> ModelConfig:
        history = HistoryConfig(kind="gru", bidirectional=True, **HISTORY)
        return ModelConfig(text=TextConfig(name=tiny_encoder), history=history, head=HEAD)

    def test_the_history_is_read_in_its_order(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        batch = collate([Item(items[0].tokens, [2, 3]), Item(items[0].tokens, [3, 2])])
        one, other = self.scores(model, batch)
        assert not torch.allclose(one, other, atol=1e-4)

    def test_the_mistake_of_an_empty_history_in_use_can_be_repeated(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        right = self.config(tiny_encoder)
        history = right.history.model_copy(update={"empty_in_use": True})
        wrong = make_model(right.model_copy(update={"history": history}), self.movies, None, seed=3)
        wrong.load_weights(self.learned(model, items).saved_weights())
        without = [Item(item.tokens) for item in items]
        torch.testing.assert_close(self.scores(wrong, collate(items)), self.scores(model, collate(without)))
        # While training it reads them.
        torch.testing.assert_close(wrong.train()(collate(items)), self.scores(model, collate(items)), atol=1e-5, rtol=0)


class TestCatalogueAttention(GradientContract):
    def config(self, tiny_encoder: str) -> ModelConfig:
        return ModelConfig(
            text=TextConfig(name=tiny_encoder),
            history=HistoryConfig(kind="attention", **HISTORY),
            head=HeadConfig(kind="catalogue", dropout=0.0),
        )

    def test_one_table_serves_history_and_head(self, model: OneShotRecommender) -> None:
        assert model.history.movies is model.head.movies
        assert [name for name in model.saved_weights() if name.endswith("learned.weight")] == [
            "history.movies.learned.weight"
        ]

    def test_the_text_s_part_of_a_movie_is_not_trained(self, model: OneShotRecommender, items: list[Item]) -> None:
        before = model.head.movies.text.clone()
        self.learned(model, items)
        assert torch.equal(model.head.movies.text, before)

    def test_scores_are_dot_products_with_the_movies_vectors(self, model: OneShotRecommender) -> None:
        wish = torch.randn(3, 16)
        expected = wish @ model.head.movies.table().T
        torch.testing.assert_close(model.head.movies.scores(wish), expected, atol=1e-5, rtol=1e-5)

    def test_it_needs_the_movies_texts(self, tiny_encoder: str) -> None:
        with pytest.raises(ValueError, match="movie_text"):
            make_model(self.config(tiny_encoder), self.movies, None, seed=0)


class TestCatalogueWithCounts(GradientContract):
    """Item-kNN counts join the scores, but never while training."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        history = HistoryConfig(kind="attention", counts_weight=2.0, **HISTORY)
        return ModelConfig(text=TextConfig(name=tiny_encoder), history=history, head=HeadConfig(kind="catalogue"))

    def test_counts_add_their_logarithm_outside_training_alone(self, model: Recommender, items: list[Item]) -> None:
        batch = collate([Item(items[0].tokens, [2], [], [2])])
        plain = self.scores(model, batch)
        model.fit([Item([], [2], [7], [2], "a"), Item([], [2], [7, 1], [2], "b")])
        added = self.scores(model, batch) - plain
        assert added[0, 7] > added[0, 1] > added[0, 3] >= 0
        torch.testing.assert_close(added, model.counts(batch), atol=1e-5, rtol=1e-5)
        without = make_model(self.without_counts(model), self.movies, self.TEXT, seed=3)
        without.load_weights({n: t for n, t in model.saved_weights().items() if not n.startswith("counts.")})
        torch.manual_seed(1)
        learned_from = model.train()(batch)
        torch.manual_seed(1)
        torch.testing.assert_close(learned_from, without.train()(batch))

    def without_counts(self, model: Recommender) -> ModelConfig:
        config = self.config(model.text.config.name)
        return config.model_copy(update={"history": config.history.model_copy(update={"counts_weight": 0.0})})


class TestCatalogueAlone(GradientContract):
    def config(self, tiny_encoder: str) -> ModelConfig:
        history = HistoryConfig(kind="none", **HISTORY)
        head = HeadConfig(kind="catalogue", dropout=0.0)
        return ModelConfig(text=TextConfig(name=tiny_encoder), history=history, head=head)


class TestTextGruTags(GradientContract):
    """The fourth experiment, with the loss of the original trainer for both tasks."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        history = HistoryConfig(kind="gru", bidirectional=False, **HISTORY)
        return ModelConfig(text=TextConfig(name=tiny_encoder), history=history, head=HEAD, tags=True)

    def test_tags_are_learned_too(self, model: OneShotRecommender, items: list[Item]) -> None:
        self.train(model, items, steps=300)
        batch = collate(items)
        assert model.tag_scores(batch).argmax(1).tolist() == batch["tag_targets"][:, 0].tolist()


class TestLora(GradientContract):
    learning_rate = 3e-3

    def config(self, tiny_encoder: str) -> ModelConfig:
        text = TextConfig(name=tiny_encoder, train="lora", lora_rank=4, lora_alpha=8, lora_dropout=0.0)
        return ModelConfig(text=text, head=HEAD)

    def test_only_adapters_and_head_are_trained(self, model: Recommender, items: list[Item]) -> None:
        trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        assert {name for name in trained if name.startswith("text.") and "lora_" not in name} == set()
        assert any("lora_A" in name for name in trained)
        before = {name: parameter.clone() for name, parameter in model.named_parameters()}
        self.learned(model, items)
        changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
        assert {name for name in changed if name.startswith("text.") and "lora_" not in name} == set()
        assert any("lora_B" in name for name in changed)
        assert any(name.startswith("head.") for name in changed)

    def test_only_adapters_and_head_are_saved(self, model: Recommender) -> None:
        saved = set(model.saved_weights())
        assert saved == {name for name, parameter in model.named_parameters() if parameter.requires_grad}

    def test_merging_the_adapters_keeps_the_vectors(self, model: Recommender, items: list[Item]) -> None:
        untrained = model.text.vectors([item.tokens for item in items])
        self.learned(model, items)
        before = model.text.vectors([item.tokens for item in items])
        assert not torch.allclose(before, untrained, atol=1e-3), "the adapters learned nothing"
        model.text.merge_lora()
        after = model.text.vectors([item.tokens for item in items])
        torch.testing.assert_close(after, before, atol=1e-5, rtol=0)

    def test_training_leaves_the_identity_of_the_frozen_weights(self, model: Recommender, items: list[Item]) -> None:
        before = model.text.weights_hash
        self.learned(model, items)
        del model.text.weights_hash
        assert model.text.weights_hash == before


class CountingContract(ModelContract):
    """Ties are broken by column, so equal scores keep the order."""

    kind = ""

    def config(self, tiny_encoder: str) -> ModelConfig:
        return ModelConfig(kind=self.kind)

    def test_the_text_is_not_read(self, model: Recommender) -> None:
        assert model.tokenize(["a", "b"], 64, "last") == [[], []]
        assert model.movie_vectors() is None
        assert not model.learns_by_gradient


class TestPopularity(CountingContract):
    kind = "popularity"


class TestCopy(CountingContract):
    kind = "copy"


class TestItemKnn(CountingContract):
    kind = "item_knn"


class TestEase(CountingContract):
    kind = "ease"


def test_every_baseline_is_under_contract() -> None:
    assert {TestPopularity.kind, TestCopy.kind, TestItemKnn.kind, TestEase.kind} == set(BASELINES)


def test_weights_of_another_model_are_refused_with_the_tensor_s_name(tiny_encoder: str) -> None:
    def model(hidden: int, tags: bool = False) -> Recommender:
        config = ModelConfig(text=TextConfig(name=tiny_encoder), head=HeadConfig(hidden=hidden), tags=tags)
        return make_model(config, 12, None, seed=0)

    with pytest.raises(CheckpointError, match=r"head\.1\.bias of shape \[8\], the model \[16\]"):
        model(16).load_weights(dict(sorted(model(8).saved_weights().items())))
    with pytest.raises(CheckpointError, match=r"lacks tag_head\.1\.bias"):
        model(8, tags=True).load_weights(model(8).saved_weights())
    with pytest.raises(CheckpointError, match=r"unknown tensor tag_head\.1\.bias"):
        model(8).load_weights(model(8, tags=True).saved_weights())
