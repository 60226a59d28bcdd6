"""A self-contained HTML report: tables, figures and plotly.js in one file."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

# The browser itself forbids the file to ask any other machine for anything.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: #fff; color: #101518;
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { line-height: 1.2; } h2 { margin-top: 3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #d9d7d0; text-align: left; vertical-align: top; }
figure { margin: 1.5rem 0; } figcaption { color: #4a4f51; font-size: .9rem; }
"""


@dataclass(frozen=True)
class Drawing:
    figure: go.Figure
    alt: str  # one sentence that says what it shows


@dataclass(frozen=True)
class Section:
    heading: str
    texts: Sequence[str] = ()
    tables: Sequence[pd.DataFrame] = ()
    drawings: Sequence[Drawing] = ()


def html_report(title: str, sections: Sequence[Section]) -> str:
    """One page, about 5 MB, almost all of it plotly.js. Every name and text is escaped."""
    drawn = 0
    parts = []
    for section in sections:
        parts.append(f"<h2>{html.escape(section.heading)}</h2>")
        parts += [f"<p>{html.escape(text)}</p>" for text in section.texts]
        parts += [f'<div class="wide">{_table(table)}</div>' for table in section.tables]
        for drawing in section.drawings:
            drawn += 1
            parts.append(_figure(drawing, f"figure-{drawn}"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _table(table: pd.DataFrame) -> str:
    text: str = table.to_html(index=False, escape=True, border=0)
    return text


def _figure(drawing: Drawing, name: str) -> str:
    config = {"displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg", "filename": name}}
    inner = drawing.figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config)
    alt = html.escape(drawing.alt)
    return f"<figure>{inner}<figcaption>{alt}</figcaption></figure>"
