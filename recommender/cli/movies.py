"""Commands for movies added after training."""

import json
from typing import Annotated

import typer

from recommender.cli.common import AsJson, RunId, app, user_errors
from recommender.runs.folder import find_run
from recommender.settings import Settings, settings


@app.command()
def add_movie(
    title: Annotated[str, typer.Option(help="Title without the year.")],
    text: Annotated[str, typer.Option(help="Plot, directors, cast: the text by which models know the movie.")] = "",
    year: Annotated[int | None, typer.Option(help="Year of release.")] = None,
    genres: Annotated[str, typer.Option(help="Genres of the catalogue, separated by commas: comedy,drama")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a movie to the catalogue. Models that use movie texts recommend it at once, without training."""
    from dataclasses import asdict

    from recommender.data.task import load_catalog
    from recommender.query.additions import add_movie as add

    with user_errors():
        named = [genre.strip().lower() for genre in genres.split(",") if genre.strip()]
        movie = add(title, year, named, text, load_catalog(settings()), _owners())
    typer.echo(json.dumps(asdict(movie)) if as_json else f"added {movie.name}, id {movie.movie_id}")


@app.command()
def remove_movie(movie_id: Annotated[int, typer.Argument(help="The id that `add-movie` printed.")]) -> None:
    """Remove a movie that was added."""
    from recommender.query.additions import remove_movie as remove

    with user_errors():
        remove(movie_id, _owners())
    typer.echo(f"removed {movie_id}")


def _owners() -> Settings:
    """Read-only applies to visitors of the app, not to the command line."""
    return settings().model_copy(update={"read_only": False})


@app.command()
def new_movies(run_id: RunId, as_json: AsJson = False) -> None:
    """Evaluate a run on movies that were held out of training and added by their texts."""
    from dataclasses import asdict

    from recommender.data.task import Task, load_data
    from recommender.device import choose_device
    from recommender.reports.new_movies import measure_new_movies
    from recommender.runs.checkpoints import load_checkpoint

    with user_errors():
        device = choose_device(settings())
        checkpoint = load_checkpoint(find_run(run_id, settings()), device)
        config = checkpoint.config
        data = load_data(config.protocol, config.data, settings(), checkpoint.catalog)
        task = Task(checkpoint.catalog, data, config.protocol, config.data, config.seed, settings())
        found = measure_new_movies(checkpoint.model, task, device)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    typer.echo(f"{found.movies} movies added by their text; {found.new_targets} targets, {data.describe()}")
    for name, (value, low, high) in found.new.items():
        trained, chance = found.trained[name][0], found.chance[name]
        typer.echo(f"{name:10} {value:.4f} ({low:.4f} - {high:.4f})  trained {trained:.4f}  chance {chance:.4f}")
