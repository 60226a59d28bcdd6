"""Escapes text from users and data sets for Streamlit's Markdown."""

import re

_JOINER = "\u2060"  # invisible and without width
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit and GFM look for these after the backslashes are gone: `:smile:`, `:material/home:`, links and e-mail
# addresses without brackets, and signs between spaces that it turns into arrows.
_FOUND_LATER = re.compile(r"(:(?=\S)|@(?=\S)|www(?=\.)|(?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S))", re.IGNORECASE)


def plain(text: str) -> str:
    """Markdown that shows `text` literally, on one line: for labels, messages and titles."""
    parted = _FOUND_LATER.sub(lambda found: found[0][0] + _JOINER + found[0][1:], " ".join(text.split()))
    return _PUNCTUATION.sub(r"\\\1", parted)
