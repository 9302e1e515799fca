import os
import stat
from pathlib import Path

import pytest

from baad.atomic import is_device, replacing, write_bytes, write_text
from baad.errors import OutputError


def test_a_file_appears_whole(tmp_path):
    write_text(tmp_path / "new" / "a.txt", "grün")
    assert (tmp_path / "new" / "a.txt").read_text("utf-8") == "grün"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("synced", [True, False])
def test_what_matters_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch, synced):
    done, rename = [], os.replace
    monkeypatch.setattr(os, "fsync", lambda number: done.append(os.stat(number).st_size))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("renamed"), rename(*names)))
    if synced:
        write_text(tmp_path / "a.txt", "four")
    else:
        with replacing(tmp_path / "a.txt") as partial:
            partial.write_text("four")
    assert done == ([4, "renamed"] if synced else ["renamed"])


def test_an_exception_leaves_the_old_file_and_no_rest(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_is_replaced_whole(tmp_path):
    for content in ("old", "new"):
        with replacing(tmp_path / "maps") as partial:
            partial.mkdir()
            (partial / content).touch()
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["new"]


def fail_into_place(monkeypatch, folder, fail):
    """Let the renaming of what was written to its place fail; every other one works."""
    genuine = os.rename

    def rename(source, target):
        return fail() if Path(source).suffix == ".partial" else genuine(source, target)

    monkeypatch.setattr(os, "rename", rename)
    folder.mkdir()
    (folder / "old").touch()


@pytest.mark.parametrize("error", [OSError(5, "it broke"), KeyboardInterrupt()])
def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_old_one_there(tmp_path, monkeypatch, error):
    def fail():
        raise error

    fail_into_place(monkeypatch, tmp_path / "maps", fail)
    with pytest.raises((OutputError, KeyboardInterrupt)), replacing(tmp_path / "maps") as partial:
        partial.mkdir()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["maps", "maps/old"]


def test_a_process_killed_while_a_folder_is_replaced_loses_neither(tmp_path, monkeypatch):
    fail_into_place(monkeypatch, tmp_path / "maps", lambda: os._exit(9))
    if (child := os.fork()) == 0:
        with replacing(tmp_path / "maps") as partial:
            partial.mkdir()
            (partial / "new").touch()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert sorted(file.name for file in tmp_path.glob("*/*")) == ["new", "old"]


def test_a_link_stays_and_the_file_it_leads_to_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "old.csv").write_text("old")
    for name in ("old.csv", "new.csv"):
        (tmp_path / f"to_{name}").symlink_to(tmp_path / "far" / name)
        (tmp_path / name).symlink_to(f"to_{name}")
        write_text(tmp_path / name, "written")
        assert (tmp_path / name).is_symlink() and (tmp_path / f"to_{name}").is_symlink()
        assert (tmp_path / "far" / name).read_text() == "written"
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["new.csv", "old.csv"]


def test_a_link_to_a_folder_stays_and_the_folder_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "old").touch()
    (tmp_path / "maps").symlink_to(tmp_path / "far")
    with replacing(tmp_path / "maps") as partial:
        partial.mkdir()
        (partial / "new").touch()
    assert (tmp_path / "maps").is_symlink() and sorted(path.name for path in tmp_path.iterdir()) == ["far", "maps"]
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["new"]


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"Cannot write .*file.*Choose a place"):
        write_bytes(tmp_path / "file" / "model.baad", b"x")


def test_a_device_or_a_pipe_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OutputError, match="never replaced"):
            write_bytes(path, b"x")
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode) and stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="the system does not show what a program has open")
def test_what_a_program_has_open_is_never_replaced(tmp_path):
    with open(tmp_path / "out.csv", "w+") as file:
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        assert os.path.isfile(tmp_path / "link")
        with pytest.raises(OutputError, match="never replaced"):
            write_bytes(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "out.csv").read_text() == ""
    assert all(map(is_device, ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/1")))


def test_files_folders_and_rings_of_links_are_no_devices(tmp_path):
    (tmp_path / "ring").symlink_to("ring")
    (tmp_path / "out.csv").touch()
    assert not any(map(is_device, (tmp_path, tmp_path / "out.csv", tmp_path / "absent", tmp_path / "ring")))


def test_the_folder_that_one_is_in_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (Path(), tmp_path, Path("..") / tmp_path.name):
        with pytest.raises(OutputError, match="the folder you are in"), replacing(path):
            pytest.fail("it was begun")


def test_a_file_can_be_written_from_a_folder_that_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    try:
        (tmp_path / "gone").rmdir()
    except OSError:
        pytest.skip("this system keeps the folder that a program runs in")
    write_bytes(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_pipe_that_closes_elsewhere_is_not_called_a_fault_of_this_file(tmp_path):
    with pytest.raises(BrokenPipeError), replacing(tmp_path / "a.txt"):
        raise BrokenPipeError
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_there_is_can_be_written(tmp_path):
    write_bytes(tmp_path / ("x" * 255), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["x" * 255]
