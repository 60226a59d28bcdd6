"""How well and how fast titles are found in real dialogues: `python -m benchmarks.titles [FOLDER]`.

Every `@id` of ReDial's messages is replaced by the movie's title without its year, so that the true spans are known. A
match is right if it overlaps a true span and its movie has the same normalised title ("title") or the very same id
("id": remakes of one title cannot be told apart without a year). Titles that the workers typed without a tag count
as false here. `--fit` prints the weights of `recommender.query.evidence` anew, `--everyday` the table of `everyday`.
"""

import math
import random
import statistics
import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from recommender.data.catalog import Movie
from recommender.data.dialogue import MENTION, Dialogue
from recommender.data.redial import find_split, read_split
from recommender.data.task import load_catalog
from recommender.data.text import normalise, words_of
from recommender.errors import DataError
from recommender.query import evidence
from recommender.query.titles import Match, TitleMatcher
from recommender.settings import settings

# Places in ReDial's training split. The weights and the everyday words never see the held-out dialogues.
FIT, EVERYDAY, HELD_OUT = slice(0, 2000), slice(2000, 6000), slice(6000, None)
EVERYDAY_LEAST = 5
MANY_TITLES = 100_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Sample:
    """A message with titles in place of ids, and where each stands: (start, end, movie)."""

    text: str
    gold: list[tuple[int, int, Movie]]


def with_typo(title: str, rng: random.Random) -> str:
    """One letter inserted, deleted, substituted or swapped with the next; titles under 4 letters stay."""
    letters = [i for i, char in enumerate(title) if char.isalpha()]
    if len(letters) < 4:
        return title
    i, letter = rng.choice(letters), rng.choice(LETTERS)
    kind = rng.choice(("insert", "delete", "substitute", "swap"))
    swaps = [j for j in letters if title[j + 1 : j + 2].isalpha() and title[j] != title[j + 1]]
    if kind == "swap" and swaps:
        i = rng.choice(swaps)
        return title[:i] + title[i + 1] + title[i] + title[i + 2 :]
    if kind == "insert":
        return title[:i] + letter + title[i:]
    return title[:i] + (letter if kind == "substitute" else "") + title[i + 1 :]


Rewrite = Callable[[str, random.Random], str]
# variant: what becomes of a title, and then of the whole message (which keeps its length)
VARIANTS: dict[str, tuple[Rewrite, bool]] = {
    "plain": (lambda title, _: title, False),
    "lower-cased": (lambda title, _: title, True),
    "one typo a title": (with_typo, False),
    "lower-cased, one typo a title": (with_typo, True),
    "titles alone lower-cased": (lambda title, _: title.lower(), False),
}


def samples(dialogues: Iterable[Dialogue], movies: dict[int, Movie], variant: str, seed: int = 5) -> Iterator[Sample]:
    """The messages with at least one id, all of them in the catalogue."""
    rewrite, lower = VARIANTS[variant]
    rng = random.Random(seed)
    for dialogue in dialogues:
        for message in dialogue.messages:
            if message.movie_ids and all(movie_id in movies for movie_id in message.movie_ids):
                yield _substitute(message.text, movies, lambda title: rewrite(title, rng), lower)


def _substitute(text: str, movies: dict[int, Movie], rewrite: Callable[[str], str], lower: bool) -> Sample:
    result, gold, position = "", [], 0
    for mention in MENTION.finditer(text):
        result += text[position : mention.start()]
        movie = movies[int(mention[1])]
        title = rewrite(movie.title)
        gold.append((len(result), len(result) + len(title), movie))
        result += title
        position = mention.end()
    result += text[position:]
    return Sample(_lower(result) if lower else result, gold)


def _lower(text: str) -> str:
    """Letter by letter, so that one whose lower case is two letters (Turkish "İ") does not move the spans."""
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def _pair(matches: list[Match], gold: list[tuple[int, int, Movie]]) -> Iterator[tuple[Match, Movie]]:
    """Each match with the movie that truly stands there under the same normalised title; each true one once."""
    free = list(gold)
    for match in matches:
        for true in free:
            start, end, movie = true
            if match.start < end and start < match.end and normalise(movie.title) == normalise(match.movie.title):
                free.remove(true)
                yield match, movie
                break


def accuracy(matcher: TitleMatcher, data: list[Sample]) -> dict[str, float]:
    """Precision, recall and F1 by title and by id."""
    same_title = same_id = predicted = true = 0
    for sample in data:
        matches = matcher.find(sample.text)
        pairs = list(_pair(matches, sample.gold))
        same_title += len(pairs)
        same_id += sum(match.movie.movie_id == movie.movie_id for match, movie in pairs)
        predicted += len(matches)
        true += len(sample.gold)
    found: dict[str, float] = {"mentions": true}
    for name, right in (("title", same_title), ("id", same_id)):
        found[f"{name} P"] = right / predicted
        found[f"{name} R"] = right / true
        found[f"{name} F1"] = 2 * right / (predicted + true)
    return found


def report_accuracy(matcher: TitleMatcher, name: str, dialogues: list[Dialogue], movies: dict[int, Movie]) -> None:
    print(f"\n{name}: {len(dialogues):,} dialogues")
    print(f"{'variant':32}{'mentions':>9}{'title P':>9}{'R':>7}{'F1':>7}{'id P':>9}{'R':>7}{'F1':>7}")
    for variant in VARIANTS:
        found = accuracy(matcher, list(samples(dialogues, movies, variant)))
        figures = "".join(
            f"{found[f'{name} P']:9.3f}{found[f'{name} R']:7.3f}{found[f'{name} F1']:7.3f}" for name in ("title", "id")
        )
        print(f"{variant:32}{found['mentions']:9,.0f}{figures}")
    for case, change in (("as typed", str), ("lower-cased", str.lower)):
        texts = [change(m.text) for dialogue in dialogues for m in dialogue.messages if not m.movie_ids]
        words = sum(len(words_of(text)) for text in texts)
        found_there = sum(len(matcher.find(text)) for text in texts)
        rate = 100 * found_there / words
        print(f"messages without an id, {case}: {found_there:,} matches in {words:,} words, {rate:.2f} in 100 words")


def many_titles(movies: Iterable[Movie], count: int, seed: int = 5) -> list[Movie]:
    """The movies and as many more made of their titles' words, a third of them with a changed letter."""
    made = list(movies)
    titles = [movie.title.split() for movie in made]
    words = [word for title in titles for word in title]
    rng = random.Random(seed)
    first_id = max(movie.movie_id for movie in made) + 1
    for movie_id in range(first_id, first_id + count - len(made)):
        title = " ".join(rng.choice(words) for _ in rng.choice(titles))
        made.append(Movie(movie_id, with_typo(title, rng) if rng.random() < 1 / 3 else title, rng.randint(1920, 2018)))
    return made


def report_speed(catalog: list[Movie], data: list[Sample]) -> None:
    """Index time, and the time for texts of 60 words made of real messages with misspelt titles."""
    started = time.perf_counter()
    matcher = TitleMatcher(catalog)
    indexed = time.perf_counter() - started
    words = [word for sample in data for word in sample.text.split()][: 60 * 300]
    times = []
    for i in range(0, len(words), 60):
        text = " ".join(words[i : i + 60])
        started = time.perf_counter()
        matcher.find(text)
        times.append(1000 * (time.perf_counter() - started))
    slow = statistics.quantiles(times, n=20)[-1]
    print(
        f"{len(catalog):7,} titles: indexed in {indexed:.2f} s; a text of 60 words in "
        f"{statistics.median(times):.1f} ms (median of {len(times)}; 95 % under {slow:.1f} ms)"
    )


def fit(matcher: TitleMatcher, dialogues: list[Dialogue], movies: dict[int, Movie]) -> dict[str, float]:
    """Logistic regression: is a reading the title that stands there? Readings of a part of a title are left out."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    signs: list[dict[str, float]] = []
    right: list[bool] = []
    for variant in VARIANTS:
        for sample in samples(dialogues, movies, variant, seed=1):
            for reading in matcher.readings(sample.text):
                over = [true for true in sample.gold if reading.start < true[1] and true[0] < reading.end]
                if not over or _is_whole(reading.start, reading.end, reading.movies[0], *over[0]):
                    signs.append(reading.signs)
                    right.append(bool(over))
    vectorizer = DictVectorizer()
    model = LogisticRegression(fit_intercept=False, max_iter=2000).fit(vectorizer.fit_transform(signs), right)
    names = vectorizer.get_feature_names_out()
    fitted = {str(name): round(float(weight), 2) for name, weight in zip(names, model.coef_[0], strict=True)}
    return fitted | {name: evidence.WEIGHTS[name] for name in evidence.BY_HAND}


def _is_whole(start: int, end: int, movie: Movie, true_start: int, true_end: int, true: Movie) -> bool:
    """Whether a reading covers a title's whole span, give or take an article and a sign at its end."""
    return normalise(movie.title) == normalise(true.title) and abs(start - true_start) <= 4 and abs(end - true_end) <= 1


def everyday_table(dialogues: list[Dialogue], movies: Iterable[Movie]) -> str:
    """Words outside of mentions, in bands of occurrences in a million words; see `recommender.query.everyday`."""
    messages = (message.text for dialogue in dialogues for message in dialogue.messages)
    counts = Counter(word.form for text in messages for word in words_of(MENTION.sub(" ", text)))
    named: Counter[str] = Counter()
    for movie in movies:
        named[normalise(movie.title)] += movie.mentions
    total = counts.total()
    bands: dict[int, list[str]] = defaultdict(list)
    for word, count in counts.items():
        if count >= max(EVERYDAY_LEAST, named[word]) and word.isascii():
            bands[2 ** round(math.log2(1e6 * count / total))].append(word)
    lines = (f"{band}: {' '.join(sorted(bands[band]))}" for band in sorted(bands, reverse=True))
    return "\n".join(textwrap.fill(line, 118, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


def main(
    folder: Annotated[Path | None, typer.Argument(help="holds ReDial; else RECOMMENDER_DATA_DIR")] = None,
    refit: Annotated[bool, typer.Option("--fit", help="print the weights, fitted anew")] = False,
    everyday: Annotated[bool, typer.Option("--everyday", help="print the table of everyday words")] = False,
) -> None:
    folder = folder or settings().data_dir
    if folder is None:
        raise DataError("Name the folder that holds ReDial, or set RECOMMENDER_DATA_DIR.")
    paths = [find_split(folder, "train"), find_split(folder, "test")]
    if None in paths:
        raise DataError(f"{folder} lacks a split of ReDial.")
    train, test = (read_split(path)[0] for path in paths if path)
    catalog = load_catalog(settings()).movies  # its mentions are counted in the training dialogues alone
    movies = {movie.movie_id: movie for movie in catalog}
    if everyday:
        print(everyday_table(train[EVERYDAY], catalog))
        return
    matcher = TitleMatcher(catalog)
    if refit:
        for name, weight in fit(matcher, train[FIT], movies).items():
            print(f'    "{name}": {weight},')
        return
    report_accuracy(matcher, "ReDial test split", test, movies)
    report_accuracy(matcher, "held-out training dialogues", train[HELD_OUT], movies)
    print()
    typed = list(samples(test, movies, "one typo a title"))
    report_speed(catalog, typed)
    report_speed(many_titles(catalog, MANY_TITLES), typed)


if __name__ == "__main__":
    typer.run(main)
