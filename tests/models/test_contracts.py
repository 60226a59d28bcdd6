"""Every kind of model under the contract of `tests/contracts.py`, and what is saved of the encoder."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from recommender.config.models import (
    MODELS,
    AttentionSettings,
    BaselineSettings,
    CatalogueSettings,
    CopySettings,
    EaseSettings,
    FfnSettings,
    FrozenText,
    FullText,
    GruSettings,
    ItemKnnSettings,
    LoraText,
    ModelSettings,
    OneShotSettings,
    PopularitySettings,
)
from recommender.data.collate import Item, Text
from recommender.data.examples import Example
from recommender.errors import CheckpointError, RecommenderError
from recommender.models.base import Recommender
from recommender.models.one_shot import OneShotRecommender
from recommender.models.registry import make_model
from tests.contracts import EXAMPLES, CountingContract, GradientContract, context

HEAD = FfnSettings(hidden=32, dropout=0.0)


def one_shot(tiny_encoder: str, **changed: Any) -> OneShotSettings:
    return OneShotSettings(**({"text": FrozenText(name=tiny_encoder), "head": HEAD, "embedding": 16} | changed))


def with_mentioned(items: Sequence[Item], *mentioned: list[int]) -> list[Item]:
    """The items with other movies named before."""
    return [replace(item, mentioned=own, named=own) for item, own in zip(items, mentioned, strict=False)]


class TestText(GradientContract):
    """The encoder frozen, the paper's head."""

    vectors = "exact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return one_shot(tiny_encoder)

    def test_nothing_of_a_frozen_encoder_is_saved(self, model: Recommender) -> None:
        assert {name.split(".")[0] for name in model.saved_weights()} == {"head"}

    def test_ready_vectors_give_the_scores_of_the_tokens(self, model: Recommender, items: list[Item]) -> None:
        from_tokens = self.scores(model, items)
        for item in items:
            [text] = item.texts
            [text.vector] = model.text.vectors([text.tokens])
        assert "input_ids" not in model.collate(items)
        torch.testing.assert_close(self.scores(model, items), from_tokens, atol=1e-5, rtol=1e-5)


class TestTextClsAllTrained(GradientContract):
    """The paper's encoder: the first token's vector, every weight trained."""

    vectors = "exact"
    learning_rate = 3e-3

    def config(self, tiny_encoder: str) -> ModelSettings:
        return one_shot(tiny_encoder, text=FullText(name=tiny_encoder, pooling="cls"))

    def test_the_whole_encoder_is_saved(self, model: Recommender) -> None:
        saved = model.saved_weights()
        assert {name for name, _ in model.named_parameters()} <= saved.keys()


class TestTextGru(GradientContract):
    vectors = "exact"

    def config(self, tiny_encoder: str) -> OneShotSettings:
        return one_shot(tiny_encoder, history=GruSettings(hidden=16))

    def test_the_history_is_read_in_its_order(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        one, other = self.scores(model, with_mentioned([items[0]] * 2, [2, 3], [3, 2]))
        assert not torch.allclose(one, other, atol=1e-4)

    def test_the_mistake_of_an_empty_history_in_use_can_be_repeated(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        right = self.config(tiny_encoder)
        history = right.history.model_copy(update={"empty_in_use": True})
        wrong = make_model(right.model_copy(update={"history": history}), context(movie_text=None))
        wrong.load_weights(self.learned(model, items).saved_weights())
        without = with_mentioned(items, [], [], [], [])
        torch.testing.assert_close(self.scores(wrong, items), self.scores(model, without))
        # While training it reads them.
        read = wrong.train()(wrong.collate(items))
        torch.testing.assert_close(read, self.scores(model, items), atol=1e-5, rtol=0)


class TestCatalogueAttention(GradientContract):
    vectors = "exact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return one_shot(tiny_encoder, history=AttentionSettings(hidden=16), head=CatalogueSettings(dropout=0.0))

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
        with pytest.raises(RecommenderError, match="vectors of the movies' texts"):
            make_model(self.config(tiny_encoder), context(movie_text=None))


class TestCatalogueWithCounts(GradientContract):
    """Item-kNN counts join the scores, but never while training."""

    vectors = "inexact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return one_shot(
            tiny_encoder, history=AttentionSettings(hidden=16), head=CatalogueSettings(dropout=0.0), counts_weight=2.0
        )

    def test_counts_add_their_logarithm_outside_training_alone(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        asked = with_mentioned(items[:1], [2])
        plain = self.scores(model, asked)
        model.fit([Item((), [2], [7], [2], "a"), Item((), [2], [7, 1], [2], "b")])
        added = self.scores(model, asked) - plain
        assert added[0, 7] > added[0, 1] > added[0, 3] >= 0
        torch.testing.assert_close(added, model.counts(model.collate(asked)), atol=1e-5, rtol=1e-5)
        without = make_model(self.config(tiny_encoder).model_copy(update={"counts_weight": 0.0}), context())
        without.load_weights({n: t for n, t in model.saved_weights().items() if not n.startswith("counts.")})
        batch = model.collate(asked)
        torch.testing.assert_close(model.train()(batch), without.train()(batch))


class TestCatalogueAlone(GradientContract):
    vectors = "exact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return one_shot(tiny_encoder, head=CatalogueSettings(dropout=0.0))


class TestTextGruTags(GradientContract):
    """The fourth experiment, with the loss of the original trainer for both tasks."""

    vectors = "exact"
    TAGS = (("slow", 11), ("space", 0), ("creepy", 2), ("slow", 11))

    def config(self, tiny_encoder: str) -> ModelSettings:
        return one_shot(tiny_encoder, history=GruSettings(hidden=16, bidirectional=False), tags=True)

    @pytest.fixture
    def items(self, model: Recommender) -> list[Item]:
        items = model.items(EXAMPLES)
        texts = model.text.texts([tag for tag, _ in self.TAGS], 64, "first")
        for item, text, (_, movie) in zip(items, texts, self.TAGS, strict=True):
            item.tags = [Item((text,), targets=[movie])]
        return items

    def test_tags_are_learned_too(self, model: OneShotRecommender, items: list[Item]) -> None:
        self.train(model, items, steps=300)
        batch = model.collate(items)
        assert model.tag_head(model._tag_texts(batch)).argmax(1).tolist() == batch["tag_targets"][:, 0].tolist()

    def test_the_tag_loss_stands_beside_the_ranking_loss(self, model: Recommender, items: list[Item]) -> None:
        losses = model.losses(model.collate(items), self.objective(model, items))
        assert set(losses) == {"movie", "tag"}


class TestLora(GradientContract):
    vectors = "exact"
    learning_rate = 3e-3

    def config(self, tiny_encoder: str) -> ModelSettings:
        return one_shot(tiny_encoder, text=LoraText(name=tiny_encoder, lora_rank=4, lora_alpha=8))

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
        tokens = [text.tokens for item in items for text in item.texts]
        untrained = model.text.vectors(tokens)
        self.learned(model, items)
        before = model.text.vectors(tokens)
        assert not torch.allclose(before, untrained, atol=1e-3), "the adapters learned nothing"
        model.text.merge_lora()
        torch.testing.assert_close(model.text.vectors(tokens), before, atol=1e-5, rtol=0)

    def test_training_leaves_the_identity_of_the_frozen_weights(self, model: Recommender, items: list[Item]) -> None:
        before = model.text.weights_hash
        self.learned(model, items)
        del model.text.weights_hash
        assert model.text.weights_hash == before


class TestPopularity(CountingContract):
    def config(self, tiny_encoder: str) -> ModelSettings:
        return PopularitySettings()


class TestCopy(CountingContract):
    def config(self, tiny_encoder: str) -> ModelSettings:
        return CopySettings()


class TestItemKnn(CountingContract):
    def config(self, tiny_encoder: str) -> ModelSettings:
        return ItemKnnSettings()


class TestEase(CountingContract):
    def config(self, tiny_encoder: str) -> ModelSettings:
        return EaseSettings()


def test_every_baseline_is_under_contract() -> None:
    tested = [TestPopularity, TestCopy, TestItemKnn, TestEase]
    assert {test().config("").kind for test in tested} == {
        kind for kind, settings in MODELS.items() if issubclass(settings, BaselineSettings)
    }


def test_weights_of_another_model_are_refused_with_the_tensor_s_name(tiny_encoder: str) -> None:
    def model(hidden: int, tags: bool = False) -> Recommender:
        return make_model(one_shot(tiny_encoder, head=FfnSettings(hidden=hidden), tags=tags), context(0, None))

    with pytest.raises(CheckpointError, match=r"head\.1\.bias of shape \[8\], the model \[16\]"):
        model(16).load_weights(dict(sorted(model(8).saved_weights().items())))
    with pytest.raises(CheckpointError, match=r"lacks tag_head\.1\.bias"):
        model(8, tags=True).load_weights(model(8).saved_weights())
    with pytest.raises(CheckpointError, match=r"unknown tensor tag_head\.1\.bias"):
        model(8).load_weights(model(8, tags=True).saved_weights())


def test_a_batch_of_texts_is_padded_to_its_longest_and_no_further(tiny_encoder: str) -> None:
    model = make_model(one_shot(tiny_encoder), context())
    tags = [Item([Text([1, 2])], targets=[4]), Item([Text([3])], targets=[5]), Item([Text([9])], targets=[6])]
    batch = model.collate([Item([Text([0])], tags=tags[:2]), Item([Text([6, 7, 8])], tags=tags[2:])])
    assert batch["input_ids"].tolist() == [[0, 0, 0], [6, 7, 8]]
    assert batch["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch["tag_input_ids"].tolist() == [[1, 2], [3, 0], [9, 0]]
    assert batch["tag_attention_mask"].tolist() == [[1, 1], [1, 0], [1, 0]]
    assert batch["tag_targets"].tolist() == [[4], [5], [6]]


def test_ready_vectors_take_the_place_of_tokens(tiny_encoder: str) -> None:
    model = make_model(one_shot(tiny_encoder), context())
    tag = Item([Text([1], torch.ones(2))], targets=[4])
    batch = model.collate([Item([Text([5], torch.tensor([1.0, 2.0]))], tags=[tag])])
    assert batch["text_vectors"].tolist() == [[1.0, 2.0]]
    assert batch["tag_text_vectors"].tolist() == [[1.0, 1.0]]
    assert set(batch) == {"text_vectors", "tag_text_vectors", "tag_targets", "mentioned", "targets"}


@pytest.mark.parametrize(("keep", "kept"), [("first", "one two three"), ("last", "four five six")])
def test_the_settings_of_the_text_reach_the_tokeniser(keep: str, kept: str, tiny_encoder: str) -> None:
    model = make_model(one_shot(tiny_encoder), context(max_tokens=8, keep_tokens=keep))
    words = "one two three one two three four five six four five six"
    [item] = model.items([Example("e", "d", 0, words)])
    assert kept in model.text.tokenizer.decode(item.texts[0].tokens)
    assert len(item.texts[0].tokens) == 8
