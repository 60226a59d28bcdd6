"""What killed processes leave behind is removed, and nothing that a live one is just writing."""

import os
import threading
import time
from pathlib import Path

import pytest

from recommender import files
from recommender.files import part_of, remove_leftovers, remove_whole, rename_whole, write_atomically

GONE = 2**22 + 1  # no process has this number


def part(name: str, process: int, host: str = files.HOST, thread: int = 1) -> str:
    return f".{name}.{host}.{process}.{thread}.part"


def test_leftovers_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    for name in (part("model.safetensors", GONE), part("status.json", os.getpid())):  # no thread has the number 1
        (tmp_path / name).write_text("half")
    write_within(part_of(tmp_path / "failed.json"))  # of this thread, which is writing nothing now
    folder = tmp_path / part("checkpoint-12", GONE)
    write_within(folder / "model.safetensors")
    kept = [part("report.json", os.getppid()), ".other.part", part("x", GONE)[1:], ".lock"]
    for name in kept:
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    remove_leftovers(tmp_path / "missing")


def write_within(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("half")


def test_what_another_machine_writes_is_removed_when_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that both share, where the number of a process says nothing of whether it lives."""
    there = "0" * 8
    assert there != files.HOST
    for process in (GONE, os.getpid(), os.getppid()):
        write_within(tmp_path / part("x.json", process, there))
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    later = time.time() + files.ABANDONED_AFTER + 60
    monkeypatch.setattr(files.time, "time", lambda: later)
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_another_thread_writes_stays_until_the_thread_has_ended(tmp_path: Path) -> None:
    written, done = threading.Event(), threading.Event()

    def write() -> None:
        write_within(part_of(tmp_path / "x.json"))
        written.set()
        done.wait()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert written.wait(60)
        remove_leftovers(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
    finally:
        done.set()
        thread.join()
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


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
    assert [path.name for path in tmp_path.iterdir()] == [part("x.json", GONE, thread=threading.get_ident())]
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
    assert [path.name for path in tmp_path.iterdir()] == [part_of(folder).name]
    remove_leftovers(tmp_path)
    remove_whole(folder)
    assert list(tmp_path.iterdir()) == []
