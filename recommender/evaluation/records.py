"""What a report's means are made of: one line of numbers an example, kept beside the report so that two runs can be
compared pair by pair. It holds ids and numbers only, no words of a dialogue."""

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.numpy import load, save

from recommender.errors import first_problem
from recommender.evaluation.metrics import Ragged
from recommender.files import safetensors_metadata

KEPT = 10  # ranks kept of every ranking; more where a longer cut-off was asked for
WIDTHS = (np.uint8, np.int16, np.int32, np.int64)


class Facts(BaseModel):
    """What stands beside the numbers, in the file's header."""

    model_config = ConfigDict(strict=True)

    metrics: list[str]
    catalog: str
    example_ids: list[str]
    dialogues: list[str]


@dataclass(frozen=True)
class Record:
    """N examples in the order of the split. Two records are of the same examples if their `example_ids` agree."""

    example_ids: tuple[str, ...]  # N
    dialogues: tuple[str, ...]  # N, for the bootstrap: examples of one dialogue are not independent
    values: dict[str, NDArray[np.float32]]  # metric name -> [N]
    rankings: NDArray[np.int32]  # [N, K] catalogue indices, best first, -1 where a ranking is short; K >= KEPT
    found: NDArray[np.bool_]  # [N, K] which of them are targets
    mentioned: NDArray[np.int32]  # [N] how many movies the wish mentions
    words: NDArray[np.int32]  # [N] length of the wish's text
    popularity: NDArray[np.float32]  # [N] mean number of mentions, in training, of the example's targets
    catalog: str = ""  # fingerprint of the catalogue that the rankings' indices belong to
    # Older records lack these.
    inputs: NDArray[np.int64] | None = None  # [M] catalogue indices of the movies that the wishes mention, in a row
    mentions: NDArray[np.int64] | None = None  # [V] how many messages of the training name each movie

    @property
    def named(self) -> Ragged | None:
        """The movies that each wish mentions, as far as that is known."""
        return None if self.inputs is None else Ragged(self.inputs, self.mentioned.astype(np.int64))

    def to_bytes(self) -> bytes:
        """As a safetensors file. A metric takes few different values, so each is kept once and pointed to; that and
        the narrowest whole numbers lose nothing and take a third of the room."""
        arrays: dict[str, NDArray[np.generic]] = {"popularity": self.popularity}
        arrays |= {name: _narrow(getattr(self, name)) for name in ("rankings", "mentioned", "words")}
        arrays["found"] = self.found.astype(np.uint8)
        if self.inputs is not None:
            arrays["inputs"] = _narrow(self.inputs)
        if self.mentions is not None:
            arrays["mentions"] = _narrow(self.mentions)
        for name, values in self.values.items():
            levels, places = np.unique(values, return_inverse=True)
            arrays |= {f"levels:{name}": levels, f"places:{name}": _narrow(places)}
        facts: dict[str, Any] = {"metrics": list(self.values), "catalog": self.catalog}
        facts |= {"example_ids": self.example_ids, "dialogues": self.dialogues}
        return save(arrays, metadata={"facts": json.dumps(facts)})

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Raises `ValueError` or safetensors' own error for bytes that are no record."""
        try:
            arrays = load(raw)
            facts = Facts.model_validate_json(safetensors_metadata(raw)["facts"])
            record = cls(
                example_ids=tuple(facts.example_ids),
                dialogues=tuple(facts.dialogues),
                values={name: arrays[f"levels:{name}"][arrays[f"places:{name}"]] for name in facts.metrics},
                rankings=arrays["rankings"].astype(np.int32),
                found=arrays["found"].astype(np.bool_),
                mentioned=arrays["mentioned"].astype(np.int32),
                words=arrays["words"].astype(np.int32),
                popularity=arrays["popularity"],
                catalog=facts.catalog,
                inputs=arrays["inputs"].astype(np.int64) if "inputs" in arrays else None,
                mentions=arrays["mentions"].astype(np.int64) if "mentions" in arrays else None,
            )
        except ValidationError as error:
            raise ValueError(f"it lacks or contradicts its facts: {first_problem(error)}") from error
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"it lacks or contradicts {error}") from error
        arrays_of_n = [record.mentioned, record.words, record.popularity, *record.values.values()]
        examples = len(record.example_ids)
        if len(record.dialogues) != examples or any(array.shape != (examples,) for array in arrays_of_n):
            raise ValueError("its arrays have different lengths")
        if record.rankings.ndim != 2 or len(record.rankings) != examples or record.found.shape != record.rankings.shape:
            raise ValueError("its rankings are not those of its examples")
        if record.inputs is not None and not _adds_up(record.inputs, record.mentioned):
            raise ValueError(f"its wishes mention {record.mentioned.sum()} movies, and there are {record.inputs.size}")
        return record


def _adds_up(inputs: NDArray[np.int64], mentioned: NDArray[np.int32]) -> bool:
    return inputs.ndim == 1 and bool((mentioned >= 0).all()) and int(mentioned.sum(dtype=np.int64)) == len(inputs)


def _narrow(numbers: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same whole numbers in the narrowest type that holds them."""
    low, high = numbers.min(initial=0), numbers.max(initial=0)
    return numbers.astype(next(t for t in WIDTHS if np.iinfo(t).min <= low and high <= np.iinfo(t).max))
