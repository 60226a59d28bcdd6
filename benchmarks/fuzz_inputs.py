"""Random inputs for `benchmarks.fuzz`: valid ones that were damaged with their structure in mind, and plain noise."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

# What has broken readers before: control characters, half a surrogate pair, marks that change direction or combine,
# digits and letters that only look alike, references, ids and numbers without end.
PIECES = (
    *("", " ", "\n", "\x00", "\x7f", "\ud800", "\udfff", "\u202e", "\u200b", "\u0301", "\ue000", "\ufeff", "😀", "ﬁ"),
    *("İ", "\u017f", "²", "٣", "½", "映画", "@", "@1", "@٣", "@-1", "@" + "9" * 25, "@" + "9" * 5000, "&amp;", "&#0;"),
    *("&#xD800;", "&#" + "9" * 5000 + ";", "%", "%00", "%ff%fe", "..", "../../x", "/", "\\", "'", '"', "`", "=1+1"),
    *("<b>", "${x}", "{}", "[", "(2017)", "(99999)", "1" * 5000, "-0", "1e999", "nan", "no ", "not like ", "i have "),
    *("already ", "seen it ", "really ", "horror, ", "the second one ", "number 3 ", "Inception ", "Up, ", "and "),
)
# In place of any value of a JSON document, also as raw text: what `json.dumps` would not write.
RAW_VALUES = (
    *("null", "true", "false", "0", "-1", "-0.0", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1e-320"),
    *("9223372036854775808", "-9223372036854775809", "1" + "0" * 400, "9" * 5000, "0.5", '""', '" "', '"x"', '"NaN"'),
    *('"\\ud800"', '"\\u0000"', '"../../x"', '"' + "y" * 20_000 + '"', "[]", "{}", "[null]", '[{"a": 1}]', '{"": {}}'),
    *("[[[[1]]]]", "[" * 200 + "]" * 200, "[" * 20_000 + "]" * 20_000, '{"a":' * 5000 + "1" + "}" * 5000),
)
MARK = "\x01place\x01"  # stands in a document where a raw value goes
TWICE = "\x02"  # at the end of a key that is to stand there twice


class Inputs:
    """One stream of inputs; the same seed gives the same ones."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)

    def one(self, *makers: Callable[[], Any]) -> Any:
        return self.random.choice(makers)()

    def size(self, most: int) -> int:
        """0 to `most`; small ones are more likely."""
        return int(most * self.random.random() ** 4)

    def noise(self, most: int = 200) -> str:
        """Letters from anywhere in Unicode."""
        high = self.random.choice((0x7F, 0x7F, 0x2FF, 0xFFFF, 0x10FFFF))
        return "".join(chr(self.random.randint(0, high)) for _ in range(self.size(most)))

    def text(self, valid: Sequence[str], most: int = 400) -> str:
        """Valid texts and pieces one after the other, or one of them damaged."""
        if self.random.random() < 0.1:
            return self.noise()
        if self.random.random() < 0.002:  # nothing but the beginnings of something
            return self.random.choice((*PIECES, self.random.choice(valid) + ", ")) * self.size(2000)
        parts: list[str] = []
        while sum(map(len, parts)) < most and self.random.random() < 0.7:
            parts.append(self.random.choice(valid) if self.random.random() < 0.7 else self.random.choice(PIECES))
            parts.append(self.random.choice(("", " ", " ", ", ")))
        text = "".join(parts)
        if self.random.random() < 0.02:
            text = (text * 200)[: self.size(20_000)]
        return self.damaged_text(text) if self.random.random() < 0.4 else text

    def damaged_text(self, text: str) -> str:
        """Cut, repeated, with a piece put in or letters taken out or swapped."""
        for _ in range(1 + self.size(4)):
            at = self.random.randint(0, len(text))
            end = min(len(text), at + self.size(40))
            text = self.one(
                lambda text=text, at=at: text[:at],
                lambda text=text, at=at: text[:at] + self.random.choice(PIECES) + text[at:],
                lambda text=text, at=at, end=end: text[:at] + text[end:],
                lambda text=text, at=at, end=end: text[:end] + text[at:end] * (1 + self.size(50)) + text[end:],
                lambda text=text, at=at, end=end: text[:at] + text[at:end][::-1] + text[end:],
            )
        return text

    def damaged_bytes(self, raw: bytes) -> bytes:
        """Bits flipped, bytes cut, repeated, overwritten or put in."""
        for _ in range(1 + self.size(6)):
            at = self.random.randint(0, max(0, len(raw) - 1))
            end = min(len(raw), at + self.size(64))
            some = self.random.randbytes(self.size(16))
            raw = self.one(
                lambda raw=raw, at=at: raw[:at],
                lambda raw=raw, at=at: (
                    raw[:at] + bytes(b ^ (1 << self.random.randrange(8)) for b in raw[at : at + 1]) + raw[at + 1 :]
                ),
                lambda raw=raw, at=at, some=some: raw[:at] + some + raw[at:],
                lambda raw=raw, at=at, some=some: raw[:at] + some + raw[at + len(some) :],
                lambda raw=raw, at=at, end=end: raw[:at] + raw[end:],
                lambda raw=raw, at=at, end=end: raw[:end] + raw[at:end] + raw[end:],
            )
        return raw

    def damaged_json(self, document: Any) -> str:
        """The document with values put in others' places, keys lost, twice there or unknown; as JSON, or nearly so."""
        document = json.loads(json.dumps(document))
        raw: list[str] = []
        for _ in range(1 + self.size(4)):
            self._damage(document, raw)
        text = json.dumps(document).replace(json.dumps(TWICE)[1:-1], "")
        for value in raw:
            text = text.replace(json.dumps(MARK), value, 1)
        if self.random.random() < 0.15:
            text = self.damaged_text(text)
        return text

    def json_bytes(self, document: Any) -> bytes:
        """The same as a file holds it: half of a surrogate pair and bytes that are no text are possible."""
        chance = self.random.random()
        if chance < 0.1:
            return self.damaged_bytes(json.dumps(document).encode())
        if chance < 0.15:
            return self.noise().encode("utf-8", errors="surrogatepass")
        return self.damaged_json(document).encode("utf-8", errors="surrogatepass")

    def _damage(self, document: Any, raw: list[str]) -> None:
        place = self._place(document)
        if place is None:
            return
        inside, key = place
        match self.random.randrange(8):
            case 0 if isinstance(inside, dict):
                del inside[key]
            case 1 if isinstance(inside, dict):
                inside[self.noise(20) or "new"] = inside[key]
            case 2 if isinstance(inside, dict):
                inside[key + TWICE] = MARK
                raw.append(self.random.choice(RAW_VALUES))
            case 3 if isinstance(inside[key], str):
                inside[key] = self.damaged_text(inside[key])
            case 4 if isinstance(inside, list):
                inside[key : key + 1] = [inside[key]] * (1 + self.size(8))
            case _:
                inside[key] = MARK
                raw.append(self.random.choice(RAW_VALUES))

    def _place(self, document: Any) -> tuple[Any, Any] | None:
        """A random value: what it lies in, and its key there."""
        found = None
        here = document
        while isinstance(here, (dict, list)) and here:
            key = self.random.choice(list(here) if isinstance(here, dict) else range(len(here)))
            found, here = (here, key), here[key]
            if self.random.random() < 0.25:
                break
        return found


def tensors_file(header: bytes, body: bytes, length: int | None = None) -> bytes:
    """A safetensors file with this header; `length` is what it claims the header's length to be."""
    return (len(header) if length is None else length).to_bytes(8, "little") + header + body
