"""Commands that answer a wish."""

import json
import os
from typing import Annotated

import typer

from recommender.cli.common import AsJson, RunId, app, user_errors
from recommender.errors import RecommenderError
from recommender.runs.folder import DEFAULT_RUN, find_run
from recommender.settings import settings


@app.command()
def recommend(
    text: Annotated[
        str, typer.Argument(help='The wish, or "-" to read JSON lines {"text", "like", "exclude"} from stdin.')
    ],
    run_id: RunId = DEFAULT_RUN,
    like: Annotated[list[str] | None, typer.Option(help="A movie you like. May be repeated.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A movie to leave out. May be repeated.")] = None,
    k: Annotated[int, typer.Option(help="Number of movies.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Recommend movies for a wish in your own words."""
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
        typer.echo(f"{movie['rank']:3}. {movie['title']} ({movie['year'] or '?'})  {movie['reason']}".rstrip())
    for notice in answer["notices"]:
        typer.echo(notice, err=True)


@app.command()
def match(
    text: Annotated[
        str, typer.Argument(help='A text, or "-" to read one text per line from stdin and write one JSON line each.')
    ],
    as_json: AsJson = False,
) -> None:
    """Find the movies that a text names, how it speaks of them, and the genres it refuses."""
    from recommender.data.task import load_catalog
    from recommender.query.json_lines import lines, matches
    from recommender.query.titles import TitleMatcher

    text = os.fsencode(text).decode("utf-8", errors="replace")  # as for a line of standard input
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
