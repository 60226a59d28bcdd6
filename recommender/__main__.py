"""The command line. Results go to standard output, logs to standard error."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from recommender.config import PROTOCOLS, load_preset, parse_config
from recommender.errors import DataError, RecommenderError, UnknownNameError
from recommender.runs import DEFAULT_RUN, find_run
from recommender.settings import Settings, settings
from recommender.wording import SAMPLE

if TYPE_CHECKING:
    from recommender.evaluation.records import Record

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
RunId = Annotated[str, typer.Option("--run", help="A folder below checkpoints/.")]


@contextmanager
def user_errors() -> Iterator[None]:
    """Mistakes the user can mend become one line on standard error and exit code 2."""
    try:
        yield
    except RecommenderError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except OSError as error:
        typer.echo(f"error: {error.filename2 or error.filename or 'a file'}: {error.strerror or error}", err=True)
        raise typer.Exit(2) from error


@app.callback()
def _logging(context: typer.Context) -> None:
    plain = "%(message)s" if sys.stderr.isatty() else "%(asctime)s %(message)s"  # a log file wants the time
    logging.basicConfig(level=logging.INFO, format=plain, stream=sys.stderr)
    for noisy in ("httpx", "filelock", "datasets"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if context.invoked_subcommand in ("prepare", "estimate", "evaluate", "recommend", "add-movie", "reproduce"):
        _quiet_transformers()


def _quiet_transformers() -> None:
    """It takes a second to import, which a run that waits for its turn does not need."""
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]


@app.command()
def prepare(source: Annotated[str, typer.Option(help="auto, folder, cache, hub or sample")] = "auto") -> None:
    """Check a data source, count its examples, and rebuild the catalogue and text vectors from a folder."""
    from recommender.prepare import prepare as run_prepare

    with user_errors():
        prepared = run_prepare(source, settings())
        typer.echo("\n".join([*prepared.lines, *prepared.problems]))


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="A file below recommender/presets/, without .toml.")] = "",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="part.key=value")] = None,
    run_id: Annotated[str, typer.Option(help="Name of the new run, or of the one to resume.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last finished epoch.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Begin when no earlier run is left on the device.")] = False,
) -> None:
    """Train a preset, or go on with an interrupted run."""
    from recommender.runs import new_run
    from recommender.training.job import fresh_run_id
    from recommender.training.queue import take_turn
    from recommender.training.stopping import stoppable

    with user_errors():
        if resume:
            if not run_id or overrides or preset:
                raise RecommenderError(
                    "--resume needs --run-id and keeps the run's own settings: no --preset, no --set."
                )
            run = find_run(run_id, settings())
        else:
            config = load_preset(preset, overrides)
            run = new_run(run_id or fresh_run_id(preset), config, settings())
        with stoppable(run):
            if wait:
                take_turn(run, settings())
            _quiet_transformers()
            from recommender.training.run import train_run

            train_run(run, settings(), resume)
        status = run.status()
        where = f" on {status.device}" if status.device else ""
        typer.echo(f"{run.run_id}: {status.state} after {status.seconds:.0f} s{where}")


@app.command()
def estimate(
    preset: Annotated[str, typer.Option(help="A file below recommender/presets/, without .toml.")] = "",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="part.key=value")] = None,
    config_file: Annotated[
        typer.FileText | None, typer.Option("--config", help='In place of a preset: a run\'s config.json, or "-".')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examples, steps, time and memory of a training run on this device, from a trial of a few batches."""
    from recommender.training.estimate import estimate as try_out

    with user_errors():
        if config_file is not None:
            if preset or overrides:
                raise RecommenderError("--config stands alone: no --preset, no --set.")
            config = parse_config(_read_json(config_file), config_file.name)
        else:
            config = load_preset(preset, overrides)
        found = try_out(config, settings())
    if as_json:
        typer.echo(found.model_dump_json())
        return
    typer.echo(
        f"{found.train_examples:,} training and {found.validation_examples:,} validation examples, {found.source}\n"
        f"{found.steps:,} steps of {found.seconds_per_step:.3f} s on {found.device} in {found.precision}\n"
        f"{found.preparation_seconds:.0f} s to prepare, {found.total_seconds / 60:.1f} min altogether, "
        f"{found.memory_mb:,} MiB of memory"
    )


def _read_json(file: TextIO) -> dict[str, Any]:
    try:
        found = json.load(file)
    except ValueError as error:
        raise RecommenderError(f"{file.name} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise RecommenderError(f"{file.name} holds no settings.")
    return found


@app.command()
def evaluate(
    run_id: RunId = DEFAULT_RUN,
    protocol: Annotated[str, typer.Option(help=", ".join(PROTOCOLS))] = "conversational",
    split: Annotated[str, typer.Option(help="train, validation or test")] = "test",
    targets: Annotated[Literal["all", "new"], typer.Option(help="new: movies not mentioned before")] = "all",
    as_json: AsJson = False,
    rankings: Annotated[Path | None, typer.Option(help="Write a JSON line an example to this file.")] = None,
) -> None:
    """Metrics with confidence intervals of a run under a protocol, the three baselines beside them."""
    with user_errors():
        report, record = _evaluate(run_id, protocol, split, targets, rankings)
        if as_json:
            typer.echo(json.dumps(report))
        else:
            _print_report(report)
        find_run(run_id, settings()).write_report(report, record)


def _print_report(report: dict[str, Any]) -> None:
    typer.echo(
        f"{report['run']}: {report['protocol']}, {report['split']} split of {report['source']}, {report['targets']} "
        f"targets: {report['examples']:,} examples, {report['target_count']:,} targets (seed {report['seed']})"
    )
    columns = [report["metrics"], *report["baselines"].values()]
    typer.echo(f"{'':10} {'model':>8} {'95 % interval':>17} " + " ".join(f"{n:>10}" for n in report["baselines"]))
    for name in report["metrics"]:
        low, high = report["intervals"][name]
        values = " ".join(f"{column[name]:10.4f}" for column in columns[1:])
        typer.echo(f"{name:10} {columns[0][name]:8.4f}   {low:.4f} - {high:.4f} {values}")
    typer.echo(", ".join(f"{name} {value:.4f}" for name, value in report["beyond"].items()))


def _evaluate(
    run_id: str, protocol: str, split: str, targets: Any, rankings: Path | None
) -> tuple[dict[str, Any], "Record"]:
    from recommender.checkpoints import load_checkpoint
    from recommender.data.redial import load_dialogues
    from recommender.data.task import Task
    from recommender.device import choose_device
    from recommender.evaluation.report import evaluate as measure
    from recommender.version import current_commit

    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    run, device = find_run(run_id, settings()), choose_device(settings())
    checkpoint = load_checkpoint(run, device)
    config = checkpoint.config
    dialogues = load_dialogues(config.data.source, settings(), checkpoint.catalog)
    if dialogues.source == "sample" and config.data.source != "sample" and SAMPLE not in run.status().source:
        raise DataError(
            f"{run.run_id} learned from ReDial, and ReDial is not here: on the synthetic sample its figures would say "
            "nothing. Set RECOMMENDER_DATA_DIR to a folder that holds ReDial, or go online once."
        )
    logging.info("data: %s, read from %s", dialogues.describe(), dialogues.origin)
    task = Task(checkpoint.catalog, dialogues, protocol, config.data, config.seed, settings())
    report, record = measure(checkpoint.model, task, split, targets, device, rankings)
    return {"run": run.run_id, "commit": current_commit(), **run.training_facts(), **report}, record


@app.command()
def recommend(
    text: Annotated[str, typer.Argument(help='The wish, or "-": JSON lines {"text", "like", "exclude"} on stdin.')],
    run_id: RunId = DEFAULT_RUN,
    like: Annotated[list[str] | None, typer.Option(help="A movie you like; may be given several times.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A movie you have seen: it is left out.")] = None,
    k: Annotated[int, typer.Option(help="How many movies.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Ten movies for a wish in your own words."""
    from recommender.query import json_lines
    from recommender.query.engine import Engine

    with user_errors():
        if k < 1:
            raise RecommenderError(f"--k must be at least 1, not {k}.")
        engine = Engine(find_run(run_id, settings()), settings())
        if text == "-":
            json_lines.answer_lines(engine, k)
            return
        answer = json_lines.answer(engine, {"text": text, "like": like or [], "exclude": exclude or []}, k)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    for kind in ("liked", "excluded"):
        for movie in answer[kind]:
            typer.echo(f"{kind}: {movie['title']} ({movie['year'] or 'year unknown'})")
    for match in answer["matched"]:
        typer.echo(f"understood {match['text']!r} as {match['title']} ({match['year'] or 'year unknown'})")
    for sentence in answer["heeded"]:
        typer.echo(sentence)
    for movie in answer["recommendations"]:
        typer.echo(f"{movie['rank']:3}. {movie['title']} ({movie['year'] or '?'})  {movie['reason']}")
    for notice in answer["notices"]:
        typer.echo(notice, err=True)


@app.command()
def match(
    text: Annotated[str, typer.Argument(help='A text, or "-": one text a line on stdin, one JSON line each out.')],
    as_json: AsJson = False,
) -> None:
    """The movies a text names, what it says of them, and the genres it refuses."""
    from recommender.data.task import load_catalog
    from recommender.query.json_lines import lines, matches
    from recommender.query.titles import TitleMatcher

    with user_errors():
        matcher = TitleMatcher(load_catalog(settings()).movies)
        if text == "-":
            for line in lines():
                print(json.dumps(matches(matcher, line), ensure_ascii=False), flush=True)
            return
        found = matches(matcher, text)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    if not found["matched"]:
        typer.echo("no movie found", err=True)
    for item in found["matched"]:
        others = ", ".join(f"{other['title']} ({other['year'] or 'year unknown'})" for other in item["alternatives"])
        line = f"{item['text']!r}: {item['title']} ({item['year']}), {item['score']:.2f}, {item['stance']}"
        typer.echo(f"{line}; or {others}" if others else line)
    for genre in found["refused_genres"]:
        typer.echo(f"refused: {genre}")


@app.command()
def add_movie(
    title: Annotated[str, typer.Option(help="Without the year.")],
    text: Annotated[str, typer.Option(help="What it is about, who made it, who plays.")] = "",
    year: Annotated[int | None, typer.Option()] = None,
    genres: Annotated[str, typer.Option(help="The catalogue's own, with commas: comedy,drama")] = "",
    as_json: AsJson = False,
) -> None:
    """Put a new movie into the catalogue. Models that know movies by their text recommend it at once, untrained."""
    from dataclasses import asdict

    from recommender.additions import add_movie as add
    from recommender.data.task import load_catalog

    with user_errors():
        named = [genre.strip().lower() for genre in genres.split(",") if genre.strip()]
        movie = add(title, year, named, text, load_catalog(settings()), settings())
    typer.echo(json.dumps(asdict(movie)) if as_json else f"added {movie.name}, id {movie.movie_id}")


@app.command()
def remove_movie(movie_id: Annotated[int, typer.Argument(help="The id that `add-movie` gave.")]) -> None:
    """Take out a movie that was added."""
    from recommender.additions import remove_movie as remove

    with user_errors():
        remove(movie_id, settings())
    typer.echo(f"removed {movie_id}")


@app.command()
def results(
    collect: Annotated[Path | None, typer.Option(help="A folder of runs whose reports are recorded first.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if the README differs.")] = False,
) -> None:
    """Make the README's results tables from the recorded measurements."""
    from recommender.results.records import collect_results
    from recommender.results.tables import put_into, tables
    from recommender.settings import ROOT

    with user_errors():
        if collect is not None:
            for line in collect_results(collect):
                typer.echo(line, err=True)
        changed = put_into(ROOT / "README.md", write=not check)
    typer.echo(tables())
    if check and changed:
        raise typer.Exit(1)


@app.command()
def reproduce(
    row: Annotated[str, typer.Argument(help="An experiment: default, paper-softmax-rnn, cause-roles, ...")],
    seed: Annotated[int, typer.Option()] = 42,
    as_json: AsJson = False,
) -> None:
    """Train and measure one row of the results again, beside the band in which its figures are expected."""
    from dataclasses import asdict

    from recommender.results.experiments import find_experiment
    from recommender.results.reproduce import reproduce as run_again

    with user_errors():
        comparisons = run_again(find_experiment(row), seed, settings())
    if as_json:
        typer.echo(json.dumps([{**asdict(part), "as_expected": part.as_expected} for part in comparisons]))
    else:
        for part in comparisons:
            expected = f"expected {part.expected[0]:.4f} - {part.expected[1]:.4f}" if part.expected else "not recorded"
            typer.echo(f"{part.targets:4} {part.metric:10} {part.value:.4f}  {expected}  {part.verdict}")
    if not all(part.as_expected for part in comparisons):
        raise typer.Exit(1)


@app.command()
def runs(as_json: AsJson = False) -> None:
    """The runs below checkpoints/, what they are doing and how good they are."""
    with user_errors():
        rows = _run_rows(settings())
    if as_json:
        typer.echo(json.dumps({"runs": rows}))
        return
    for row in rows:
        best = "-" if row["best_ndcg@10"] is None else f"{row['best_ndcg@10']:.4f}"
        facts = f"{row['run']:32} {row['state']:12} {row['protocol']:15}"
        typer.echo(f"{facts} best validation nDCG@10 {best}  {row['reason']}")
    if not rows:
        typer.echo("No run yet. Train one: python -m recommender train --preset frozen --run-id frozen")


def _run_rows(config: Settings) -> list[dict[str, Any]]:
    from recommender.runs import SELECTED_BY, best_row, list_runs

    rows = []
    for run in list_runs(config):
        row: dict[str, Any] = {"run": run.run_id, "state": "unreadable", "protocol": "", "best_ndcg@10": None}
        try:
            status, run_config = run.status(), run.config()
            best = best_row(run.metrics()) or {}
            row |= {"state": status.state, "reason": status.reason, "protocol": run_config.protocol}
            row |= {"best_ndcg@10": best.get(SELECTED_BY), "device": status.device, "seconds": status.seconds}
        except RecommenderError as error:
            row["reason"] = str(error)
        rows.append(row)
    return rows


if __name__ == "__main__":
    app()
