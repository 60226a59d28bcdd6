"""Item-kNN on cases counted by hand, and what its scores are beside those of a model."""

import pytest
import torch

from recommender.config import DataConfig
from recommender.config.models import ItemKnnSettings
from recommender.data.collate import PADDING, Item
from recommender.data.task import load_task
from recommender.models.base import Context
from recommender.models.item_knn import ItemKnn, WeightedCounts
from recommender.ranking.top_k import top_k
from recommender.settings import Settings
from tests.models.small import five_movies

# Dialogue a names 0, 1, 2; b names 0, 2, 3 (in two examples, which count once); c names 0 and 2.
TRAIN = [
    Item((), [0, 1], [2], [0, 1], "a"),
    Item((), [0], [2, 3], [0], "b"),
    Item((), [], [3], [], "b"),
    Item((), [2, 0], [2], [2, 0], "c"),
]
TOGETHER = torch.tensor([[0, 1, 3, 1, 0], [1, 0, 1, 0, 0], [3, 1, 0, 1, 0], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]]).float()
NAMED = torch.tensor([3.0, 1, 3, 1, 0])


def fitted(items: list[Item] = TRAIN, **settings: float) -> ItemKnn:
    model = ItemKnn(ItemKnnSettings(**settings), five_movies())
    model.fit(items)
    return model


def scores(model: ItemKnn, *histories: list[int]) -> torch.Tensor:
    return model(model.collate([Item((), history) for history in histories]))


@pytest.mark.parametrize(("shrinkage", "mentioned", "candidate"), [(0.0, 0.5, 0.5), (2.0, 0.5, 0.5), (2.0, 0.8, 0.3)])
def test_a_neighbour_scores_its_shrunken_asymmetric_cosine(
    shrinkage: float, mentioned: float, candidate: float
) -> None:
    model = fitted(shrinkage=shrinkage, mentioned_power=mentioned, candidate_power=candidate, prior=0.0)
    size = (NAMED + shrinkage).clamp(min=1)
    expected = TOGETHER / (size[:, None] ** mentioned * size[None, :] ** candidate)
    torch.testing.assert_close(scores(model, [0], [1], [2], [3], [4]), expected)


def test_the_latest_movie_weighs_most() -> None:
    model = fitted(decay=0.5, prior=0.0)
    alone = scores(model, [0], [1], [2])
    torch.testing.assert_close(
        scores(model, [2, 1, 0], [0, 1]),
        torch.stack([alone[0] + 0.5 * alone[1] + 0.25 * alone[2], 0.5 * alone[0] + alone[1]]),
    )


def test_wishes_of_one_batch_do_not_mix() -> None:
    """Histories of different lengths, an empty one among them, give what each gives alone."""
    model, histories = fitted(), [[0, 3], [], [1], [2, 0, 1]]
    for together, history in zip(scores(model, *histories), histories, strict=True):
        torch.testing.assert_close(together, scores(model, history)[0])


def test_a_wish_that_names_nothing_known_is_ranked_by_popularity() -> None:
    model = fitted(items=[*TRAIN, Item((), [], [3, 2], [], "d")])  # named by 4, 3, 2, 1 and 0 dialogues
    nothing = scores(model, [], [4])
    assert top_k(nothing, 5).tolist() == [[2, 0, 3, 1, 4]] * 2
    assert float(nothing.max()) == pytest.approx(model.prior)


def test_without_any_dialogue_it_scores_nothing() -> None:
    assert scores(fitted(items=[]), [0, 1], []).tolist() == [[0] * 5] * 2


def test_fitting_again_forgets_what_was_fitted_before() -> None:
    again = fitted()
    again.fit(TRAIN[:1])
    once = fitted(TRAIN[:1]).state_dict()
    assert all(torch.equal(tensor, once[name]) for name, tensor in again.state_dict().items())


def test_saved_similarities_of_any_number_are_taken_over() -> None:
    model, empty = fitted(decay=0.5), ItemKnn(ItemKnnSettings(), five_movies())
    empty.load_weights(model.saved_weights())
    assert torch.equal(scores(empty, [0, 1], []), scores(model, [0, 1], []))


def test_counts_of_older_weights_are_added_up_as_before() -> None:
    """They hold raw counts and neither a decay nor a popularity."""
    cells = TOGETHER.nonzero()
    old = {
        "rows": torch.tensor([0, 3, 5, 8, 10, 10], dtype=torch.int32),
        "columns": cells[:, 1].int(),
        "values": TOGETHER[TOGETHER > 0],
    }
    model = ItemKnn(ItemKnnSettings(), five_movies())
    model.load_weights(dict(old))
    assert scores(model, [0, 1], [2], []).tolist() == [[1, 1, 4, 1, 0], [3, 1, 0, 1, 0], [0] * 5]
    counts = WeightedCounts(five_movies(), weight=2.0)
    counts.load_weights(dict(old))
    torch.testing.assert_close(scores(counts, [0, 1]), 2 * torch.log1p(torch.tensor([[1.0, 1, 4, 1, 0]])))


def test_an_added_movie_is_as_popular_as_those_it_is_said_to_be_like() -> None:
    model = fitted(prior=1.0)
    model.add(2, like=[0, 1])
    added = scores(model, [], [0])[:, 5:]
    torch.testing.assert_close(added, torch.full((2, 2), 2 / 3))  # the mean of 1 and 1 / 3
    torch.testing.assert_close(scores(model, [0])[:, :5], scores(fitted(prior=1.0), [0]))


def test_padding_anywhere_is_not_read() -> None:
    model = fitted()
    padded = model({"mentioned": torch.tensor([[0, PADDING, 1, PADDING]])})
    torch.testing.assert_close(padded, scores(model, [0, 1]))


def test_weighted_counts_are_the_logarithm_of_the_score_above_a_floor() -> None:
    counts = WeightedCounts(five_movies(), weight=1.5)
    counts.fit(TRAIN)
    model = fitted(mentioned_power=counts.mentioned_power, candidate_power=counts.candidate_power, prior=counts.prior)
    expected = 1.5 * torch.log1p(scores(model, [0, 2]) / counts.floor)
    torch.testing.assert_close(scores(counts, [0, 2]), expected)


def test_weighted_counts_leave_a_wish_without_movies_to_the_model() -> None:
    counts = WeightedCounts(five_movies(), weight=1.5)
    counts.fit(TRAIN)
    assert scores(counts, [], [0])[0].tolist() == [0] * 5


def test_it_learns_from_every_movie_of_a_dialogue_whatever_the_protocol_asks_for(world: Settings) -> None:
    """`one_shot` has no example with the movies that the seeker names later."""
    task = load_task("one_shot", DataConfig(validation=0.25), 3, world)
    model = ItemKnn(ItemKnnSettings(), Context(task.catalog))
    learned = {item.dialogue: set(item.targets) for item in model.training_items(task)}
    for dialogue in task.split("train"):
        named = {movie_id for message in dialogue.messages for movie_id in message.movie_ids}
        assert learned[dialogue.dialogue_id] == set(task.catalog.indices(named))
