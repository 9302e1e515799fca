"""Films, network cameras and cameras on USB -> frames. Needs OpenCV: the extra `video`.

A film gives every frame. A camera does not wait: whoever judges slower than it delivers sees the newest frame, never
an old one from a queue.
"""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from baad.errors import DataError, MissingExtra, how_to_install
from baad.runtime.frame import Frame, place_of

FILM_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv")
CAMERA = re.compile(r"camera:(\d+)")
ADDRESS = re.compile(r"(rtsps?|https?|rtmp|udp|tcp|srt)://", re.IGNORECASE)
REMOTE_FILM = re.compile(r"https?://[^?#]+\.(mp4|avi|mov|mkv|webm|m4v|mpg|mpeg|wmv)(?=[?#]|$)", re.IGNORECASE)
LOGIN = re.compile(r"(?<=://).*@")  # before a host; a password may hold '@' and '/' itself
SECRET = re.compile(  # given by name, as in ?user=me&password=secret or user=me_password=secret_channel=1
    r"(?<![a-z])((?:user|username|usr|u|login|loginuse|loginpas|password|passwd|passphrase|pass|pwd|pw|p|token|authtoken"
    r"|accesstoken|key|apikey|accesskey|streamkey|auth|secret|sig|signature|jwt)=)"
    r".*?(?=[&;#]|_[a-z]+=|$)",
    re.IGNORECASE,
)
COUNTED = (".avi", ".m4v", ".mov", ".mp4")  # films that hold their number of frames; of others it is an estimate
SLACK, FEW, MOST = 0.02, 3, 0.1  # a film may end that much before its number, or so many frames; an estimate, by MOST
ATTEMPTS, PAUSE = 3, 1.0  # a camera that is gone is asked for again so often, so many seconds apart


def is_remote(word: str) -> bool:
    """Whether a word is the address of a stream or of a film."""
    return bool(ADDRESS.match(word))


def is_video(word: str) -> bool:
    """Whether a word names a film, the address of a stream, or "camera:0"."""
    return is_live(word) or bool(REMOTE_FILM.match(word)) or Path(word).suffix.lower() in FILM_SUFFIXES


def is_live(word: str) -> bool:
    """Whether a word names a camera or a stream: something that does not wait for whoever looks, and has no end."""
    return bool(CAMERA.fullmatch(word) or (ADDRESS.match(word) and not REMOTE_FILM.match(word)))


def read_frames(word: str, every: int = 1) -> Iterator[Frame]:
    """Frames of what a word names, each `every`-th. "line.mp4#12" is the name of the thirteenth frame.

    A film that breaks off, and a camera that does not come back, end with a frame that has a problem. Raises
    DataError where nothing can be opened at first, MissingExtra without OpenCV.
    """
    return _read_live(word, every) if is_live(word) else _read_film(word, every)


def _read_film(word: str, every: int) -> Iterator[Frame]:
    capture = _open(word)
    index, readable, expected = 0, True, int(capture.get(require_opencv().CAP_PROP_FRAME_COUNT))
    try:
        while capture.grab():
            if index % every == 0:
                readable, image = capture.retrieve()
                if not readable:
                    break
                yield _frame(word, index, image)
            index += 1
    finally:
        capture.release()
    if index == 0 or not readable or index < expected - _slack(word, expected):
        again = "Check the connection" if is_remote(word) else "Copy the file again"
        yield _lost(word, index, f"breaks off after {index} of {max(expected, 0)} frames. {again}")


def _slack(word: str, expected: int) -> float:
    """How many of the frames that a film promises may be missing."""
    is_counted = not is_remote(word) and Path(word).suffix.lower() in COUNTED
    return min(max(FEW, SLACK * expected), MOST * expected) if is_counted else MOST * expected


def _read_live(word: str, every: int) -> Iterator[Frame]:
    started = time.strftime("%Y%m%d-%H%M%S")
    camera: _Newest | None = _Newest(_open(word))
    index, last, barren = 0, -every, 0
    try:
        while camera is not None:
            number, image = camera.take(last + every - index)
            if image is None:
                index += number
                barren = 0 if number else barren + 1  # connections in a row that gave no frame
                camera.close()
                camera = _open_again(word) if barren <= ATTEMPTS else None
                continue
            last = index + number
            yield _frame(word, last, image, started)
    finally:
        if camera is not None:
            camera.close()
    yield _lost(
        word, index, f"the camera is gone after {index} frames and does not come back. Check its cable", started
    )


class _Newest:
    """The newest frame of a camera, which another thread takes from it as fast as it delivers."""

    def __init__(self, capture: Any) -> None:
        self._capture, self._image, self._count, self._ended = capture, None, 0, False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._follow, name="baad camera", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            while not self._ended:
                done, image = self._capture.read()
                with self._changed:
                    self._ended = self._ended or not done
                    if done:
                        self._image, self._count = image, self._count + 1
                    self._changed.notify_all()
        except Exception:  # OpenCV and drivers raise what they like; to whoever waits the camera is gone
            pass
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def take(self, least: int) -> tuple[int, np.ndarray | None]:
        """Number and pixels of the newest frame that was not taken yet, from number `least` on.

        Where the camera ended: how many frames it gave, and None.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or (self._image is not None and self._count > least))
            image, self._image = self._image, None
            return (self._count, None) if image is None or self._count <= least else (self._count - 1, image)

    def close(self) -> None:
        self._ended = True
        self._thread.join(timeout=PAUSE)
        if not self._thread.is_alive():
            self._capture.release()


def _open_again(word: str) -> _Newest | None:
    for _ in range(ATTEMPTS):
        time.sleep(PAUSE)
        try:
            return _Newest(_open(word))
        except DataError:
            continue
    return None


def _open(word: str) -> Any:
    """OpenCV's capture. Raises DataError where there is nothing to open."""
    camera = CAMERA.fullmatch(word)
    if camera is None and not is_remote(word) and not Path(word).is_file():
        raise DataError(f"There is no film {word}. Check the name.")
    capture = require_opencv().VideoCapture(int(camera[1]) if camera else word)
    if not capture.isOpened():
        capture.release()
        what = "Check that it is plugged in and free" if camera else "Check the address, the cable and the password"
        advice = what if camera or is_remote(word) else "Convert it to MP4 with H.264, or save its frames as PNG"
        raise DataError(f"Cannot open {hide_secrets(word)} as a video. {advice}.")
    return capture


def require_opencv() -> Any:
    """OpenCV, where it is installed. Raises MissingExtra, which names the extra to install."""
    try:
        import cv2
    except ImportError as error:
        raise MissingExtra(f"Reading video needs cv2. {how_to_install('video')}") from error
    cv2.utils.logging.setLogLevel(0)  # what it has to say comes as an error of ours
    return cv2


def _frame(word: str, index: int, image: np.ndarray, started: str = "") -> Frame:
    return Frame(f"{hide_secrets(word)}#{index}", _place(word, index, started), np.ascontiguousarray(image[:, :, ::-1]))


def _lost(word: str, index: int, why: str, started: str = "") -> Frame:
    shown = hide_secrets(word)
    return Frame(f"{shown}#{index}", _place(word, index, started), None, f"{shown}: {why}.")


def hide_secrets(word: str) -> str:
    """An address without the user and password in it, as far as they can be told; anything else as it is."""
    return LOGIN.sub("", SECRET.sub(r"\1***", word)) if is_remote(word) else word


def _place(word: str, index: int, started: str) -> Path:
    """Where results of a frame go: "in/line.mp4" -> in/line.mp4/000012.png; a camera's go below its name and the time
    when it was `started`, for each start counts from 0."""
    named = CAMERA.fullmatch(word) or is_remote(word)
    folder = Path(re.sub(r"[^\w.-]+", "_", hide_secrets(word))) if named else place_of(Path(word))
    return folder / started / f"{index:06d}.png"
