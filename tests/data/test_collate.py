"""Examples in numbers: cutting, padding to the longest of a batch, and what a ranking of new movies leaves out."""

import pytest
import torch

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import Item, Text, collate_shared, to_item
from recommender.data.examples import Example
from recommender.errors import DataError


def example(text: str = "abc", mentioned: tuple[int, ...] = (), targets: tuple[int, ...] = (20,)) -> Example:
    return Example("e", "d", 0, text, mentioned, targets)


@pytest.mark.parametrize(("keep", "kept"), [("first", [0, 2]), ("last", [4, 11])])
def test_the_first_or_last_mentions_are_kept_and_all_are_known(
    keep: str, kept: list[int], small_catalog: Catalog
) -> None:
    config = DataConfig(max_mentioned=2, keep_mentioned=keep)
    item = to_item(example(mentioned=(20, 30, 40, 1234), targets=(31, 123)), small_catalog, config)
    assert item.mentioned == kept
    assert item.named == [0, 2, 4, 11]
    assert item.targets == [3, 10]


def test_a_movie_outside_the_catalogue_is_an_error(small_catalog: Catalog) -> None:
    with pytest.raises(DataError, match="77"):
        to_item(example(targets=(77,)), small_catalog, DataConfig())


def test_a_batch_is_padded_to_its_longest_and_no_further() -> None:
    batch = collate_shared([Item((), [7, 8], [1]), Item((), [], [2, 3, 4])])
    assert batch["mentioned"].tolist() == [[7, 8], [-1, -1]]
    assert batch["targets"].tolist() == [[1, -1, -1], [2, 3, 4]]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
    assert set(batch) == {"mentioned", "targets"}


def test_nothing_at_all_still_has_a_shape() -> None:
    batch = collate_shared([Item(), Item()])
    assert batch["mentioned"].tolist() == batch["targets"].tolist() == [[-1], [-1]]


def test_only_word_pieces_that_are_still_to_be_encoded_have_a_length() -> None:
    assert Item([Text([1, 2, 3]), Text([4])]).length == 4
    assert Item([Text([1, 2, 3], torch.zeros(2)), Text([4])]).length == 1
