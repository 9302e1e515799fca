import io
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from baad.cli.inputs import LONGEST, Picture, Remark, find_pictures, is_endless, watch_pictures
from baad.data.maps import write_map
from baad.errors import DataError, MissingExtra
from baad.runtime.frame import Frame
from baad.runtime.session import Session
from baad.runtime.video import is_live
from tests.factory import draw_picture, save_result, write_folder


def places(words, listed=""):
    return [str(picture.place) for picture in find_pictures(words, io.StringIO(listed))]


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A folder of a picture and two files named like films, which give three frames each; cameras are off."""

    def read_frames(word, every=1):
        if is_live(word) or not Path(word).is_file():
            raise DataError(f"Cannot open {word}.")
        for index in range(0, 3, every):
            yield Frame(f"{word}#{index}", Path(word) / str(index), None)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("baad.cli.inputs.read_frames", read_frames)
    write_folder(tmp_path / "clips", normals=1)
    for name in ("a.mp4", "b.mp4"):
        Path("clips", name).touch()


def test_one_folder_gives_places_below_itself(tmp_path):
    write_folder(tmp_path / "new", normals=2, sessions=("mon", "tue"))
    assert places([str(tmp_path / "new")]) == ["mon/000.png", "tue/001.png"]


def test_two_folders_with_equal_names_of_files_keep_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        write_folder(tmp_path / name, normals=1)
    assert places(["one", "two"]) == ["one/000.png", "two/000.png"]
    assert places(["-"], "one\ntwo/000.png\n") == ["one/000.png", "two/000.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path, normals=1)
    Path("000.png").rename("part[1].png")
    assert places(["part[1].png"]) == ["part[1].png"]


def test_standard_input_is_read_line_by_line():
    class Endless:
        def readline(self, most):
            return "some.png\n"

    assert str(next(find_pictures(["-"], Endless())).path) == "some.png"


@pytest.mark.parametrize("listed", ["\ufeffa.png\nb.png\n", "\ufeff\r\na.png\r\nb.png"])
def test_a_byte_order_mark_before_a_list_is_no_part_of_its_first_name(listed):
    assert places(["-"], listed) == ["a.png", "b.png"]


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        places([str(tmp_path)])


def test_names_of_a_list_that_stand_for_nothing_are_remarks_and_the_rest_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    listed = io.StringIO("empty\n*.png\na\0b\n  \nlast.png")
    found = list(find_pictures(["-"], listed))
    assert [isinstance(each, Remark) for each in found] == [True, True, False, False]
    assert str(found[-1].path) == "last.png"


def test_a_line_may_be_nearly_as_long_as_the_limit_and_no_longer():
    for length, remarks in ((LONGEST - 2, []), (LONGEST, [True])):
        found = list(find_pictures(["-"], io.StringIO("x" * length + "\nb.png\n")))
        assert [each.skipped for each in found if isinstance(each, Remark)] == remarks
        assert len(found) == (1 if remarks else 2)


def test_masks_are_left_aside_but_may_be_named(tmp_path):
    write_folder(tmp_path / "new", normals=2)
    write_folder(tmp_path / "new" / "ground_truth" / "spot", normals=3)
    *pictures, remark = sorted(find_pictures([str(tmp_path / "new")], io.StringIO()), key=lambda each: repr(each))
    assert len(pictures) == 2 and "3 left aside, masks, in ground_truth" in remark.text and not remark.skipped
    assert len(list(find_pictures([str(tmp_path / "new" / "ground_truth")], io.StringIO()))) == 3


def test_results_are_left_aside_wherever_they_lie_but_may_be_named(tmp_path):
    write_folder(tmp_path / "new" / "seen", normals=2)
    seen = save_result(tmp_path / "new" / "seen" / "part.png", np.full((20, 48, 3), 90, np.uint8))
    write_map(tmp_path / "new" / "part.tiff", np.zeros((20, 20)))
    for words, listed in (([str(tmp_path / "new")], ""), (["-"], f"{tmp_path / 'new'}\n")):
        *pictures, remark = find_pictures(words, io.StringIO(listed))
        assert [picture.path.name for picture in pictures] == ["000.png", "001.png"]
        assert "2 left aside, results of an earlier call" in remark.text and not remark.skipped
    assert [each.path for each in find_pictures([str(seen)], io.StringIO())] == [seen]


def test_where_all_is_left_aside_nothing_is_judged_and_that_is_told(tmp_path):
    seen, masks, new = (tmp_path / name for name in ("seen", "masks", "new"))
    for name in ("a.png", "b.png"):
        save_result(seen / name, np.full((20, 48, 3), 90, np.uint8))
    write_folder(masks / "ground_truth" / "spot", normals=3)
    write_folder(new, normals=1)
    told = "2 left aside, results of an earlier call"
    for words, listed in (([seen], ""), ([seen, masks], ""), ([tmp_path / "see*"], ""), (["-"], f"{seen}\n")):
        with pytest.raises(DataError, match=told):
            list(find_pictures([str(word) for word in words], io.StringIO(listed)))
    with pytest.raises(DataError, match="3 left aside, masks, in ground_truth"):
        list(find_pictures([str(masks)], io.StringIO()))
    found = list(find_pictures([str(seen), str(new)], io.StringIO()))  # as new/* does where seen lies in new
    assert [type(each) for each in found] == [Remark, Picture]
    assert list(find_pictures(["-"], io.StringIO())) == []


def test_results_in_a_watched_folder_are_left_aside(tmp_path):
    save_result(tmp_path / "a.png", np.full((20, 48, 3), 90, np.uint8))
    write_folder(tmp_path / "new", normals=1)
    frames = watch_pictures([str(tmp_path)])
    assert next(frames).place == Path("new/000.png")
    frames.close()


def test_a_pattern_is_treated_by_what_it_matches(clips):
    assert [each.name for each in find_pictures(["clips/*.mp4"], io.StringIO(), every=2)] == [
        *("clips/a.mp4#0", "clips/a.mp4#2", "clips/b.mp4#0", "clips/b.mp4#2"),
    ]
    assert len(list(find_pictures(["clips/*"], io.StringIO()))) == 7


@pytest.mark.parametrize(
    ("word", "endless"),
    [
        ("clips/*", True),  # among pictures there are films
        ("clips/[ab].mp4", True),
        ("clips/*.png", False),
        ("clips/a.mp4", True),
        ("clips/gone.mp4", False),  # nothing would be read
        ("clips", False),
        ("http://10.0.0.7/live?channel=1", True),  # no pattern, though it holds a sign of one
        ("https://10.0.0.7/a.mp4?token=1", True),  # a film that is not here
        ("-", True),
    ],
)
def test_films_are_never_listed_before_the_first_picture_is_judged(clips, word, endless):
    assert is_endless([word]) is endless


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        ("gone.mp4", "Cannot open gone.mp4."),
        ("camera:0", "camera:0 on standard input: name a camera on the command line, it has no end."),
    ],
)
def test_a_film_of_a_list_that_does_not_open_and_any_camera_cost_themselves_alone(clips, absent, told):
    listed = io.StringIO(f"a.png\n{absent}\nclips/a.mp4\nb.png\n")
    found = list(find_pictures(["-"], listed))
    assert [type(each) for each in found] == [Picture, Remark, Frame, Frame, Frame, Picture]
    assert found[1] == Remark(told, skipped=True, name=absent)


@pytest.mark.parametrize("absent", ["gone.mp4", "gone/*.png", "empty"])
def test_what_is_named_and_is_not_there_is_told_before_anything_is_given_out(clips, absent):
    Path("empty").mkdir()
    with pytest.raises(DataError):
        next(find_pictures(["a.png", "clips/a.mp4", absent], io.StringIO()))


def test_a_camera_that_is_off_is_an_error_alone_and_a_remark_among_others(clips):
    with pytest.raises(DataError, match="Cannot open camera:0"):
        next(find_pictures(["camera:0"], io.StringIO()))
    found = list(find_pictures(["a.png", "camera:0", "b.png"], io.StringIO()))
    assert [type(each) for each in found] == [Picture, Remark, Picture]


def test_without_opencv_nothing_is_judged_before_that_is_said(clips, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtra, match=r"\.\[video\]"):
        next(find_pictures(["a.png", "clips/a.mp4"], io.StringIO()))


def test_every_nth_frame_is_taken_of_listed_films_too(clips):
    found = find_pictures(["-"], io.StringIO("clips/a.mp4\n"), every=2)
    assert [each.name for each in found] == ["clips/a.mp4#0", "clips/a.mp4#2"]


def test_a_frame_of_a_camera_is_taken_when_the_one_before_is_judged(baad, model, monkeypatch):
    """A camera's frames drawn ahead would be old when they are judged; those of a film do not grow old."""
    taken, at_judging = [], []
    pixels = draw_picture((80, 64), np.random.default_rng(0)).image

    def read_frames(word, every=1):
        for index in range(4):
            taken.append(index)
            yield Frame(f"{word}#{index}", Path(f"{index}.png"), pixels)

    run = Session.run

    def judge(self, image):
        time.sleep(0.2)  # time enough to draw more
        at_judging.append(len(taken))
        return run(self, image)

    monkeypatch.setattr("baad.cli.inputs.read_frames", read_frames)
    monkeypatch.setattr("baad.cli.inputs.require_opencv", lambda: None)
    monkeypatch.setattr(Session, "run", judge)
    assert baad("predict", model, "camera:0", "--json", "-").code == 0
    assert at_judging == [0, 1, 2, 3, 4]  # the first of them warms up
