"""Commands for data, training and evaluation."""

import json
import logging
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import typer

from recommender.cli.common import AsJson, RunId, app, quiet_transformers, user_errors
from recommender.config import PROTOCOLS
from recommender.config.presets import load_preset
from recommender.config.values import parse_config
from recommender.errors import RecommenderError, UnknownNameError
from recommender.evaluation.measures import CALIBRATED, DIRECTIONS, measure_of
from recommender.files import parse_json
from recommender.runs.folder import DEFAULT_RUN, Run, find_run
from recommender.settings import Settings, settings

log = logging.getLogger(__name__)


@app.command()
def prepare(
    source: Annotated[
        str, typer.Option(help="Where the data comes from: auto, folder, cache, hub or sample.")
    ] = "auto",
) -> None:
    """Check a data source and count its examples. From a folder, also rebuild the catalogue and text vectors."""
    from recommender.prepare import prepare as run_prepare

    with user_errors():
        prepared = run_prepare(source, settings())
        typer.echo("\n".join([*prepared.lines, *prepared.problems]))


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="Name of a preset (docs/presets.md).")] = "",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: part.key=value. May be repeated.")
    ] = None,
    run_id: Annotated[str, typer.Option(help="Id of the new run, or of the run to resume.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last finished epoch.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all earlier runs on the device have ended.")] = False,
) -> None:
    """Train a preset, or resume an interrupted run. torchrun and accelerate run it in several processes."""
    from recommender.runs.folder import new_run
    from recommender.runs.ownership import HANDOVER_SECONDS, owning
    from recommender.training import processes
    from recommender.training.job import fresh_run_id
    from recommender.training.queue import take_turn
    from recommender.training.stopping import stoppable

    with user_errors():
        if resume and (not run_id or overrides or preset):
            raise RecommenderError("--resume needs --run-id and keeps the run's own settings: no --preset, no --set.")
        run: Run
        if not processes.first():
            logging.getLogger().setLevel(logging.WARNING)  # the first one says it all
            run = processes.follow(run_id, settings())
        elif resume:
            run = find_run(run_id, settings())
        else:
            if not preset:
                raise RecommenderError("Name a preset, for example --preset frozen, or go on with a run: --resume.")
            config = load_preset(preset, overrides)
            run = new_run(run_id or fresh_run_id(preset), config, settings())
        # One that is started by the app waits for it to write down whose the run is now.
        with owning(run, HANDOVER_SECONDS if wait else 0.0), stoppable(run):
            if wait and processes.first():
                take_turn(run, settings())
            quiet_transformers()
            from recommender.training.run import train_run

            train_run(run, settings(), resume)
        if not processes.first():
            return
        status = run.status()
        where = f" on {status.device}" if status.device else ""
        typer.echo(f"{run.run_id}: {status.state} after {status.seconds:.0f} s{where}")


@app.command()
def estimate(
    preset: Annotated[str, typer.Option(help="Name of a preset (docs/presets.md).")] = "",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: part.key=value. May be repeated.")
    ] = None,
    config_file: Annotated[
        typer.FileText | None,
        typer.Option("--config", help='Instead of a preset: a config.json of a run, or "-" for stdin.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate examples, steps, time and memory of a training run on this device from a few batches."""
    from recommender.training.trial import estimate as try_out

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
        found = parse_json(file.read())
    except ValueError as error:
        raise RecommenderError(f"{file.name} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise RecommenderError(f"{file.name} holds no settings.")
    return found


@app.command()
def evaluate(
    run_id: RunId = DEFAULT_RUN,
    protocol: Annotated[str, typer.Option(help=f"One of {', '.join(PROTOCOLS)}.")] = "conversational",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    targets: Annotated[
        Literal["all", "new"], typer.Option(help="new: only targets that were not mentioned before.")
    ] = "all",
    cutoff: Annotated[
        list[int] | None, typer.Option(help="A cut-off in addition to 1, 10 and 50. May be repeated.")
    ] = None,
    as_json: AsJson = False,
    rankings: Annotated[
        Path | None, typer.Option(help="Write the ranking of every example to this file, as JSON lines.")
    ] = None,
) -> None:
    """Evaluate a run under a protocol, with confidence intervals, beside the baselines."""
    from recommender.results.measure import measure_run

    with user_errors():
        if protocol not in PROTOCOLS:
            raise UnknownNameError("protocol", protocol, PROTOCOLS)
        if rankings is not None and not rankings.absolute().parent.is_dir():
            raise RecommenderError(
                f"There is no folder {rankings.parent} for --rankings. Make it, or name another file."
            )
        run = find_run(run_id, settings())
        report, record = measure_run(run, protocol, split, targets, settings(), rankings, cutoff or ())
        if as_json:
            typer.echo(json.dumps(report))
        else:
            _print_report(report)
        run.measurements.write_report(report, record)
        if report["data"]:
            log.warning(
                "This is not ReDial's own data: Compare shows it apart, as the data set %s.", report["data"][:8]
            )
        if run.ships:
            log.info("Your own measurement, kept in %s; what ships stays as it is.", run.measurements.folder)


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
    for name, value in report["beyond"].items():
        if name.startswith(f"{CALIBRATED}@"):
            continue
        typer.echo(f"{name:15} {value:10.4f}   {DIRECTIONS[measure_of(name).better].lower()}")
    if calibrated := _calibrated(report):
        typer.echo(calibrated)


def _calibrated(report: dict[str, Any]) -> str:
    """How many examples the calibration is measured on; empty if none."""
    counts = [int(value) for name, value in report["beyond"].items() if name.startswith(f"{CALIBRATED}@")]
    if not counts:
        return ""
    return f"calibration is of the {max(counts):,} examples whose input, and whose list, name movies of known genres"


@app.command()
def halve(run_id: RunId) -> None:
    """Store the weights of a run in half precision, at half the size."""
    from recommender.runs.checkpoints import halve as halve_weights
    from recommender.runs.ownership import owning

    with user_errors():
        run = find_run(run_id, settings())
        if run.ships:
            raise RecommenderError(f"The run {run.run_id} belongs to the project and stays as it is.")
        with owning(run):
            before, after = halve_weights(run)
    typer.echo(
        f"{run_id}: {before / 2**20:.1f} MiB -> {after / 2**20:.1f} MiB. Measure it again: evaluate --run {run_id}"
    )


@app.command()
def runs(as_json: AsJson = False) -> None:
    """List the runs with their state and best validation score."""
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
    from recommender.runs.folder import SELECTED_BY, best_row, list_runs

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
