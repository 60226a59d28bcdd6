"""Files are found through links and compressed or not, and shards of one file are told from several files."""

from pathlib import Path

import pytest

from recommender.data.finding import find_file, find_files, whole_set
from recommender.errors import DataError


def test_files_are_found_through_links_once_and_compressed_or_not(tmp_path: Path) -> None:
    real, data = tmp_path / "elsewhere", tmp_path / "data"
    for folder in (real, data / "plain", data / ".hidden"):
        folder.mkdir(parents=True)
    (real / "tags.csv.gz").touch()
    (data / "plain" / "tags.csv").touch()
    (data / ".hidden" / "tags.csv").touch()
    (data / "linked").symlink_to(real)
    (data / "again").symlink_to(real)
    (data / "plain" / "above").symlink_to(data)  # a circle
    found = find_files(data, "tags.csv")
    assert sorted(path.resolve() for path in found) == [data / "plain" / "tags.csv", real / "tags.csv.gz"]
    assert find_file(data / "linked", "tags.*") == data / "linked" / "tags.csv.gz"
    assert find_file(data, "ratings.csv") is None


def test_the_shards_of_one_file_are_one_set(tmp_path: Path) -> None:
    shards = [tmp_path / f"train-0000{number}-of-00003.parquet" for number in range(3)]
    assert whole_set(shards)
    assert not whole_set([tmp_path / "train.parquet", tmp_path / "train_old.parquet"])
    assert not whole_set([*shards, tmp_path / "copy" / shards[0].name])
    with pytest.raises(DataError, match=r"holds 2 of 3 parts .*; number 1 is missing"):
        whole_set([shards[0], shards[2]])
