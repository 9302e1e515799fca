import os
import threading
from pathlib import Path

import numpy as np
import pytest

from baad.data.decode import UnopenedFile
from baad.errors import DataError, ImageError
from baad.runtime import watch
from baad.runtime.frame import Frame
from baad.runtime.watch import watch_folder


class Folder:
    """A folder, and a clock: every look at the folder first does what is planned for it, then a second passes."""

    def __init__(self, path):
        self.path, self.now, self.looks, self.waits = path, 0.0, 0, []
        self.plan, self.until = {}, threading.Event()

    def write(self, name, text):
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)

    def wait(self, seconds):
        self.looks += 1
        self.waits.append(seconds)
        self.now += 1.0
        self.plan.get(self.looks, lambda: None)()

    def seen(self, looks, patience=10.0, leave=lambda path: False):
        """What a watch of so many looks gives out: (name, problem)."""
        self.plan[looks] = self.until.set
        frames = watch_folder(self.path, read, leave, self.until, patience, lambda: self.now, self.wait)
        return [(Path(frame.name).name, frame.problem) for frame in frames]


def read(path):
    """A picture is whole when its text ends in a full stop."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ImageError(f"{path.name} cannot be opened") from error
    if not text.endswith("."):
        raise ImageError(f"{path.name} is cut off")
    return Frame(str(path), Path(path.name), np.zeros((1, 1, 3), np.uint8))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def refuse_to_list(monkeypatch, name, error, when=lambda: True):
    """Folders of that name cannot be listed, while `when` is true."""
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == name and when():
            raise error(*ERRORS[error], str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


ERRORS = {PermissionError: (13, "Permission denied"), FileNotFoundError: (2, "No such file or directory")}


def test_what_is_there_comes_first_then_what_is_put_there_each_once(folder):
    folder.write("2.png", "a.")
    folder.write("10.png", "b.")
    folder.plan = {3: lambda: folder.write("1.png", "c.")}
    assert folder.seen(8) == [("2.png", ""), ("10.png", ""), ("1.png", "")]


def test_a_file_is_not_read_while_it_grows(folder):
    """At every look it is another one, and every one of them could be read."""
    folder.plan = {look: lambda look=look: folder.write("a.png", "h" * look + ".") for look in (1, 2, 3)}
    assert folder.seen(8) == [("a.png", "")]


def test_a_half_written_file_is_waited_for_and_judged_once_when_it_is_whole(folder):
    folder.write("a.png", "hal")
    folder.plan = {6: lambda: folder.write("a.png", "half and the rest.")}
    assert folder.seen(12) == [("a.png", "")]


def test_a_file_that_stays_broken_is_reported_once_and_holds_nothing_up(folder):
    folder.write("a.png", "hal")
    folder.plan = {2: lambda: folder.write("b.png", "whole.")}
    assert folder.seen(20, patience=5.0) == [("b.png", ""), ("a.png", "a.png is cut off")]


@pytest.mark.parametrize(("released", "problems"), [(5, [""]), (20, ["cannot be opened", ""])])
def test_a_file_that_its_writer_locks_is_tried_at_every_look_for_it_does_not_change(folder, released, problems):
    folder.write("a.png", "one.")

    def open_shared(path):
        if folder.looks < released:
            raise UnopenedFile(path, "it cannot be opened (Permission denied)", "Check the permissions")
        assert folder.looks == released
        return read(path)

    folder.plan[25] = folder.until.set
    frames = list(watch_folder(folder.path, open_shared, until=folder.until, now=lambda: folder.now, wait=folder.wait))
    assert [frame.name for frame in frames] == [str(folder.path / "a.png")] * len(problems)
    assert all(
        problem in frame.problem and bool(problem) == bool(frame.problem) for problem, frame in zip(problems, frames)
    )


def test_a_picture_that_is_moved_away_as_soon_as_it_is_read_is_given_out(folder):
    folder.write("a.png", "one.")

    def read_and_move(path):
        answer = read(path)
        path.unlink()
        return answer

    folder.plan[5] = folder.until.set
    frames = watch_folder(folder.path, read_and_move, until=folder.until, now=lambda: folder.now, wait=folder.wait)
    assert [frame.name for frame in frames] == [str(folder.path / "a.png")]


def test_a_broken_file_is_not_decoded_at_every_look(folder):
    folder.write("a.png", "hal")
    reads = []
    folder.plan[25] = folder.until.set
    plan = {"until": folder.until, "now": lambda: folder.now, "wait": folder.wait}
    frames = list(watch_folder(folder.path, lambda path: read(reads.append(path) or path), **plan))
    assert len(frames) == 1 and len(reads) == 2


def test_a_file_that_is_written_anew_is_a_new_picture(folder):
    folder.write("a.png", "one.")
    folder.plan = {4: lambda: folder.write("a.png", "another.")}
    assert folder.seen(8) == [("a.png", ""), ("a.png", "")]


def test_files_that_go_away_and_other_files_are_no_matter(folder):
    folder.write("a.png", "hal")
    folder.write("notes.txt", "no picture.")
    folder.write(".b.png", "hidden.")
    folder.plan = {2: lambda: (folder.path / "a.png").unlink()}
    assert folder.seen(20, patience=5.0) == []


@pytest.mark.parametrize("name", ["a.png", "notes.txt"])
@pytest.mark.parametrize(("took", "waited"), [(3.0, 6.0), (600.0, watch.RARELY)])
def test_looking_takes_a_third_of_the_time_unless_a_share_hangs(folder, monkeypatch, name, took, waited):
    look = watch._look

    def look_long(path):
        folder.now += took
        return look(path)

    folder.write(name, "one.")
    folder.seen(2)
    assert folder.waits == [watch.EVERY] * 2
    folder.until.clear()
    monkeypatch.setattr(watch, "_look", look_long)
    folder.seen(4)
    assert folder.waits[2:] == [waited] * 2


def test_what_is_to_be_left_is_left(folder):
    folder.write("a.png", "one.")
    folder.write("b.png", "two.")
    assert folder.seen(6, leave=lambda path: path.name == "a.png") == [("b.png", "")]


def test_what_is_left_is_looked_at_again_when_it_has_changed_and_not_before(folder):
    asked = []

    def leave(path):
        asked.append(path.read_text())
        return asked[-1] == "seen."

    folder.write("a.png", "seen.")
    folder.plan = {6: lambda: folder.write("a.png", "a picture.")}
    assert folder.seen(12, leave=leave) == [("a.png", "")]
    assert asked.count("seen.") == 1


def test_a_folder_that_goes_away_for_a_while_is_waited_for(folder):
    folder.write("a.png", "one.")
    away = folder.path.with_name("away")
    folder.plan = {4: lambda: folder.path.rename(away), 6: lambda: away.rename(folder.path)}
    folder.plan[7] = lambda: folder.write("b.png", "two.")
    assert folder.seen(12) == [("a.png", ""), ("b.png", "")]


def test_a_folder_that_stays_away_is_told_each_time_and_looked_for(folder):
    folder.write("a.png", "one.")
    name, away = folder.path.name, folder.path.with_name("away")
    folder.plan = {look: lambda: folder.path.rename(away) for look in (4, 30)}
    folder.plan |= {look: lambda: away.rename(folder.path) for look in (25, 50)}
    (_, first, second) = seen = folder.seen(60)
    assert [told for told, _ in seen] == ["a.png", name, name]
    assert first == second and "No such file" in first[1] and "until it is back" in first[1]


def test_a_folder_that_may_not_be_listed_any_more_is_told(folder, monkeypatch):
    folder.write("a.png", "one.")
    refuse_to_list(monkeypatch, folder.path.name, PermissionError, when=lambda: folder.looks >= 4)
    (_, (name, problem)) = folder.seen(30)
    assert name == folder.path.name and "Permission denied" in problem


def test_a_folder_below_that_is_refused_again_is_told_again(folder, monkeypatch):
    two_cameras(folder)
    refuse_to_list(monkeypatch, "cam2", PermissionError, when=lambda: 4 <= folder.looks < 8 or folder.looks >= 12)
    assert [name for name, problem in folder.seen(20)] == ["a.png", "b.png", "cam2", "cam2"]


def test_a_share_that_stands_empty_for_a_while_is_not_judged_again(folder):
    folder.write("a.png", "one.")
    away = folder.path / "a.png.away"
    folder.plan = {4: lambda: (folder.path / "a.png").rename(away), 6: lambda: away.rename(folder.path / "a.png")}
    assert folder.seen(12) == [("a.png", "")]


def two_cameras(folder):
    for name in ("cam1", "cam2"):
        (folder.path / name).mkdir()
    folder.write("cam1/a.png", "one.")
    folder.write("cam2/b.png", "two.")


@pytest.mark.parametrize(("back", "times"), [(7, 1), (12, 2)])
def test_what_one_of_several_shares_holds_is_judged_again_after_minutes_only(folder, monkeypatch, back, times):
    monkeypatch.setattr("baad.runtime.watch.ABSENCE", 5.0)
    two_cameras(folder)
    share, away = folder.path / "cam2" / "b.png", folder.path / "b.away"
    folder.plan = {4: lambda: share.rename(away), back: lambda: away.rename(share)}
    assert folder.seen(20).count(("b.png", "")) == times


def test_what_lies_in_a_folder_that_cannot_be_listed_for_hours_is_not_judged_again(folder, monkeypatch):
    monkeypatch.setattr("baad.runtime.watch.ABSENCE", 5.0)
    two_cameras(folder)
    refuse_to_list(monkeypatch, "cam2", PermissionError, when=lambda: 4 <= folder.looks < 40)
    assert [name for name, problem in folder.seen(50)] == ["a.png", "b.png", "cam2"]


def test_what_is_written_to_while_it_is_read_is_read_again_when_it_is_whole(folder):
    folder.write("a.png", "half.")  # it could be read
    reads = []

    def slow(path):
        reads.append(path.read_text())
        if len(reads) == 1:
            folder.write("a.png", "half and the rest.")
        return read(path)

    folder.plan[8] = folder.until.set
    frames = list(watch_folder(folder.path, slow, until=folder.until, now=lambda: folder.now, wait=folder.wait))
    assert [frame.name for frame in frames] == [str(folder.path / "a.png")]
    assert reads == ["half.", "half and the rest."]


def test_a_long_judgement_of_another_picture_is_no_reason_to_give_one_up(folder):
    folder.write("a.png", "one.")
    folder.write("b.png", "hal")
    frames = watch_folder(folder.path, read, until=folder.until, now=lambda: folder.now, wait=folder.wait)
    assert next(frames).place.name == "a.png"
    folder.now += 60.0
    folder.plan = {folder.looks + 2: lambda: folder.write("b.png", "half and the rest.")}
    folder.plan[folder.looks + 6] = folder.until.set
    assert [(frame.place.name, frame.problem) for frame in frames] == [("b.png", "")]


def test_a_link_to_itself_and_a_folder_that_cannot_be_listed_are_said_and_hold_nothing_up(folder, monkeypatch):
    folder.write("a.png", "one.")
    (folder.path / "loop.png").symlink_to(folder.path / "loop.png")
    (folder.path / "lost").mkdir()
    refuse_to_list(monkeypatch, "lost", PermissionError)
    found = folder.seen(20, patience=5.0)
    assert ("a.png", "") in found and len(found) == 3
    assert dict(found)["lost"].endswith("What comes into it is not judged.")
    assert [name for name, problem in found if problem] == ["lost", "loop.png"]


def test_a_folder_that_is_removed_while_it_is_listed_is_no_part_that_could_not_be_judged(folder, monkeypatch):
    folder.write("a.png", "one.")
    (folder.path / "gone").mkdir()
    refuse_to_list(monkeypatch, "gone", FileNotFoundError)
    assert folder.seen(6) == [("a.png", "")]


def test_a_folder_that_was_never_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such folder to watch"):
        next(watch_folder(tmp_path / "absent", read))
