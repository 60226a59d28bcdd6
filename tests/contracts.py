"""What every model has to meet; each model's test class inherits these tests and says how the model is made."""

from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from torch import Tensor

from recommender.config import DataConfig, RunConfig
from recommender.config.losses import LOSSES
from recommender.config.models import ModelSettings
from recommender.data.catalog import Catalog, Movie
from recommender.data.collate import Item
from recommender.data.examples import Example, Said
from recommender.data.tags import TagRow
from recommender.errors import RecommenderError
from recommender.losses.objective import Objective
from recommender.losses.sampling import Candidates
from recommender.losses.weighting import target_facts
from recommender.models.base import Context, Recommender
from recommender.models.registry import make_model
from recommender.ranking.top_k import top_k
from recommender.runs.checkpoints import weights_facts
from recommender.runs.folder import new_run
from recommender.settings import settings

MOVIES = 12
CATALOG = Catalog(Movie(100 + n, f"Movie {n}", 1990 + n, ("drama",), None, n) for n in range(MOVIES))
TEXT = torch.randn(MOVIES, 32, generator=torch.Generator().manual_seed(5)).half()
WISHES = [
    ("a scary movie about an old house", [2, 3], [8]),
    ("romantic comedy", [4], [5, 6]),
    ("space, robots, and nothing else for a very long time", [0], [1, 7]),
    ("I would like to laugh", [], [4]),
]
LONG = ("and then the ghost came back " * 30, [5, 1, 9, 2, 7, 3], [6])
NOTHING = Example("nothing", "nothing", 0, "")


def ids(items: list[int]) -> tuple[int, ...]:
    return tuple(CATALOG[item].movie_id for item in items)


def example_of(name: str, text: str, mentioned: list[int], targets: list[int]) -> Example:
    """A wish in two messages, the movies named in the first."""
    said = (Said("seeker", text[:12], ids(mentioned)), Said("recommender", text[12:]))
    return Example(name, name, 2, text, ids(mentioned), ids(targets), said)


EXAMPLES = [example_of(f"e{n}", *wish) for n, wish in enumerate(WISHES)]


def context(seed: int = 3, movie_text: Tensor | None = TEXT, **data: object) -> Context:
    return Context(CATALOG, movie_text, DataConfig.model_validate(data), seed)


class ModelContract:
    """Subclasses give `config`, and `vectors`: whether wishes and movies have vectors, and whether their products are
    exactly the scores."""

    vectors: Literal["none", "inexact", "exact"] = "none"

    def config(self, tiny_encoder: str) -> ModelSettings:
        raise NotImplementedError

    @pytest.fixture
    def model(self, tiny_encoder: str) -> Recommender:
        return make_model(self.config(tiny_encoder), context()).eval()

    @pytest.fixture
    def items(self, model: Recommender) -> list[Item]:
        return model.items(EXAMPLES)

    @staticmethod
    def scores(model: Recommender, items: list[Item]) -> Tensor:
        with torch.inference_mode():
            return model.eval()(model.collate(items))

    def learned(self, model: Recommender, items: list[Item]) -> Recommender:
        """The model after it has learned something, so that its scores differ from movie to movie."""
        model.fit(items)
        return model

    def test_the_settings_name_the_class(self, model: Recommender, tiny_encoder: str) -> None:
        config = self.config(tiny_encoder)
        assert type(model).settings is type(config)
        assert model.config == config

    def test_every_target_is_in_the_training_items_once(self, model: Recommender) -> None:
        """Two examples of one dialogue among them."""
        later = Example("e0:2", "e0", 3, "more", ids([2, 3, 8]), ids([9]), (*EXAMPLES[0].said, Said("seeker", "more")))
        task = SimpleNamespace(protocol="next_movie", learning_examples=lambda: [*EXAMPLES, later])
        items = model.training_items(task)  # type: ignore[arg-type]
        found = [targets for item in items for targets in item.target_lists]
        assert sorted(found) == sorted([*(targets for _, _, targets in WISHES), [9]])
        rows = model.collate(items)["targets"]
        assert sorted([i for i in row if i >= 0] for row in rows.tolist()) == sorted(found)

    def test_scores_are_finite_and_one_for_each_movie(self, model: Recommender, items: list[Item]) -> None:
        scores = self.scores(self.learned(model, items), items)
        assert scores.shape == (len(items), MOVIES)
        assert scores.isfinite().all()
        assert scores.is_floating_point()

    def test_the_rows_of_a_batch_do_not_influence_each_other(self, model: Recommender, items: list[Item]) -> None:
        """Nor does the padding that a much longer one brings."""
        model = self.learned(model, items)
        together = self.scores(model, [*items, *model.items([example_of("long", *LONG)])])[:-1]
        alone = torch.cat([self.scores(model, [item]) for item in items])
        torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-5)
        assert top_k(alone, 3).tolist() == top_k(together, 3).tolist()

    def test_an_empty_wish_is_answered(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        nothing = model.items([NOTHING])
        scores = self.scores(model, nothing)
        assert scores.shape == (1, MOVIES)
        assert scores.isfinite().all()
        torch.testing.assert_close(self.scores(model, [*nothing, items[0]])[:1], scores, atol=1e-5, rtol=1e-5)

    def test_a_refreshed_model_ranks_as_before(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        before = self.scores(model, items)
        model.before_ranking()
        assert torch.equal(self.scores(model, items), before)

    def test_saved_weights_give_the_same_scores_exactly(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        model = self.learned(model, items)
        protocols = getattr(self.config(tiny_encoder), "protocols", None) or ("conversational",)
        config = RunConfig(protocol=protocols[0], model=self.config(tiny_encoder))
        run = new_run("saved", config, settings())
        run.write_weights(model.saved_weights(), weights_facts(model, CATALOG))
        weights, facts = run.weights()
        again = make_model(config.model, context(seed=4))
        again.load_weights(weights)
        assert facts == weights_facts(again, CATALOG)
        assert torch.equal(self.scores(again, items), self.scores(model, items))
        assert [path.name for path in Path(run.folder).glob("*.safetensors")] == ["model.safetensors"]

    def test_the_seed_decides_the_first_weights(self, tiny_encoder: str) -> None:
        one, same = (make_model(self.config(tiny_encoder), context()) for _ in range(2))
        assert all(torch.equal(tensor, same.state_dict()[name]) for name, tensor in one.state_dict().items())

    def test_it_says_whether_wishes_and_movies_have_vectors(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        model.fit(items)
        movies, batch = model.item_vectors(), model.collate(items)
        assert model.scores_by_vectors == (self.vectors == "exact")
        if self.vectors == "none":
            assert movies is None
            with pytest.raises(RecommenderError, match="no vectors"):
                model.encode(batch)
            return
        assert movies is not None
        assert movies.bias.shape == (MOVIES,)
        assert not movies.vectors.requires_grad
        assert not movies.bias.requires_grad
        with torch.inference_mode():
            found = model.encode(batch) @ movies.vectors.T + movies.bias
        assert found.isfinite().all()
        same = torch.allclose(found, self.scores(model, items), atol=1e-5, rtol=1e-5)
        assert same == (self.vectors == "exact")

    def test_it_says_whether_a_movie_may_be_added_by_its_text(
        self, model: Recommender, items: list[Item], tiny_encoder: str
    ) -> None:
        """The scores of the others stay as they are to each other, but for those named before, which may be ranked by
        where the best ones are; the new one's follow from its text, so a twin in words scores like a twin."""
        model = self.learned(model, items)
        before = self.scores(model, items)
        more = CATALOG.with_added(Movie(200 + n, f"New {n}", None, (), None, 0) for n in range(3))
        texts = torch.stack([TEXT[3], TEXT[3], -TEXT[3]])
        if not self.config(tiny_encoder).reads_movie_text:
            with pytest.raises(RecommenderError, match="catalogue head"):
                model.add_movies(more, texts, [0])
            assert model.context.catalog is CATALOG
            return
        with torch.inference_mode():
            model.add_movies(more, texts, [0, 1, 2])
        after = self.scores(model, items)
        assert after.shape == (len(items), MOVIES + 3)
        for item, old, new in zip(items, before, after, strict=True):
            unnamed = [movie for movie in range(MOVIES) if movie not in item.mentioned]
            old, new = old[unnamed], new[unnamed]
            torch.testing.assert_close(new - new[0], old - old[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(after[:, -3], after[:, -2])
        assert not torch.allclose(after[:, -3], after[:, -1], atol=1e-4)
        vectors = model.item_vectors()
        assert vectors is not None
        assert len(vectors.bias) == MOVIES + 3
        assert model.items([Example("n", "n", 0, "x", (200,))])[0].named == [MOVIES]

    def test_it_says_whether_it_learns_the_tag_task(self, model: Recommender, tiny_encoder: str) -> None:
        rows = [TagRow("slow", 111), TagRow("space", 100)]
        tags = model.tag_items(SimpleNamespace(tags=lambda: rows))  # type: ignore[arg-type]
        learns = "tag" in self.config(tiny_encoder).tasks
        assert [tag.targets for tag in tags] == ([[11], [0]] if learns else [])


class GradientContract(ModelContract):
    """What a model that learns by gradient has to meet besides."""

    learning_rate = 1e-2
    loss = "softmax"

    def learned(self, model: Recommender, items: list[Item]) -> Recommender:
        self.train(model, items, steps=5)
        return model

    def objective(self, model: Recommender, items: list[Item]) -> Objective:
        tasks = [task for task in model.config.tasks if task == "tag"]
        return Objective(LOSSES[self.loss].model_validate({}), target_facts(items, MOVIES), tasks)

    def train(self, model: Recommender, items: list[Item], steps: int) -> float:
        """Full batches through the model's own losses; returns the sum of the last ones."""
        torch.manual_seed(0)
        batch, objective = model.collate(items), self.objective(model, items)
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=self.learning_rate)
        model.train()
        for _ in range(steps):
            optimizer.zero_grad()
            loss = torch.stack(list(model.losses(batch, objective).values())).sum()
            loss.backward()
            optimizer.step()
        model.eval()
        return loss.item()

    def test_one_batch_can_be_learned_by_heart(self, model: Recommender, items: list[Item]) -> None:
        """To the least loss there is: rows with two targets keep log 2 of uncertainty under softmax."""
        floor = sum(torch.log(torch.tensor(float(len(item.targets)))).item() for item in items) / len(items)
        loss = self.train(model, items, steps=300)
        assert loss < floor + 0.02
        rankings = top_k(self.scores(model, items), 2).tolist()
        for item, ranking in zip(items, rankings, strict=True):
            assert set(ranking[: len(item.targets)]) == set(item.targets)

    def test_every_weight_that_is_trained_gets_a_gradient(self, model: Recommender, items: list[Item]) -> None:
        self.train(model, items, steps=1)
        unused = {n for n, p in model.named_parameters() if p.requires_grad and p.grad is None}
        assert {name for name in unused if "pooler" not in name} == set()

    def test_every_task_says_over_how_many_rows_its_loss_is_a_mean(self, model: Recommender, items: list[Item]) -> None:
        """So that a batch read in two pieces has the loss of the whole."""
        model, objective = self.learned(model, items), self.objective(model, items)
        parts = [model.collate(items), model.collate(items[:1]), model.collate(items[1:])]
        with torch.no_grad():
            (whole, one, two), (total, *rows) = (
                [model.losses(part, objective) for part in parts],
                [model.loss_rows(part, objective) for part in parts],
            )
        for task, loss in whole.items():
            mean = sum(part[task] * own[task] for part, own in zip((one, two), rows, strict=True)) / total[task]
            torch.testing.assert_close(mean, loss, atol=1e-5, rtol=1e-5)

    def test_candidates_score_as_they_do_among_all(self, model: Recommender, items: list[Item]) -> None:
        model = self.learned(model, items)
        batch, candidates = model.collate(items), torch.tensor([0, 2, 3, 8, 11])
        every, some = model(batch), model(batch | {"candidates": candidates})
        torch.testing.assert_close(some, every[:, candidates], atol=1e-5, rtol=1e-5)

    def test_a_sample_of_the_whole_catalogue_gives_the_loss_of_the_whole(
        self, model: Recommender, items: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = self.learned(model, items).train()
        batch, objective = model.collate(items), self.objective(model, items)
        torch.manual_seed(7)
        expected = model.losses(batch, objective)
        everything = Candidates(torch.arange(MOVIES), torch.ones(MOVIES), MOVIES)
        monkeypatch.setattr(objective, "candidates", lambda targets: everything)
        torch.manual_seed(7)
        for task, loss in model.losses(batch, objective).items():
            torch.testing.assert_close(loss, expected[task], atol=1e-5, rtol=1e-5)

    def test_seeds_differ(self, tiny_encoder: str) -> None:
        one, other = (make_model(self.config(tiny_encoder), context(seed)) for seed in (3, 4))
        assert any(not torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


class CountingContract(ModelContract):
    """What a model that counts has to meet besides."""

    def test_it_has_no_loss_and_no_words(self, model: Recommender, items: list[Item]) -> None:
        assert not model.settings.learns
        assert model.text is None
        objective = Objective(LOSSES["softmax"].model_validate({}), target_facts(items, MOVIES))
        with pytest.raises(RecommenderError, match="no loss"):
            model.losses(model.collate(items), objective)
