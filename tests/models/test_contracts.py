"""Every kind of model under the contract of `tests/contracts.py`, and what is saved of the encoder."""

import math
from dataclasses import replace

import pytest
import torch

from recommender.config import DataConfig, DialogueConfig, HeadConfig, HistoryConfig, ModelConfig, TextConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import Answer, Item, Spoken, collate
from recommender.data.examples import Example, Said
from recommender.data.messages import packed
from recommender.errors import CheckpointError, RecommenderError
from recommender.models.base import Recommender
from recommender.models.dialogue import DialogueRecommender
from recommender.models.inputs import items_of
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
        expected = torch.zeros(1, self.movies)
        expected[0, 7], expected[0, 1] = 2 * math.log1p(2), 2 * math.log1p(1)
        torch.testing.assert_close(added, expected, atol=1e-5, rtol=1e-5)
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


class TestDialogue(GradientContract):
    """The shipped model: messages and movies in their order."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        dialogue = DialogueConfig(width=16, dropout=0.0, forgotten=0.0)
        return ModelConfig(
            kind="dialogue", text=TextConfig(name=tiny_encoder), dialogue=dialogue, head=HeadConfig(dropout=0.0)
        )

    def test_one_table_serves_the_named_and_the_ranked_movies(self, model: DialogueRecommender) -> None:
        [reader] = model.readers
        assert reader.movies is reader.head.movies
        assert sum(name.endswith("learned.weight") for name in model.saved_weights()) == 1

    def test_what_comes_later_changes_nothing(self, model: Recommender, items: list[Item]) -> None:
        """So the turns of a dialogue may be learned in one pass."""
        model = self.learned(model, items)
        first, second = items[0].messages
        early = Item([], messages=[first], answers=[Answer(1, [4])], dialogue="d")
        late = Item([], messages=[first, second], answers=[Answer(2, [5, 6])], dialogue="d")
        [both] = packed([late, early])
        assert [answer.after for answer in both.answers] == [2, 1]
        batch = collate([both])
        assert batch["targets"].tolist() == [[5, 6], [4, -1]]
        apart = torch.cat([self.scores(model, collate([item])) for item in (late, early)])
        torch.testing.assert_close(self.scores(model, batch), apart, atol=1e-5, rtol=1e-5)

    def test_the_order_of_the_messages_matters(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        turned = [replace(item, messages=item.messages[::-1]) for item in items]
        one, other = self.scores(model, collate(items)), self.scores(model, collate(turned))
        assert not torch.allclose(one, other, atol=1e-4)

    def test_ready_vectors_give_the_scores_of_the_tokens(self, model: Recommender, items: list[Item]) -> None:
        from_tokens = self.scores(model, collate(items))
        for item in items:
            for message in item.messages:
                message.vector = model.text.vectors([message.tokens])[0]
        torch.testing.assert_close(self.scores(model, collate(items)), from_tokens, atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize("again", [True, False])
    def test_whether_people_come_back_to_a_movie_is_learned(self, again: bool, model: DialogueRecommender) -> None:
        """Every answer is the movie named before, or never is; what naming a movie that nobody named yet gains."""
        ids = model.tokenize(["well"], 64, "last")[0]
        wishes = []
        for movie in range(self.movies - 1):
            answer = [movie if again else (movie + 1) % (self.movies - 1)]
            wishes.append(Item([], [movie], answer, messages=[Spoken(ids, [movie])], answers=[Answer(1, answer)]))
        last = collate([Item([], messages=[Spoken(ids, [self.movies - 1])], answers=[Answer(1, [])])])

        def gain() -> float:
            whole = self.scores(model, last)[0, -1]
            [reader] = model.readers
            repeat, reader.repeat = reader.repeat, None
            alone = self.scores(model, last)[0, -1]
            reader.repeat = repeat
            return float(whole - alone)

        before = gain()
        self.train(model, wishes, steps=60)
        assert gain() > before + 0.3 if again else gain() < before - 0.1

    def test_only_the_recommender_s_answers_teach_when_to_repeat(self, model: Recommender, items: list[Item]) -> None:
        seeker = [replace(item, answers=[replace(item.answers[0], by_recommender=False)]) for item in items]
        batch = collate([*seeker, items[0]])
        assert model.train()(batch).shape == (len(items) + 2, self.movies)
        assert model.training_targets(batch).tolist() == [*batch["targets"].tolist(), batch["targets"][-1].tolist()]

    def test_learning_to_repeat_leaves_everything_else_as_it_is(self, model: Recommender, items: list[Item]) -> None:
        model.train()(collate(items))[len(items) :].sum().backward()
        moved = [name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()]
        assert {name.split(".")[2] for name in moved} == {"repeat"}


class TestDialogueForgetting(GradientContract):
    """While training some movies are known by their text alone."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        dialogue = DialogueConfig(width=16, dropout=0.0, forgotten=0.3)
        text = TextConfig(name=tiny_encoder)
        return ModelConfig(kind="dialogue", text=text, dialogue=dialogue, head=HeadConfig(dropout=0.0))

    def test_a_forgotten_movie_scores_as_if_nothing_were_learned_of_it(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        model = self.learned(model, items)
        [reader] = model.readers
        reader.movies.forgotten = 1.0
        asked = collate([replace(item, messages=[replace(m, mentioned=[]) for m in item.messages]) for item in items])
        forgotten = model.train()(asked)[: len(items)]
        model.eval().add_movies(self.TEXT, range(self.movies))  # all once more, by their texts
        added = self.scores(model, asked)[:, self.movies :]
        # Up to how popular they are taken to be.
        torch.testing.assert_close(added - added[:, :1], forgotten - forgotten[:, :1], atol=1e-5, rtol=1e-5)

    def test_a_new_movie_is_as_popular_as_those_it_is_said_to_be_like(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        model = self.learned(model, items)
        nothing = collate([self.nothing(model)])
        model.add_movies(self.TEXT, [2, 5, 7])  # the very texts of the old ones
        old, added = self.scores(model, nothing)[0].split(self.movies)
        torch.testing.assert_close(added[[2, 5, 7]].mean(), old[[2, 5, 7]].mean(), atol=1e-5, rtol=1e-5)


class TestDialogueMembers(GradientContract):
    """Two readers over one encoder."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        dialogue = DialogueConfig(members=2, width=16, layers=1, dropout=0.0, forgotten=0.0)
        text = TextConfig(name=tiny_encoder)
        return ModelConfig(kind="dialogue", text=text, dialogue=dialogue, head=HeadConfig(dropout=0.0))

    def test_the_readers_differ_and_a_ranking_goes_by_their_mean(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        model = self.learned(model, items)
        readers = model.readers
        both = self.scores(model, collate(items))
        each = []
        for reader in readers:
            model.readers = torch.nn.ModuleList([reader])
            each.append(self.scores(model, collate(items)).log_softmax(dim=1))
        assert not torch.allclose(*each, atol=1e-3)
        torch.testing.assert_close(both, sum(each) / 2)

    def test_the_movies_texts_are_saved_once(self, model: Recommender) -> None:
        assert [name for name in model.saved_weights() if name.endswith("movies.text")] == ["readers.0.movies.text"]
        for reader in model.readers:
            reader.movies.text = reader.movies.text.clone()  # as on a GPU
        assert [name for name in model.saved_weights() if name.endswith("movies.text")] == ["readers.0.movies.text"]


class TestDialogueCounts(GradientContract):
    """The shipped model's set-up: item-kNN counts join the scores, but never while training."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        dialogue = DialogueConfig(width=16, layers=1, dropout=0.0, forgotten=0.0, counts_weight=1.0)
        text = TextConfig(name=tiny_encoder)
        return ModelConfig(kind="dialogue", text=text, dialogue=dialogue, head=HeadConfig(dropout=0.0))

    def test_counts_add_their_logarithm_outside_training_alone(self, model: Recommender, items: list[Item]) -> None:
        asked = collate([replace(items[2], mentioned=[2])])
        plain, learned_from = self.scores(model, asked), model.train()(asked)
        model.fit([Item([], [2], [7], [2], "a"), Item([], [2], [7, 1], [2], "b")])
        added = self.scores(model, asked) - plain
        expected = torch.zeros(1, self.movies)
        expected[0, 7], expected[0, 1] = math.log1p(2), math.log1p(1)
        torch.testing.assert_close(added, expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model.train()(asked), learned_from)

    def test_counts_stored_in_half_precision_count_the_same(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        model.fit([Item([], [2], [7, 1], [2], "a")])
        halved = {name: t.half() if t.is_floating_point() else t for name, t in model.saved_weights().items()}
        again = make_model(self.config(tiny_encoder), self.movies, self.TEXT, seed=4)
        again.load_weights(halved)
        assert again.counts.values.tolist() == model.counts.values.tolist()
        assert self.scores(again.eval(), collate(items)).dtype == torch.float32


class TestDialogueWords(GradientContract):
    """The same by the words alone."""

    def config(self, tiny_encoder: str) -> ModelConfig:
        dialogue = DialogueConfig(width=16, reads_movies=False, dropout=0.0, forgotten=0.0)
        text = TextConfig(name=tiny_encoder)
        return ModelConfig(kind="dialogue", text=text, dialogue=dialogue, head=HeadConfig(dropout=0.0))

    def test_its_items_hold_no_movies_but_a_ranking_leaves_them_out(
        self, model: Recommender, small_catalog: Catalog
    ) -> None:
        example = Example("e", "d", 1, "like it", (1234,), (20,), (Said("seeker", "like it", (1234,)),))
        [item] = items_of(model, [example], small_catalog, DataConfig())
        assert item.mentioned == []
        assert [message.mentioned for message in item.messages] == [[]]
        assert item.exclude == [small_catalog.index(1234)]


class TestDialogueLastLayers(GradientContract):
    """The same with the encoder's last layer trained."""

    learning_rate = 3e-3

    def config(self, tiny_encoder: str) -> ModelConfig:
        dialogue = DialogueConfig(width=16, layers=1, dropout=0.0, forgotten=0.0)
        text = TextConfig(name=tiny_encoder, train="last", last_layers=1)
        return ModelConfig(kind="dialogue", text=text, dialogue=dialogue, head=HeadConfig(dropout=0.0))

    def test_only_the_last_layer_of_the_encoder_is_trained_and_saved(self, model: Recommender) -> None:
        of_encoder = {name for name in model.saved_weights() if name.startswith("text.")}
        assert of_encoder
        assert all(".layer.1." in name for name in of_encoder)

    def test_more_layers_than_there_are_is_said(self, tiny_encoder: str) -> None:
        text = TextConfig(name=tiny_encoder, train="last", last_layers=3)
        with pytest.raises(RecommenderError, match=r"has 2 layers"):
            make_model(ModelConfig(text=text), self.movies, None, seed=0)

    def test_the_identity_of_the_encoder_is_that_of_the_weights_it_began_with(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        self.learned(model, items)
        assert model.text.weights_hash == make_model(self.config(tiny_encoder), 12, self.TEXT, seed=1).text.weights_hash


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


def test_every_baseline_is_under_contract() -> None:
    assert {TestPopularity.kind, TestCopy.kind, TestItemKnn.kind} == set(BASELINES)


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
