"""What killed processes leave behind is removed, and nothing that a live one is just writing."""

import os
from pathlib import Path

import pytest

from recommender import files
from recommender.files import remove_leftovers, remove_whole, rename_whole, write_atomically

GONE = 2**22 + 1  # no process has this number


def test_leftovers_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    for name in (f".model.safetensors.{GONE}.part", f".status.json.{os.getpid()}.part"):
        (tmp_path / name).write_text("half")
    folder = tmp_path / f".checkpoint-12.{GONE}.part"
    folder.mkdir()
    (folder / "model.safetensors").write_text("half")
    kept = [f".report.json.{os.getppid()}.part", ".other.part", f"x.{GONE}.part", ".lock"]
    for name in kept:
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    remove_leftovers(tmp_path / "missing")


def test_what_a_kill_leaves_of_a_write_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", die)
        patch.setattr(Path, "unlink", die)  # a process that is killed tidies nothing up
        patch.setattr(files.os, "getpid", lambda: GONE)
        with pytest.raises(Killed):
            write_atomically(tmp_path / "x.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == [f".x.json.{GONE}.part"]
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_gets_its_name_when_all_of_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = tmp_path / ".whole.part"
    (aside / "deep").mkdir(parents=True)
    (aside / "deep" / "a").write_text("a")
    (aside / "b").write_text("b")
    synced: list[tuple[str, bool]] = []
    monkeypatch.setattr(files, "_sync", lambda path: synced.append((path.name, (tmp_path / "whole").exists())))
    rename_whole(aside, tmp_path / "whole")
    assert sorted(synced[:-1]) == [(".whole.part", False), ("a", False), ("b", False), ("deep", False)]
    assert synced[-1] == (tmp_path.name, True)
    assert (tmp_path / "whole" / "deep" / "a").read_text() == "a"


def test_a_folder_that_is_removed_is_never_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "checkpoint-1"
    folder.mkdir()
    (folder / "a").write_text("a")

    def fail(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(files.shutil, "rmtree", fail)
        with pytest.raises(OSError, match="killed"):
            remove_whole(folder)
    assert [path.name for path in tmp_path.iterdir()] == [f".checkpoint-1.{os.getpid()}.part"]
    remove_leftovers(tmp_path)
    remove_whole(folder)
    assert list(tmp_path.iterdir()) == []
