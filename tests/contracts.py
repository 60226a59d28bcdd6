"""What every model has to meet; each model's test class inherits these tests and says how the model is made."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from recommender.config import LossConfig, ModelConfig, RunConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import PADDING, Answer, Batch, Item, Spoken, collate
from recommender.errors import RecommenderError
from recommender.evaluation.ranking import top_k
from recommender.losses.ranking import BinaryCrossEntropy, make_loss
from recommender.losses.weighting import target_facts
from recommender.models.base import Recommender
from recommender.models.registry import make_model
from recommender.runs.checkpoints import weights_facts
from recommender.runs.folder import new_run
from recommender.settings import settings

WISHES = [
    ("a scary movie about an old house", [2, 3], [8]),
    ("romantic comedy", [4], [5, 6]),
    ("space, robots, and nothing else for a very long time", [0], [1, 7]),
    ("I would like to laugh", [], [4]),
]
TAGS = [("slow", 11), ("space", 0), ("creepy", 2)]


class ModelContract:
    """Subclasses give `config`; the catalogue has twelve movies, `TEXT` stands in for the vectors of their texts."""

    movies = 12
    TEXT = torch.randn(12, 32, generator=torch.Generator().manual_seed(5)).half()

    def config(self, tiny_encoder: str) -> ModelConfig:
        raise NotImplementedError

    @pytest.fixture
    def model(self, tiny_encoder: str) -> Recommender:
        return make_model(self.config(tiny_encoder), self.movies, self.TEXT, seed=3).eval()

    @pytest.fixture
    def items(self, model: Recommender) -> list[Item]:
        if model.reads_messages:
            return self.message_items(model)
        tokens = model.tokenize([text for text, _, _ in WISHES], 64, "last")
        tags = [Item(ids, targets=[movie]) for ids, (_, movie) in zip(self._tag_tokens(model), TAGS, strict=True)]
        items = [
            Item(ids, mentioned, targets, mentioned)
            for ids, (_, mentioned, targets) in zip(tokens, WISHES, strict=True)
        ]
        for item, tag in zip(items, [*tags, tags[0]], strict=True):
            item.tags = [tag]
        return items

    @staticmethod
    def message_items(model: Recommender) -> list[Item]:
        """Each wish in two messages, the movies named in the first."""
        items = []
        for text, mentioned, targets in WISHES:
            halves = model.tokenize([text[:12], text[12:]], 64, "last")
            messages = [Spoken(halves[0], mentioned), Spoken(halves[1], [], speaker=1)]
            answers = [Answer(len(messages), targets)]
            items.append(Item([], mentioned, targets, mentioned, messages=messages, answers=answers))
        return items

    @staticmethod
    def nothing(model: Recommender) -> Item:
        """A wish that says nothing."""
        if model.reads_messages:
            return Item([], answers=[Answer(0, [])])
        return Item(model.tokenize([""], 64, "last")[0])

    @staticmethod
    def _tag_tokens(model: Recommender) -> list[list[int]]:
        return model.tokenize([tag for tag, _ in TAGS], 64, "first")

    @staticmethod
    def scores(model: Recommender, batch: Batch) -> Tensor:
        with torch.inference_mode():
            return model.eval()(batch)

    def learned(self, model: Recommender, items: list[Item]) -> Recommender:
        """The model after it has learned something, so that its scores differ from movie to movie."""
        model.fit(items)
        return model

    def test_scores_are_finite_and_one_for_each_movie(self, model: Recommender, items: list[Item]) -> None:
        scores = self.scores(self.learned(model, items), collate(items))
        assert scores.shape == (len(items), self.movies)
        assert scores.isfinite().all()
        assert scores.is_floating_point()

    def test_padding_changes_nothing(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        batch = collate(items)
        paddings = {"attention_mask": 0, "message_mask": 0, "slot_speaker": 0, "slot_turn": 0}  # others: no index, -1
        paddings |= {"input_ids": 5, "message_ids": 5, "mentioned": PADDING}
        kept = ("targets", "tag_targets", "tag_input_ids", "tag_attention_mask", "rows", "ends")
        padded = {
            name: tensor if name in kept else torch.nn.functional.pad(tensor, (0, 7), value=paddings.get(name, PADDING))
            for name, tensor in batch.items()
        }
        before, after = self.scores(model, batch), self.scores(model, padded)
        torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)
        self.check_same_order(after, before)

    def test_the_rows_of_a_batch_do_not_influence_each_other(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        together = self.scores(model, collate(items))
        alone = torch.cat([self.scores(model, collate([item])) for item in items])
        torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-5)
        self.check_same_order(alone, together)

    def check_same_order(self, one: Tensor, other: Tensor) -> None:
        """What a ranking is made of; models that count promise it to the last bit anyway."""
        assert top_k(one, 3).tolist() == top_k(other, 3).tolist()

    def test_an_empty_wish_is_answered(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        nothing = self.nothing(model)
        scores = self.scores(model, collate([nothing]))
        assert scores.shape == (1, self.movies)
        assert scores.isfinite().all()
        beside = self.scores(model, collate([nothing, items[0]]))[:1]
        torch.testing.assert_close(beside, scores, atol=1e-5, rtol=1e-5)

    def test_saved_weights_give_the_same_scores_exactly(
        self, model: Recommender, items: list[Item], small_catalog: Catalog, tiny_encoder: str
    ) -> None:
        model = self.learned(model, items)
        config = RunConfig(protocol="conversational", model=self.config(tiny_encoder))
        run = new_run("saved", config, settings())
        run.write_weights(model.saved_weights(), weights_facts(model, small_catalog))
        weights, facts = run.weights()
        again = make_model(config.model, self.movies, self.TEXT, seed=4)
        again.load_weights(weights)
        assert facts == weights_facts(again, small_catalog)
        assert torch.equal(self.scores(again, collate(items)), self.scores(model, collate(items)))
        assert [path.name for path in Path(run.folder).glob("*.safetensors")] == ["model.safetensors"]

    def test_the_seed_decides_the_first_weights(self, tiny_encoder: str) -> None:
        one, same = (make_model(self.config(tiny_encoder), self.movies, self.TEXT, seed=3) for _ in range(2))
        assert all(torch.equal(tensor, same.state_dict()[name]) for name, tensor in one.state_dict().items())


class GradientContract(ModelContract):
    """What a model that learns by gradient has to meet besides."""

    learning_rate = 1e-2
    loss = "softmax"

    def learned(self, model: Recommender, items: list[Item]) -> Recommender:
        self.train(model, items, steps=5)
        return model

    def train(self, model: Recommender, items: list[Item], steps: int) -> float:
        """Full batches through the project's own loss; returns the last loss."""
        torch.manual_seed(0)
        batch = collate(items)
        loss_of = make_loss(LossConfig(kind=self.loss), target_facts(items, self.movies))
        tag_loss_of = BinaryCrossEntropy()
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=self.learning_rate)
        model.train()
        for _ in range(steps):
            optimizer.zero_grad()
            loss = loss_of(model(batch), model.training_rows(batch["targets"], batch))
            if getattr(model, "tag_head", None) is not None:
                loss = loss + tag_loss_of(model.tag_scores(batch), batch["tag_targets"])
            loss.backward()
            optimizer.step()
        model.eval()
        return loss.item()

    def test_one_batch_can_be_learned_by_heart(self, model: Recommender, items: list[Item]) -> None:
        """To the least loss there is: rows with two targets keep log 2 of uncertainty under softmax."""
        floor = sum(torch.log(torch.tensor(float(len(item.targets)))).item() for item in items) / len(items)
        loss = self.train(model, items, steps=300)
        assert loss < floor + 0.02
        rankings = top_k(self.scores(model, collate(items)), 2).tolist()
        for item, ranking in zip(items, rankings, strict=True):
            assert set(ranking[: len(item.targets)]) == set(item.targets)

    def test_every_weight_that_is_trained_gets_a_gradient(self, model: Recommender, items: list[Item]) -> None:
        self.train(model, items, steps=1)
        unused = {n for n, p in model.named_parameters() if p.requires_grad and p.grad is None}
        assert {name for name in unused if "pooler" not in name} == set()

    @pytest.mark.parametrize("training", [False, True])
    def test_some_movies_score_as_they_do_among_all(
        self, model: Recommender, items: list[Item], training: bool
    ) -> None:
        model = self.learned(model, items).train(training)
        batch, columns = collate(items), torch.tensor([0, 2, 3, 8, 11])
        torch.manual_seed(7)
        every = model(batch)
        torch.manual_seed(7)
        some = model(batch | {"columns": columns})
        torch.testing.assert_close(some, every[:, columns], atol=1e-5, rtol=1e-5)

    def test_dot_products_are_the_scores(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        movies = model.dot_products()
        if movies is None:
            return
        batch = collate(items)
        with torch.inference_mode():
            found = model.queries(batch) @ movies.vectors.T + movies.bias
        torch.testing.assert_close(found, self.scores(model, batch), atol=1e-5, rtol=1e-5)
        assert not movies.vectors.requires_grad
        assert not movies.bias.requires_grad

    def test_seeds_differ(self, tiny_encoder: str) -> None:
        one, other = (make_model(self.config(tiny_encoder), self.movies, self.TEXT, seed=seed) for seed in (3, 4))
        assert any(not torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())

    def test_a_movie_may_be_added_by_its_text(self, model: Recommender, items: list[Item], tiny_encoder: str) -> None:
        """The scores of the others stay as they are to each other, but for those named before, which may be ranked by
        where the best ones are; the new one's follow from its text, so a twin in words scores like a twin."""
        model = self.learned(model, items)
        before = self.scores(model, collate(items))
        if not self.config(tiny_encoder).reads_movie_text:
            with pytest.raises(RecommenderError, match="catalogue head"):
                model.add_movies(self.TEXT[:1], [0])
            return
        with torch.inference_mode():
            model.add_movies(torch.stack([self.TEXT[3], self.TEXT[3], -self.TEXT[3]]), [0, 1, 2])
        after = self.scores(model, collate(items))
        assert after.shape == (len(items), self.movies + 3)
        for item, old, new in zip(items, before, after, strict=True):
            unnamed = [movie for movie in range(self.movies) if movie not in item.mentioned]
            old, new = old[unnamed], new[unnamed]
            torch.testing.assert_close(new - new[0], old - old[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(after[:, -3], after[:, -2])
        assert not torch.allclose(after[:, -3], after[:, -1], atol=1e-4)
        assert len(model.movie_vectors()) == self.movies + 3  # type: ignore[arg-type]

    def test_a_movie_has_a_place(self, model: Recommender) -> None:
        vectors = model.movie_vectors()
        assert vectors is not None
        assert len(vectors) == self.movies
        assert not vectors.requires_grad
