"""Commands for the experiments behind the results tables."""

import json
from pathlib import Path
from typing import Annotated

import typer

from recommender.cli.common import AsJson, app, user_errors
from recommender.settings import settings


@app.command()
def results(
    collect: Annotated[Path | None, typer.Option(help="A folder of runs whose reports are recorded first.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if the README differs.")] = False,
) -> None:
    """Make the README's results tables from the recorded measurements."""
    from recommender.results.gradient_norms import collect_gradient_norms
    from recommender.results.records import collect_results
    from recommender.results.tables import put_into, tables
    from recommender.settings import ROOT

    with user_errors():
        if collect is not None:
            for line in [*collect_results(collect), *collect_gradient_norms(collect)]:
                typer.echo(line, err=True)
        changed = put_into(ROOT / "README.md", write=not check)
    typer.echo(tables())
    if check and changed:
        raise typer.Exit(1)


@app.command()
def reproduce(
    row: Annotated[str, typer.Argument(help="An experiment: default, dialogue-paper, paper-softmax-rnn, ...")],
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
