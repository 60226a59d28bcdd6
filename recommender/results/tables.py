"""Results tables in Markdown, generated from the recorded measurements and the published figures."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from recommender.compare.published import published_for
from recommender.errors import DataError
from recommender.files import write_atomically
from recommender.results.causes import steps
from recommender.results.experiments import ARCHITECTURES, STUDIED, TRAINERS
from recommender.results.records import Result, results_of, shipped_result
from recommender.settings import ROOT
from recommender.wording import BASELINE_NAMES

BEGIN, END = "<!-- results: made by `python -m recommender results` -->", "<!-- end of results -->"
RECALLS = ("recall@1", "recall@10", "recall@50")
NO_VALUE = "-"


def documents() -> dict[Path, str]:
    """The files that show results, and the block each one shows. Raises `DataError` if a row is not recorded."""
    main, others = _benchmark(), (_paper(), _one_shot(), _causes(), _study())
    return {ROOT / "README.md": main, ROOT / "docs" / "results.md": "\n\n".join((main, *others))}


def put_into(document: Path, block: str, write: bool = True) -> bool:
    """Replace what stands between the two markers. Returns whether that changes the file. Raises `DataError` if the
    markers are missing."""
    text = document.read_text(encoding="utf-8")
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        raise DataError(f"{document} has no place for the results: the lines {BEGIN!r} and {END!r}.")
    made = f"{text[:begin]}{BEGIN}\n\n{block}\n\n{text[end:]}"
    if write and made != text:
        write_atomically(document, made)
    return made != text


def short(value: float, digits: int = 3) -> str:
    """A share without its leading zero: `.186`."""
    return f"{value:.{digits}f}".removeprefix("0")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _benchmark() -> str:
    """Protocol `conversational`: the shipped model, its baselines, the published systems."""
    kinds = ("new", "all")
    ours = {kind: shipped_result("default", kind) for kind in kinds}
    rows = [
        ["**default** (this repository)", *(_recalls([ours[kind].metrics[m][0] for m in RECALLS]) for kind in kinds)],
        ["95 % interval", *(_intervals(ours[kind]) for kind in kinds)],
    ]
    for baseline, name in BASELINE_NAMES.items():
        rows.append([name, *(_recalls([ours[kind].baselines[baseline][m] for m in RECALLS]) for kind in kinds)])
    published = {kind: {row.name: row.values for row in published_for("conversational", kind)} for kind in kinds}
    for name in dict.fromkeys([*published["new"], *published["all"]]):
        found = [published[kind].get(name) for kind in kinds]
        rows.append([name, *(_recalls([values.get(m) for m in RECALLS]) if values else NO_VALUE for values in found)])
    return "Protocol `conversational`, R@1 / R@10 / R@50:\n\n" + _table(["system", "new targets", "all targets"], rows)


def _recalls(values: Sequence[float | None]) -> str:
    return " / ".join(NO_VALUE if value is None else short(value) for value in values)


def _intervals(result: Result) -> str:
    return " / ".join(f"{short(low)}-{short(high)}" for _, low, high in (result.metrics[m] for m in RECALLS))


def _paper() -> str:
    """Protocol `paper`: ReDial's test split beside the paper's own split."""
    rows = [
        ["words and movies (`dialogue-paper`)", _ndcg("dialogue-paper"), _ndcg("dialogue-paper-fifth")],
        ["words alone (`dialogue-paper-words`)", _ndcg("dialogue-paper-words"), _ndcg("dialogue-paper-words-fifth")],
        [
            "words alone, MiniLM tuned (`dialogue-paper-words-tuned-fifth`)",
            NO_VALUE,
            _ndcg("dialogue-paper-words-tuned-fifth"),
        ],
    ]
    found = [shipped_result(name) for name in ("dialogue-paper", "dialogue-paper-fifth")]
    for baseline, name in BASELINE_NAMES.items():
        rows.append([name, *(short(part.baselines[baseline]["ndcg@10"]) for part in found)])
    rows += [[row.name, NO_VALUE, short(row.values["ndcg@10"])] for row in published_for("paper")]
    head = ["system", "ReDial test split", "the paper's split: a random fifth of the training dialogues"]
    return "Protocol `paper` (its input contains some of the targets), nDCG@10:\n\n" + _table(head, rows)


def _ndcg(name: str) -> str:
    """`.262 (.246-.278)`: the value and its 95 % interval."""
    return _value(shipped_result(name), "ndcg@10")


def _value(result: Result, metric: str) -> str:
    value, low, high = result.metrics[metric]
    return f"{short(value)} ({short(low)}-{short(high)})"


def _one_shot() -> str:
    """Protocol `one_shot`: a single wish, before any recommendation."""
    found = shipped_result("dialogue-one-shot", "new")
    shown, names = ("ndcg@10", "recall@10"), BASELINE_NAMES.items()
    rows = [["words and movies (`dialogue-one-shot`)", *(_value(found, metric) for metric in shown)]]
    rows += [[name, *(short(found.baselines[baseline][metric]) for metric in shown)] for baseline, name in names]
    head = ["system", "nDCG@10", "recall@10"]
    return "Protocol `one_shot` (a single wish, before any recommendation):\n\n" + _table(head, rows)


def _causes() -> str:
    """The 2025 reproduction, corrected one step at a time. Raises `DataError` if a step was not measured."""
    rows = [[step.name, _over_seeds(step.values, 3), short(step.popularity)] for step in steps("ndcg@10")]
    head = (
        "The 2025 reproduction (text + RNN, frozen encoder, 20 epochs), corrected one step at a time; each row keeps "
        "the corrections above it. ReDial's test split; mean of three seeds (lowest-highest, number of seeds). "
        "`seeker by role` changes the protocol from `notebook` to `paper`; the last row counts only targets that the "
        "input does not name. Popularity is measured on the same targets:"
    )
    return f"{head}\n\n{_table(['', 'nDCG@10', 'popularity'], rows)}"


def _study() -> str:
    """Four losses by four architectures with a frozen encoder, over the seeds."""
    parts = []
    for protocol in STUDIED:
        rows = [
            [architecture, *(_cell(f"{protocol}-{trainer}-{architecture}") for trainer in TRAINERS)]
            for architecture in ARCHITECTURES
        ]
        found = results_of(f"{protocol}-original-baseline")[0].baselines
        lines = ", ".join(f"{name} {short(found[kind]['ndcg@10'], 4)}" for kind, name in BASELINE_NAMES.items())
        head = f"Losses and architectures, protocol `{protocol}`, nDCG@10, frozen encoder, 20 epochs ({lines}):"
        parts.append(f"{head}\n\n{_table(['', *TRAINERS], rows)}")
    return "\n\n".join(parts)


def _cell(name: str) -> str:
    return _over_seeds([result.metrics["ndcg@10"][0] for result in results_of(name)], 4)


def _over_seeds(values: Sequence[float], digits: int) -> str:
    """`.0452 (.0413-.0495, 3)`: mean, lowest and highest seed, and how many."""
    if not values:
        return NO_VALUE
    average = short(mean(values), digits)
    if len(values) == 1:
        return average
    return f"{average} ({short(min(values), digits)}-{short(max(values), digits)}, {len(values)})"
