"""Data -> plotly figures. Colour is never the only cue: what differs in colour differs in dash, marker or label too."""
