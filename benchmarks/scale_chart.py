"""What `benchmarks.scale` measured, as two charts side by side on log-log axes: `python -m benchmarks.scale_chart`.

Reads docs/scale.jsonl, writes docs/scale.png through chromium and prints the table of docs/scale.md.
"""

import json
import tempfile
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from benchmarks.scale import ROOT, STAGES
from benchmarks.screenshot import chromium, find_chromium

RESULTS, PICTURE = ROOT / "docs/scale.jsonl", ROOT / "docs/scale.png"
LIMIT_MB = 8 * 1024
COLOURS = dict(zip(STAGES, ("#4c6ef5", "#e8590c", "#2b8a3e"), strict=True))


def figure(rows: list[dict]) -> go.Figure:
    drawn = make_subplots(
        cols=2, subplot_titles=("Processor seconds, without text vectors", "Highest memory, MB (dotted: 8 GB)")
    )
    for stage in STAGES:
        own = sorted((row for row in rows if row["stage"] == stage), key=lambda row: row["movies"])
        sizes = [row["movies"] for row in own]
        seconds = [sum(spent for part, spent in row["seconds"].items() if part != "text vectors") for row in own]
        for place, values in enumerate((seconds, [max(row["memory_mb"].values()) for row in own]), start=1):
            line = {"color": COLOURS[stage]}
            drawn.add_scatter(
                x=sizes, y=values, name=stage, line=line, mode="lines+markers", showlegend=place == 1, row=1, col=place
            )
    drawn.add_hline(LIMIT_MB, line_dash="dot", row=1, col=2)
    drawn.update_xaxes(type="log", dtick=1, title="Dialogues, and as many movies")
    drawn.update_yaxes(type="log", tickvals=[1, 10, 100, 1000], range=[0, 3], row=1, col=1)
    drawn.update_yaxes(type="log", tickvals=[500, 1000, 2000, 4000, 8000], range=[2.6, 4.1], row=1, col=2)
    legend, margin = {"orientation": "h", "y": -0.25}, {"t": 40, "l": 50, "r": 20}
    return drawn.update_layout(template="plotly_white", width=1000, height=420, legend=legend, margin=margin)


def table(rows: list[dict]) -> str:
    """Markdown: a line for each part of each stage, seconds and MB for each size."""
    sizes = sorted({row["movies"] for row in rows})
    lines = ["| stage | part | " + " | ".join(f"{size:,}" for size in sizes) + " |", "| --- " * (2 + len(sizes)) + "|"]
    for stage in STAGES:
        own = {row["movies"]: row for row in rows if row["stage"] == stage}
        for part in next(iter(own.values()))["seconds"]:
            cells = [
                f"{own[size]['seconds'][part]:,.1f} s, {own[size]['memory_mb'][part]:,} MB" if size in own else "-"
                for size in sizes
            ]
            lines.append(f"| {stage} | {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    print(table(rows))
    path = find_chromium()
    if path is None:
        raise SystemExit("There is no chromium or google-chrome on the PATH.")
    with tempfile.TemporaryDirectory() as folder, chromium(path) as browser:
        page_file = Path(folder) / "scale.html"
        figure(rows).write_html(page_file, include_plotlyjs=True, config={"displayModeBar": False})
        page = browser.new_page(viewport={"width": 1020, "height": 440})
        page.goto(page_file.as_uri())
        page.locator(".main-svg").first.wait_for()
        page.screenshot(path=PICTURE, animations="disabled")


if __name__ == "__main__":
    main()
