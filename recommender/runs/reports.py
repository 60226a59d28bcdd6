"""A folder's files, read without following links; and the reports in it, with the records behind them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recommender.errors import CheckpointError
from recommender.files import open_regular, parse_json, read_regular, write_atomically

if TYPE_CHECKING:  # safetensors and numpy are not needed for the list of runs
    from recommender.evaluation.records import Record


@dataclass(frozen=True)
class Reports:
    """A folder named after a run that holds reports: the run's own, or measurements of a run that ships."""

    folder: Path

    @property
    def run_id(self) -> str:
        return self.folder.name

    def read(self, name: str) -> bytes:
        """A file of the folder. Raises `CheckpointError` if it is missing, a link or no regular file."""
        try:
            return read_regular(self.folder / name)
        except OSError as error:
            raise CheckpointError(f"Cannot read {self.run_id}/{name}: {error.strerror}.") from error

    def check_regular(self, name: str) -> None:
        """Raises `CheckpointError` as `read` does, without reading."""
        try:
            open_regular(self.folder / name).close()
        except OSError as error:
            raise CheckpointError(f"Cannot read {self.run_id}/{name}: {error.strerror}.") from error

    def read_json(self, name: str) -> Any:
        """Raises `CheckpointError` as `read` does, and for what is no JSON."""
        raw = self.read(name)
        try:
            return parse_json(raw.decode("utf-8"))
        except ValueError as error:
            raise CheckpointError(f"{self.run_id}/{name} is damaged: {error}.") from error

    def write_report(self, report: dict[str, Any], record: "Record") -> None:
        """The report and, beside it under the same name, the record of its single examples."""
        name = _report_name(report)
        write_atomically(self.folder / f"{name}.safetensors", record.to_bytes())
        write_atomically(self.folder / f"{name}.json", json.dumps(report, indent=2) + "\n")

    def report_names(self) -> list[str]:
        """The files of its reports, for `report`."""
        return sorted(path.name for path in self.folder.glob("report-*.json"))

    def report(self, name: str) -> dict[str, Any]:
        """Those of older versions lack what was added since (`epoch`, `beyond`, `data`, ...).

        Raises `CheckpointError` if the file is damaged.
        """
        report = self.read_json(name)
        if not isinstance(report, dict) or "metrics" not in report or f"{_report_name(report)}.json" != name:
            raise CheckpointError(f"{self.run_id}/{name} is damaged: it is not the report that its name promises.")
        return report

    def record(self, report: dict[str, Any]) -> "Record | None":
        """The single examples behind one of the reports; None for a report of an older version, which has none.

        Raises `CheckpointError` naming the file if it is damaged.
        """
        from safetensors import SafetensorError

        from recommender.evaluation.records import Record

        name = f"{_report_name(report)}.safetensors"
        if not (self.folder / name).exists():
            return None
        raw = self.read(name)
        try:
            return Record.from_bytes(raw)
        except (SafetensorError, ValueError) as error:
            raise CheckpointError(
                f"{self.run_id}/{name} is damaged: {error}. Write it again with `python -m recommender evaluate`."
            ) from error


def _report_name(report: dict[str, Any]) -> str:
    """Measurements on other data than the published carry that data's fingerprint, so that none replaces another."""
    parts = [str(report.get(key)) for key in ("source", "protocol", "split", "targets")]
    return "-".join(["report", *parts, *([str(report["data"])] if report.get("data") else [])])
