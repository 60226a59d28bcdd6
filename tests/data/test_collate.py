"""Examples in numbers: cutting, padding to the longest of a batch, and what a ranking of new movies leaves out."""

from collections.abc import Sequence

import pytest
import torch

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import Item, collate, to_items
from recommender.data.examples import Example
from recommender.errors import DataError


def letters(texts: Sequence[str], max_tokens: int, keep: str) -> list[list[int]]:
    """A tokeniser of one token a letter."""
    assert keep in ("first", "last")
    ids = [[ord(letter) for letter in text] for text in texts]
    return [row[:max_tokens] if keep == "first" else row[-max_tokens:] for row in ids]


def example(text: str = "abc", mentioned: tuple[int, ...] = (), targets: tuple[int, ...] = (20,)) -> Example:
    return Example("e", "d", 0, text, mentioned, targets)


@pytest.mark.parametrize(("keep", "kept"), [("first", [0, 2]), ("last", [4, 11])])
def test_the_first_or_last_mentions_are_kept_and_all_are_excluded(
    keep: str, kept: list[int], small_catalog: Catalog
) -> None:
    config = DataConfig(max_mentioned=2, keep_mentioned=keep)
    [item] = to_items([example(mentioned=(20, 30, 40, 1234), targets=(31, 123))], small_catalog, config, letters)
    assert item.mentioned == kept
    assert item.exclude == [0, 2, 4, 11]
    assert item.targets == [3, 10]


@pytest.mark.parametrize(("keep", "kept"), [("first", "abcdefgh"), ("last", "cdefghij")])
def test_the_settings_of_the_text_reach_the_tokeniser(keep: str, kept: str, small_catalog: Catalog) -> None:
    [item] = to_items([example("abcdefghij")], small_catalog, DataConfig(max_tokens=8, keep_tokens=keep), letters)
    assert "".join(map(chr, item.tokens)) == kept


def test_items_stand_in_the_order_of_the_examples(small_catalog: Catalog) -> None:
    items = to_items([example("b"), example("a")], small_catalog, DataConfig(), letters)
    assert [item.tokens for item in items] == [[98], [97]]


def test_a_movie_outside_the_catalogue_is_an_error(small_catalog: Catalog) -> None:
    with pytest.raises(DataError, match="77"):
        to_items([example(targets=(77,))], small_catalog, DataConfig(), letters)


def test_a_batch_is_padded_to_its_longest_and_no_further() -> None:
    batch = collate([Item([5], [7, 8], [1]), Item([6, 7, 8], [], [2, 3, 4])])
    assert batch["input_ids"].tolist() == [[5, 0, 0], [6, 7, 8]]
    assert batch["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch["mentioned"].tolist() == [[7, 8], [-1, -1]]
    assert batch["targets"].tolist() == [[1, -1, -1], [2, 3, 4]]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
    assert set(batch) == {"input_ids", "attention_mask", "mentioned", "targets"}


def test_a_token_id_of_zero_is_not_taken_for_padding() -> None:
    batch = collate([Item([0, 5]), Item([6])])
    assert batch["attention_mask"].tolist() == [[1, 1], [1, 0]]


def test_nothing_at_all_still_has_a_shape() -> None:
    batch = collate([Item([]), Item([])])
    assert {name: list(tensor.shape) for name, tensor in batch.items()} == {
        "input_ids": [2, 1], "attention_mask": [2, 1], "mentioned": [2, 1], "targets": [2, 1]
    }  # fmt: skip
    assert batch["mentioned"].tolist() == [[-1], [-1]]
    assert batch["attention_mask"].tolist() == [[0], [0]]


def test_ready_vectors_take_the_place_of_tokens() -> None:
    batch = collate([Item([5], vector=torch.tensor([1.0, 2.0])), Item([6, 7], vector=torch.tensor([3.0, 4.0]))])
    assert batch["text_vectors"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert set(batch) == {"text_vectors", "mentioned", "targets"}


def test_tag_rows_of_all_items_stand_in_one_batch() -> None:
    tags = [Item([1, 2], targets=[4]), Item([3], targets=[5]), Item([9], targets=[6])]
    batch = collate([Item([5], tags=tags[:2]), Item([6], tags=tags[2:])])
    assert batch["tag_input_ids"].tolist() == [[1, 2], [3, 0], [9, 0]]
    assert batch["tag_attention_mask"].tolist() == [[1, 1], [1, 0], [1, 0]]
    assert batch["tag_targets"].tolist() == [[4], [5], [6]]


def test_ready_tag_vectors_take_the_place_of_tag_tokens() -> None:
    batch = collate([Item([5], tags=[Item([1], targets=[4], vector=torch.ones(2))])])
    assert batch["tag_text_vectors"].tolist() == [[1.0, 1.0]]
    assert "tag_input_ids" not in batch
