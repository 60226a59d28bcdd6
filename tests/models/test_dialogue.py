"""The model that reads a dialogue message by message, in all its settings, under the contract."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from recommender.config.models import DialogueSettings, FrozenText, LastLayersText, ModelSettings, OneShotSettings
from recommender.data.collate import Item
from recommender.data.examples import Example, Said
from recommender.errors import RecommenderError
from recommender.models.base import Recommender
from recommender.models.dialogue import DialogueRecommender, _learning_scores
from recommender.models.dialogue_items import DialogueItem, Spoken, Turn, packed
from recommender.models.registry import make_model
from tests.contracts import CATALOG, EXAMPLES, MOVIES, NOTHING, TEXT, GradientContract, context


def naming(items: list[Item], mentioned: list[int]) -> list[Item]:
    """The same words, and these movies in the first message."""
    found = []
    for item in items:
        first, *rest = item.texts
        texts = [replace(first, mentioned=mentioned), *(replace(said, mentioned=[]) for said in rest)]
        found.append(replace(item, texts=texts, mentioned=mentioned))
    return found


def naming_nothing(items: list[Item]) -> list[Item]:
    return naming(items, [])


def learning(model: DialogueRecommender, items: list[Item]) -> torch.Tensor:
    """The scores that one reader learns from."""
    batch = model.collate(items)
    [read] = model.train()._read(batch)
    return _learning_scores(read, batch)


def small(tiny_encoder: str, **changed: Any) -> DialogueSettings:
    """A small model without anything random; `changed` are fields of its settings."""
    plain = {"text": FrozenText(name=tiny_encoder), "width": 16}
    return DialogueSettings(**(plain | dict.fromkeys(("dropout", "item_dropout", "head_dropout"), 0.0) | changed))


class TestDialogue(GradientContract):
    """The shipped model: messages and movies in their order."""

    vectors = "inexact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return small(tiny_encoder)

    def test_one_table_serves_the_named_and_the_ranked_movies(self, model: DialogueRecommender) -> None:
        [reader] = model.readers
        assert reader.movies is reader.head.movies
        assert sum(name.endswith("learned.weight") for name in model.saved_weights()) == 1

    def test_what_comes_later_changes_nothing(self, model: Recommender, items: list[Item]) -> None:
        """So the turns of a dialogue may be learned in one pass."""
        model = self.learned(model, items)
        first, second = items[0].texts
        early = DialogueItem([first], turns=[Turn(1, [4])], dialogue="d")
        late = DialogueItem([first, second], turns=[Turn(2, [5, 6])], dialogue="d")
        [both] = packed([late, early])
        assert [turn.after for turn in both.turns] == [2, 1]
        assert model.collate([both])["targets"].tolist() == [[5, 6], [4, -1]]
        apart = torch.cat([self.scores(model, [item]) for item in (late, early)])
        torch.testing.assert_close(self.scores(model, [both]), apart, atol=1e-5, rtol=1e-5)

    def test_equal_messages_are_encoded_once(self, model: Recommender) -> None:
        one, other = model.items([EXAMPLES[0], replace(EXAMPLES[0], example_id="again")])
        assert one.texts[0] is other.texts[0]

    def test_examples_that_do_not_begin_alike_stay_apart(self, model: Recommender) -> None:
        """As those of one person's events."""
        events = [replace(example, dialogue_id="person") for example in EXAMPLES]
        items = packed(model._items(events))
        assert [item.target_lists for item in items] == [[item.targets] for item in model.items(EXAMPLES)]

    def test_the_order_of_the_messages_matters(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        turned = [replace(item, texts=item.texts[::-1]) for item in items]
        one, other = self.scores(model, items), self.scores(model, turned)
        assert not torch.allclose(one, other, atol=1e-4)

    def test_ready_vectors_give_the_scores_of_the_tokens(self, model: Recommender, items: list[Item]) -> None:
        from_tokens = self.scores(model, items)
        for item in items:
            for message in item.texts:
                message.vector = model.text.vectors([message.tokens])[0]
        torch.testing.assert_close(self.scores(model, items), from_tokens, atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize("again", [True, False])
    def test_whether_people_come_back_to_a_movie_is_learned(self, again: bool, model: DialogueRecommender) -> None:
        """Every answer is the movie named before, or never is; what naming a movie that nobody named yet gains."""
        [well] = model.text.tokenize(["well"], 64, "last")

        def naming_one(movie: int, targets: list[int]) -> DialogueItem:
            return DialogueItem([Spoken(well, mentioned=[movie])], [movie], targets, turns=[Turn(1, targets)])

        wishes = []
        for movie in range(MOVIES - 1):
            answer = [movie if again else (movie + 1) % (MOVIES - 1)]
            wishes.append(naming_one(movie, answer))
        last = [naming_one(MOVIES - 1, [])]

        def gain() -> float:
            scores = self.scores(model, last)[0]
            return float(scores[-1] - scores[:-1].mean())

        before = gain()
        self.train(model, wishes, steps=60)
        assert gain() > before + 0.3 if again else gain() < before - 0.1

    def test_a_movie_named_before_is_ranked_by_its_copy_score(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        """It is added to the mean of the ten highest scores of the catalogue."""
        [reader] = model.readers
        with torch.no_grad():
            reader.repeat.query.weight.zero_()
            reader.repeat.query.bias.zero_()
            reader.repeat.bias.fill_(0.5)
        asked = naming(items[:1], [2, 5])
        scores = self.scores(model, asked)[0]
        [read] = model.eval()._read(model.collate(asked))
        catalogue = read.scores[0].log_softmax(dim=0).detach()
        assert scores[[2, 5]].tolist() == pytest.approx([float(catalogue.sort().values[-10:].mean()) + 0.5] * 2)
        others = [movie for movie in range(MOVIES) if movie not in {2, 5}]
        torch.testing.assert_close(scores[others], catalogue[others])

    def test_only_the_recommender_s_answers_teach_when_to_repeat(self, model: Recommender, items: list[Item]) -> None:
        seeker = [replace(item, turns=[replace(item.turns[0], by_recommender=False)]) for item in items]
        batch = model.collate([*seeker, items[0]])
        assert learning(model, [*seeker, items[0]]).shape == (len(items) + 2, MOVIES)
        assert model._learning_rows(batch["targets"], batch).tolist() == [
            *batch["targets"].tolist(),
            batch["targets"][-1].tolist(),
        ]

    def test_learning_to_repeat_leaves_everything_else_as_it_is(self, model: Recommender, items: list[Item]) -> None:
        learning(model, items)[len(items) :].sum().backward()
        moved = [name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()]
        assert {name.split(".")[2] for name in moved} == {"repeat"}


class TestDialogueItemDropout(GradientContract):
    """While training some movies are known by their text alone."""

    vectors = "inexact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return small(tiny_encoder, item_dropout=0.3)

    def test_a_dropped_movie_scores_as_if_nothing_were_learned_of_it(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        model = self.learned(model, items)
        [reader] = model.readers
        reader.movies.dropout = 1.0
        asked = naming_nothing(items)
        dropped = learning(model, asked)[: len(items)]
        model.eval().add_movies(CATALOG, TEXT, range(MOVIES))  # all once more, by their texts
        added = self.scores(model, asked)[:, MOVIES:]
        # Up to how popular they are taken to be.
        torch.testing.assert_close(added - added[:, :1], dropped - dropped[:, :1], atol=1e-5, rtol=1e-5)

    def test_a_new_movie_is_as_popular_as_those_it_is_said_to_be_like(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        model = self.learned(model, items)
        nothing = model.items([NOTHING])
        model.add_movies(CATALOG, TEXT, [2, 5, 7])  # the very texts of the old ones
        old, added = self.scores(model, nothing)[0].split(MOVIES)
        torch.testing.assert_close(added[[2, 5, 7]].mean(), old[[2, 5, 7]].mean(), atol=1e-5, rtol=1e-5)


class TestDialogueMembers(GradientContract):
    """Two readers over one encoder."""

    vectors = "inexact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return small(tiny_encoder, members=2, layers=1)

    def test_the_readers_differ_and_a_ranking_goes_by_their_mean(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        model = self.learned(model, items)
        readers = model.readers
        asked = naming_nothing(items)
        both = self.scores(model, asked)
        each = []
        for reader in readers:
            model.readers = torch.nn.ModuleList([reader])
            each.append(self.scores(model, asked).log_softmax(dim=1))
        assert not torch.allclose(*each, atol=1e-3)
        torch.testing.assert_close(both, sum(each) / 2)

    def test_the_movies_texts_are_saved_once(self, model: Recommender) -> None:
        assert [name for name in model.saved_weights() if name.endswith("movies.text")] == ["readers.0.movies.text"]
        for reader in model.readers:
            reader.movies.text = reader.movies.text.clone()  # as on a GPU
        assert [name for name in model.saved_weights() if name.endswith("movies.text")] == ["readers.0.movies.text"]


class TestDialogueShipped(GradientContract):
    """The shipped model's set-up as a whole: readers, counts, movies named before."""

    vectors = "inexact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return small(tiny_encoder, members=2, layers=1, counts_weight=1.0)

    def test_a_named_movie_goes_by_the_level_with_counts_and_the_mean_gain(
        self, model: DialogueRecommender, items: list[Item]
    ) -> None:
        model.fit([Item((), [2], [7], [2], "a")])
        for reader, gain in zip(model.readers, (0.5, 1.5), strict=True):
            torch.nn.init.zeros_(reader.repeat.query.weight)
            torch.nn.init.zeros_(reader.repeat.query.bias)
            torch.nn.init.constant_(reader.repeat.bias, gain)
        batch = model.collate(items[:1])  # names 2 and 3
        with torch.no_grad():
            each = [read.scores.log_softmax(dim=1) for read in model._read(batch)]
            catalogue = (sum(each) / 2 + model.counts(batch))[0]
        expected = catalogue.clone()
        expected[[2, 3]] = catalogue.sort().values[-10:].mean() + 1.0
        torch.testing.assert_close(self.scores(model, items[:1])[0], expected, atol=1e-5, rtol=1e-5)


class TestDialogueCounts(GradientContract):
    """The shipped model's set-up: item-kNN counts join the scores, but never while training."""

    vectors = "inexact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return small(tiny_encoder, layers=1, counts_weight=1.0)

    def test_counts_add_their_logarithm_outside_training_alone(self, model: Recommender, items: list[Item]) -> None:
        asked = [replace(naming_nothing(items)[2], mentioned=[2])]
        plain, learned_from = self.scores(model, asked), learning(model, asked)
        model.fit([Item((), [2], [7], [2], "a"), Item((), [2], [7, 1], [2], "b")])
        added = self.scores(model, asked) - plain
        assert added[0, 7] > added[0, 1] > added[0, 3] >= 0
        torch.testing.assert_close(added, model.counts(model.collate(asked)), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(learning(model, asked), learned_from)

    def test_counts_stored_in_half_precision_count_the_same(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        model.fit([Item((), [2], [7, 1], [2], "a")])
        halved = {name: t.half() if t.is_floating_point() else t for name, t in model.saved_weights().items()}
        again = make_model(self.config(tiny_encoder), context(seed=4))
        again.load_weights(halved)
        torch.testing.assert_close(again.counts.values, model.counts.values, atol=0, rtol=1e-3)
        assert self.scores(again, items).dtype == torch.float32


class TestDialogueWords(GradientContract):
    """The same by the words alone."""

    vectors = "inexact"

    def config(self, tiny_encoder: str) -> ModelSettings:
        return small(tiny_encoder, reads_movies=False)

    def test_its_items_hold_no_movies_but_know_which_were_named(self, model: Recommender) -> None:
        example = Example("e", "d", 1, "like it", (104,), (108,), (Said("seeker", "like it", (104,)),))
        [item] = model.items([example])
        assert item.mentioned == []
        assert [message.mentioned for message in item.texts] == [[]]
        assert item.named == [4]


class TestDialogueLastLayers(GradientContract):
    """The same with the encoder's last layer trained."""

    vectors = "inexact"

    learning_rate = 3e-3

    def config(self, tiny_encoder: str) -> ModelSettings:
        return small(tiny_encoder, layers=1, text=LastLayersText(name=tiny_encoder, last_layers=1))

    def test_only_the_last_layer_of_the_encoder_is_trained_and_saved(self, model: Recommender) -> None:
        of_encoder = {name for name in model.saved_weights() if name.startswith("text.")}
        assert of_encoder
        assert all(".layer.1." in name for name in of_encoder)

    def test_more_layers_than_there_are_is_said(self, tiny_encoder: str) -> None:
        text = LastLayersText(name=tiny_encoder, last_layers=3)
        with pytest.raises(RecommenderError, match=r"has 2 layers"):
            make_model(OneShotSettings(text=text), context(0))

    def test_the_identity_of_the_encoder_is_that_of_the_weights_it_began_with(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        self.learned(model, items)
        assert model.text.weights_hash == make_model(self.config(tiny_encoder), context(1)).text.weights_hash
