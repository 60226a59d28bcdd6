"""A wish as a link: what is written is read again, and nothing that comes from outside does harm."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.shared.link import (
    MAX_CHARACTERS,
    MAX_MARKED,
    MAX_MESSAGES,
    NAMES,
    Chip,
    Link,
    LinkError,
    Said,
    address,
    from_params,
    to_params,
)

IDS = st.lists(st.integers(0, 9_999_999_999), max_size=20, unique=True).map(tuple)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(str.strip)
GENRES = st.lists(st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True), max_size=3).map(tuple)
RUNS = st.just("") | st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}[a-zA-Z0-9_-]?", fullmatch=True).filter(
    lambda run_id: not run_id.endswith(".")
)


@st.composite
def said_with_chips(draw: st.DrawFn) -> Said:
    text = draw(TEXTS)
    ends = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = list(zip(ends[::2], ends[1::2], strict=False))
    stances = st.sampled_from(["liked", "seen", "refused"])
    chips = tuple(Chip(start, end, draw(stances), draw(st.integers(0, 999_999_999))) for start, end in spans)
    return Said(text, chips, draw(GENRES))


LINKS = st.builds(
    Link,
    st.lists(said_with_chips(), max_size=4).map(tuple) | st.lists(st.builds(Said, TEXTS), max_size=4).map(tuple),
    IDS,
    IDS,
    IDS,
    RUNS,
    RUNS,
)


@given(LINKS)
def test_what_is_written_into_an_address_is_read_again(link: Link) -> None:
    params = parse_qs(urlsplit(address("http://localhost/recommend", to_params(link))).query, keep_blank_values=True)
    assert from_params(params) == (None if link == Link() else link)


def test_a_link_can_be_read_by_people() -> None:
    said = Said("like Heat but no horror", (Chip(5, 9, "liked", 12),), ("horror",))
    assert to_params(Link((said,), seen=(3, 4), run="default")) == {
        "wish": ["like Heat but no horror"],
        "chips": ["5-9.liked.12~no.horror"],
        "seen": ["3-4"],
        "run": ["default"],
    }


def test_a_message_whose_chips_were_all_removed_is_not_read_again() -> None:
    params = to_params(Link((Said("like Heat", ()),)))
    assert params["chips"] == ["none"]
    assert from_params(params) == Link((Said("like Heat", ()),))


def test_a_movie_that_somebody_added_fits_into_a_link() -> None:
    added = int(time.time())  # as `additions` numbers them
    link = Link((Said("Moonfall", (Chip(0, 8, "liked", added),)),), liked=(added,))
    assert from_params(to_params(link)) == link


def test_a_link_by_hand_leaves_the_reading_to_the_model() -> None:
    assert from_params({"wish": ["like Heat"], "utm_source": ["mail"]}) == Link((Said("like Heat", None),))


def read(params: dict[str, list[str]]) -> Link | str | None:
    """The link, or what the user is told."""
    try:
        return from_params(params)
    except LinkError as error:
        return str(error)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), st.lists(st.text(max_size=40), max_size=3)))
def test_garbage_is_refused_kindly(params: dict[str, list[str]]) -> None:
    link = read(params)
    if isinstance(link, str):
        assert link.startswith("This link is damaged: ")
    else:
        assert from_params(to_params(link or Link())) == (link if link != Link() else None)


PARTS = st.lists(st.sampled_from([*"0123456789-.~", "no", "liked", "refused", "seen", "1-2.", "none", "٣"]), max_size=9)


@given(PARTS.map("".join))
def test_nearly_right_chips_are_read_or_refused(chips: str) -> None:
    link = read({"wish": ["like Heat and Up"], "chips": [chips]})
    assert isinstance(link, str) or from_params(to_params(link)) == link


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"wish": ["Heat"], "chips": ["0-9.liked.1"]}, "do not fit"),
        ({"wish": ["Heat"], "chips": ["2-2.liked.1"]}, "do not fit"),
        ({"wish": ["Heat up"], "chips": ["5-7.liked.1~0-4.liked.2"]}, "do not fit"),
        ({"wish": ["Heat"], "chips": ["0-4.loved.1"]}, "is not a chip"),
        ({"wish": ["Heat"], "chips": ["0-4.liked.1", "none"]}, "1 messages and chips for 2"),
        ({"wish": [" "]}, "empty"),
        ({"wish": ["Heat"], "seen": ["1--2"]}, "not a list of movies"),
        ({"wish": ["Heat"], "seen": ["1", "2"]}, "2 times"),
        ({"wish": ["Heat"], "run": ["../default"]}, "not the name of a model"),
        ({"wish": ["Heat \ud800"]}, "not valid Unicode"),
        ({"wish": ["Heat"], "liked": ["9" * 5000]}, "not a list of movies"),
        ({"wish": ["x"] * (MAX_MESSAGES + 1)}, "messages"),
        ({"wish": ["x" * (MAX_CHARACTERS + 1)]}, "longer than"),
        ({"wish": ["x"], "seen": ["-".join(["1"] * (MAX_MARKED + 1))]}, "more than"),
    ],
)
def test_a_damaged_link_says_what_is_wrong(params: dict[str, list[str]], what: str) -> None:
    with pytest.raises(LinkError, match=what):
        from_params(params)


def test_a_wish_too_long_for_a_link_is_refused() -> None:
    with pytest.raises(LinkError, match="too long"):
        to_params(Link((Said("x" * (MAX_CHARACTERS + 1), ()),)))
