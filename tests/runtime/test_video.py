import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from baad.errors import DataError, MissingExtra
from baad.runtime.video import hide_secrets, is_live, is_video, read_frames
from tests.runtime.cameras import http_camera, rtsp_camera

cv2 = pytest.importorskip("cv2")


def grey(level, shape=(48, 64)):
    """A picture whose red is `level`, so that frames and the order of colours can be told."""
    picture = np.full((*shape, 3), 40, np.uint8)
    picture[..., 0] = level
    return picture


def level_of(frame):
    return int(frame.pixels[..., 0].mean().round())


LEVELS = [60, 100, 140, 180, 220]


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "line.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for level in LEVELS:
        writer.write(np.ascontiguousarray(grey(level)[:, :, ::-1]))
    writer.release()
    return path


def test_a_film_gives_every_frame_in_order_with_red_first(film):
    frames = list(read_frames(str(film)))
    assert [level_of(frame) for frame in frames] == pytest.approx(LEVELS, abs=4)
    assert [frame.name for frame in frames] == [f"{film}#{index}" for index in range(5)]
    assert frames[3].place == film.relative_to("/") / "000003.png"
    assert frames[0].pixels.shape == (48, 64, 3)


def test_films_of_equal_names_keep_their_results_apart(film, monkeypatch):
    monkeypatch.chdir(film.parent)
    for day in ("mon", "tue"):
        Path(day).mkdir()
        shutil.copy(film, day)
    places = [frame.place for day in ("mon", "tue") for frame in read_frames(f"{day}/{film.name}", every=4)]
    assert [place.as_posix() for place in places] == [
        f"{day}/line.avi/00000{index}.png" for day in ("mon", "tue") for index in (0, 4)
    ]


def test_each_second_frame(film):
    assert [frame.name[-2:] for frame in read_frames(str(film), every=2)] == ["#0", "#2", "#4"]


def test_a_film_that_breaks_off_ends_with_a_problem(film):
    content = film.read_bytes()
    index = content.find(b"idx1")  # AVI's index, at the end: the header still promises five frames
    film.write_bytes(content[: content.find(b"00dc", content.find(b"00dc", 300) + 100)] if index > 0 else content[:100])
    frames = list(read_frames(str(film)))
    assert frames[-1].pixels is None
    assert "breaks off" in frames[-1].problem and film.name in frames[-1].problem


@pytest.mark.parametrize(
    ("name", "promised", "frames", "told"),
    [
        ("line.mp4", 100, 97, False),
        ("line.mp4", 100, 96, True),
        ("line.mp4", 10, 9, False),
        ("line.mp4", 10, 8, True),
        ("line.mkv", 100, 91, False),  # its sound may be longer
        ("line.mkv", 100, 89, True),
        ("http://camera/line.mp4", 100, 91, False),
    ],
)
def test_a_film_that_lacks_its_end_says_so_and_one_that_promises_a_little_more_does_not(
    name, promised, frames, told, monkeypatch
):
    monkeypatch.setattr("baad.runtime.video._open", lambda word: Film(frames, promised))
    *_, last = read_frames(name)
    assert (last.pixels is None, f"breaks off after {frames} of {promised}" in last.problem) == (told, told)


def test_a_frame_that_cannot_be_unpacked_ends_a_film_with_a_problem(monkeypatch):
    monkeypatch.setattr("baad.runtime.video._open", lambda word: Film(100, 100, unreadable=99))
    *seen, last = read_frames("line.mp4")
    assert len(seen) == 99 and last.pixels is None and "breaks off after 99 of 100" in last.problem


class Film:
    """OpenCV's capture of a film."""

    def __init__(self, frames, promised, unreadable=None):
        self.left, self.promised, self.unreadable, self.taken = frames, promised, unreadable, 0

    def get(self, what):
        return float(self.promised)

    def grab(self):
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        self.taken += 1
        return (False, None) if self.taken - 1 == self.unreadable else (True, grey(60))

    def release(self):
        pass


def test_what_cannot_be_opened_says_so(tmp_path):
    with pytest.raises(DataError, match="no film"):
        next(read_frames(str(tmp_path / "absent.mp4")))
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(DataError, match="Convert it to MP4"):
        next(read_frames(str(tmp_path / "text.mp4")))
    with pytest.raises(DataError, match="plugged in"):
        next(read_frames("camera:99"))


@pytest.mark.parametrize("camera", [http_camera, rtsp_camera], ids=["http", "rtsp"])
def test_a_camera_gives_frames_in_order_and_says_when_it_is_gone(camera, monkeypatch):
    monkeypatch.setattr("baad.runtime.video.ATTEMPTS", 0)
    with camera([grey(level) for level in LEVELS]) as address:
        frames = list(read_frames(address))
    *seen, last = frames
    levels = [level_of(frame) for frame in seen]
    assert levels == sorted(levels) and 1 <= len(levels) <= len(LEVELS)  # some may be too old already
    assert min(abs(levels[-1] - level) for level in LEVELS) <= 6
    assert last.pixels is None and "is gone after" in last.problem
    assert "secret" not in "".join(frame.name + frame.problem + str(frame.place) for frame in frames)


def test_a_camera_that_comes_back_goes_on(monkeypatch):
    monkeypatch.setattr("baad.runtime.video.PAUSE", 0.1)
    with http_camera([grey(level) for level in LEVELS]) as address:
        frames = read_frames(address)
        numbers = [int(next(frames).name.rpartition("#")[2]) for _ in range(8)]
        frames.close()
    assert numbers == sorted(set(numbers))
    assert numbers[-1] >= len(LEVELS)  # from the second connection


def test_a_camera_that_opens_and_gives_nothing_is_given_up(monkeypatch):
    class Dark:
        def read(self):
            return False, None

        def release(self):
            pass

    monkeypatch.setattr("baad.runtime.video.PAUSE", 0.0)
    monkeypatch.setattr("baad.runtime.video._open", lambda word: Dark())
    (last,) = read_frames("camera:0")
    assert last.pixels is None and "is gone after 0 frames" in last.problem


def test_a_camera_whose_driver_fails_ends_and_nobody_waits_for_ever(monkeypatch):
    class Broken:
        def read(self):
            raise RuntimeError("the driver is gone")

        def release(self):
            pass

    monkeypatch.setattr("baad.runtime.video.PAUSE", 0.0)
    monkeypatch.setattr("baad.runtime.video._open", lambda word: Broken())
    raised = []
    monkeypatch.setattr("threading.excepthook", raised.append)
    (last,) = read_frames("camera:0")
    assert last.pixels is None and "is gone" in last.problem and not raised


def test_a_camera_that_is_started_again_writes_to_another_place(monkeypatch):
    places = []
    for started in ("20261127-061500", "20261127-061501"):
        monkeypatch.setattr("time.strftime", lambda form, started=started: started)
        with http_camera([grey(60)] * 3) as address:
            frames = read_frames(address)
            places.append(next(frames).place)
            frames.close()
    assert [place.parent.name for place in places] == ["20261127-061500", "20261127-061501"]
    assert places[0].parts[0].startswith("http_")


def test_a_slow_judge_sees_new_frames_and_none_twice():
    import time

    with http_camera([grey(level) for level in range(60, 220, 4)]) as address:
        frames, levels = read_frames(address), []
        for _ in range(3):
            levels.append(level_of(next(frames)))
            time.sleep(0.3)
        frames.close()
    assert levels[1] - levels[0] > 6 and levels[2] - levels[1] > 6


@pytest.mark.parametrize(
    ("word", "video", "live"),
    [
        ("line.MP4", True, False),
        ("camera:0", True, True),
        ("rtsp://camera/main", True, True),
        ("http://camera/video?channel=1", True, True),
        ("https://files/line.mp4?token=1", True, False),
        ("part.png", False, False),
        ("camera:front", False, False),
        ("folder/rtsp", False, False),
    ],
)
def test_words_are_told_apart(word, video, live):
    assert (is_video(word), is_live(word)) == (video, live)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://me:secret@camera/main", "rtsp://camera/main"),
        ("rtsp://me:sec@ret@camera/main", "rtsp://camera/main"),
        ("rtsp://me:sec/ret@camera/main", "rtsp://camera/main"),
        ("rtsp://camera/main?user=me&password=secret&channel=1", "rtsp://camera/main?user=***&password=***&channel=1"),
        ("http://camera/main?Token=sec@ret#1", "http://camera/main?Token=***#1"),
        ("srt://camera:9?passphrase=secret&latency=9", "srt://camera:9?passphrase=***&latency=9"),
        ("http://camera/main?loginuse=me&loginpas=secret&c=1", "http://camera/main?loginuse=***&loginpas=***&c=1"),
        ("http://camera/main?usr=me&pw=secret", "http://camera/main?usr=***&pw=***"),
        ("rtmp://camera/main?streamkey=secret", "rtmp://camera/main?streamkey=***"),
        ("rtsp://camera/user=me_password=secret_channel=1", "rtsp://camera/user=***_password=***_channel=1"),
        ("http://camera/main?superuser=1&channel=2", "http://camera/main?superuser=1&channel=2"),
        ("shifts/user=anna/p=3.mp4", "shifts/user=anna/p=3.mp4"),  # a film's own name hides nothing
    ],
)
def test_passwords_are_never_shown(address, shown):
    assert hide_secrets(address) == shown


def test_without_opencv_the_extra_is_named(film, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtra, match=r"\.\[video\]"):
        next(read_frames(str(film)))
