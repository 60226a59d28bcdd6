"""The log of a training, read again and again while it grows."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from recommender.runs.metrics_log import MetricsLog


def test_reading_again_gives_all_rows_and_only_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    assert log.rows() == []
    path.write_text('{"step": 1}\n{"step": 2, "lo')
    assert log.rows() == [{"step": 1}]
    with path.open("a") as file:
        file.write('ss": 0.5}\n')
    assert log.rows() == [{"step": 1}, {"step": 2, "loss": 0.5}]
    assert log.rows() == [{"step": 1}, {"step": 2, "loss": 0.5}]


def test_what_was_read_is_not_parsed_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n')
    log = MetricsLog(path)
    (first,) = log.rows()
    with path.open("a") as file:
        file.write('{"step": 2}\n')
    assert log.rows()[0] is first


def test_a_log_that_was_cut_back_or_written_anew_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "seconds": 1.5}\n{"step": 2, "seconds": 2.5}\n')
    log = MetricsLog(path)
    assert len(log.rows()) == 2
    path.write_text('{"step": 1, "seconds": 1.5}\n')
    assert log.rows() == [{"step": 1, "seconds": 1.5}]
    path.write_text('{"step": 1, "seconds": 1.9}\n{"step": 2, "seconds": 3.0}\n')
    assert log.rows() == [{"step": 1, "seconds": 1.9}, {"step": 2, "seconds": 3.0}]
    path.unlink()
    assert log.rows() == []


def test_the_rows_that_were_given_out_do_not_change(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n')
    log = MetricsLog(path)
    before = log.rows()
    with path.open("a") as file:
        file.write('{"step": 2}\n')
    log.rows()
    assert before == [{"step": 1}]


LINES = st.lists(
    st.one_of(st.integers(0, 9).map(lambda step: f'{{"step": {step}}}'), st.sampled_from(["", "{", "å", "5"]))
)


@given(LINES, st.lists(st.integers(0, 200), max_size=6).map(sorted))
def test_read_in_pieces_or_at_once_the_rows_are_the_same(lines: list[str], cuts: list[int]) -> None:
    whole = "".join(f"{line}\n" for line in lines).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        log = MetricsLog(path)
        for cut in [*cuts, len(whole)]:  # also in the middle of a letter of two bytes
            path.write_bytes(whole[:cut])
            rows = log.rows()
        assert rows == [{"step": int(line[9])} for line in lines if line.startswith('{"')]


def test_rows_that_no_reader_can_take_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    rows = ['{"step": 1}', "[" * 5000, '{"step": ' + "9" * 5000 + "}", '{"a":' * 5000, '{"step": 2}']
    path.write_text("\n".join(rows) + "\n")
    assert MetricsLog(path).rows() == [{"step": 1}, {"step": 2}]
