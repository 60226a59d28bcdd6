"""Commands for hyperparameter tuning."""

import json
from contextlib import nullcontext
from typing import Annotated

import typer

from recommender.cli.common import AsJson, app, quiet_transformers, user_errors
from recommender.config.presets import save_preset
from recommender.settings import Settings, settings
from recommender.wording import duration

StudyName = Annotated[str, typer.Option("--study", help="Name of a new study, or of one to continue.")]
Storage = Annotated[str, typer.Option(help="SQLAlchemy URL; overrides RECOMMENDER_STUDIES_URL.")]


@app.command()
def tune(
    study: StudyName,
    search: Annotated[str, typer.Option(help="Name of a search in recommender/searches/, or a .toml file.")] = "",
    trials: Annotated[int | None, typer.Option(min=1, help="Total number of trials, including earlier ones.")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Start no further trial after this many seconds.")
    ] = None,
    storage: Storage = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Before each trial, wait until all earlier runs have ended.")
    ] = False,
    worker: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Search for better settings in many short runs. Repeat the command to continue an interrupted study."""
    from recommender.runs.studies import new_worker
    from recommender.tuning.job import handed_over
    from recommender.tuning.search import load_search

    with user_errors():
        here = _with_storage(storage)
        found = load_search(search) if search else None
        own = handed_over(study, worker, here) if worker else None
        quiet_transformers()
        from recommender.tuning.study import begin_study, find_study
        from recommender.tuning.tune import work_on

        opened = begin_study(study, found, trials, here) if found else find_study(study, here, trials)
        with nullcontext(own) if own else new_worker(study, here) as one:
            state = work_on(opened, here, one, wait, timeout)
        _print_study(study, here, state)


@app.command()
def tune_preset(
    study: StudyName, name: Annotated[str, typer.Option(help="Name of the new preset.")], storage: Storage = ""
) -> None:
    """Save the settings of the best trial as a preset, for `train --preset` and the Train page."""
    from recommender.tuning.study import find_study

    with user_errors():
        file = save_preset(name, find_study(study, _with_storage(storage)).best_config())
    typer.echo(f"{file}\nTrain it: python -m recommender train --preset {name} --run-id {name}")


@app.command()
def studies(storage: Storage = "", as_json: AsJson = False) -> None:
    """List the studies with their progress and best settings."""
    from recommender.tuning.view import list_studies

    with user_errors():
        found = [view.facts() for view in list_studies(_with_storage(storage))]
    if as_json:
        typer.echo(json.dumps({"studies": found}))
        return
    for row in found:
        if "problem" in row:
            typer.echo(f"{row['study']:32} cannot be read: {row['problem']}")
            continue
        best = "-" if row["best"] is None else f"{row['best']['ndcg@10']:.4f}"
        typer.echo(f"{row['study']:32} {row['done']:>3} of {row['trials']} trials, best validation nDCG@10 {best}")
    if not found:
        typer.echo("No study yet. Begin one: python -m recommender tune --search frozen --study first")


def _with_storage(url: str) -> Settings:
    return settings().model_copy(update={"studies_url": url}) if url else settings()


def _print_study(name: str, here: Settings, state: str) -> None:
    from recommender.tuning.view import read_study

    view = read_study(name, here)
    typer.echo(f"{name}: {state}, {view.done} of {view.trials} trials done")
    if best := view.best:
        seconds = f" in {duration(best.seconds)}" if best.seconds else ""
        typer.echo(f"best: trial {best.number}, validation nDCG@10 {best.value:.4f}{seconds}")
        typer.echo("".join(f"  --set {setting}\n" for setting in best.overrides()), nl=False)
        typer.echo(f"Keep it: python -m recommender tune-preset --study {name} --name MY_NAME")
