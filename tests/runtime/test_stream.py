import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import baad.runtime.detector
from baad.errors import BundleError, DataError, ImageError, SettingError
from baad.runtime.detector import Detector
from baad.runtime.frame import Frame
from baad.runtime.stream import read_ahead
from tests.factory import save_picture, write_truncated
from tests.fake_model import no_numbers_on_black
from tests.runtime.tiny_model import draw_part, tiny_bundle


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return Detector.load(tiny_bundle(tmp_path_factory.mktemp("model") / "m.baad"), threads=1)


def fussy(number):
    if number == 3:
        raise ImageError("three is no picture")
    return 10 * number


def test_what_is_read_comes_in_order_and_errors_in_their_places():
    found = [result if isinstance(result, int) else str(result) for _, result in read_ahead(range(5), fussy)]
    assert found == [0, 10, 20, "three is no picture", 40]


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_no_more_is_drawn_than_is_asked_for_and_so_many_ahead(ahead):
    drawn = []

    def sources():
        for number in range(100):
            drawn.append(number)
            yield number

    stream = read_ahead(sources(), fussy, ahead)
    for number in range(2):
        assert next(stream) == (number, 10 * number)
        until = time.monotonic() + 10
        while len(drawn) < 1 + number + ahead and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)  # time enough to draw more
        assert len(drawn) == 1 + number + ahead


def test_what_was_read_is_not_kept_waiting_by_a_source_that_waits():
    second = threading.Event()

    def camera():
        yield 1
        assert second.wait(10), "the first picture was held back"
        yield 2

    stream = read_ahead(camera(), fussy)
    assert next(stream) == (1, 10)
    second.set()
    assert next(stream) == (2, 20)


def test_any_other_error_of_the_source_is_raised_where_the_results_are_taken():
    def sources():
        yield 1
        raise DataError("the folder is gone")

    stream = read_ahead(sources(), fussy)
    assert next(stream) == (1, 10)
    with pytest.raises(DataError, match="the folder is gone"):
        next(stream)


def test_reading_ends_when_nobody_wants_more():
    drawn = []
    stream = read_ahead((drawn.append(number) or number for number in range(10**9)), fussy)
    next(stream)
    stream.close()
    time.sleep(0.5)
    before = len(drawn)
    time.sleep(0.3)
    assert len(drawn) == before


def test_a_stream_gives_what_predict_gives_and_says_what_it_could_not_read(detector, tmp_path):
    good = save_picture(tmp_path / "good.png", draw_part(green=220))
    broken = write_truncated(save_picture(tmp_path / "broken.png", draw_part()))
    frame = Frame("film.mp4#7", tmp_path, draw_part(green=200))
    lost = Frame("film.mp4#8", tmp_path, None, "film.mp4: breaks off")
    given = [good, broken, draw_part(), frame, lost, str(good)]
    found = list(detector.stream(given))
    assert [judged.source for judged in found] == given
    assert [judged.verdict is None for judged in found] == [False, True, False, False, True, False]
    assert found[0].verdict.score == detector.predict(good).score == found[5].verdict.score
    assert found[3].verdict.score == detector.predict(frame.pixels).score
    assert "broken.png" in str(found[1].error) and str(found[4].error) == "film.mp4: breaks off"
    assert np.array_equal(found[2].pixels, draw_part())


def test_a_camera_may_fill_one_buffer_again_and_again(detector):
    pictures = [draw_part(green=green) for green in (220, 0, 200, 0, 0, 210)]
    buffer = np.empty_like(pictures[0])

    def camera():
        for picture in pictures:
            buffer[:] = picture
            yield buffer

    scores = [judged.verdict.score for judged in detector.stream(camera())]
    assert scores == [detector.predict(picture).score for picture in pictures] and len(set(scores)) > 2


def test_a_picture_of_another_aspect_costs_itself_alone(detector):
    first, second, third = detector.stream([draw_part(), draw_part((64, 30)), draw_part()])
    assert (first.error, third.error) == (None, None)
    assert second.verdict is None and "another aspect" in str(second.error)


def test_a_picture_on_which_the_network_gives_no_numbers_costs_itself_alone(detector, monkeypatch):
    """The empty picture that warms up is such a one."""
    no_numbers_on_black(monkeypatch)
    black = np.zeros((40, 60, 3), np.uint8)
    first, second, third = detector.stream([draw_part(), black, draw_part()])
    assert (first.error, third.error) == (None, None)
    assert second.verdict is None and "not numbers" in str(second.error)
    with pytest.raises(BundleError, match="not numbers"):
        detector.predict(black)


@pytest.mark.parametrize("step", ["read_content", "open_samples", "to_picture"])
def test_a_file_that_memory_does_not_take_costs_itself_alone(detector, monkeypatch, tmp_path, step):
    def fail(*given):
        if given[-1].name == "huge.png":
            raise MemoryError
        return work(*given)

    work = getattr(baad.runtime.detector, step)
    files = [save_picture(tmp_path / name, draw_part()) for name in ("a.png", "huge.png", "b.png")]
    monkeypatch.setattr(baad.runtime.detector, step, fail)
    first, second, third = detector.stream(files)
    assert (first.error, third.error) == (None, None)
    assert "huge.png: there is not enough memory to decode it. Save it in a smaller size." in str(second.error)


def test_a_picture_for_which_memory_does_not_suffice_costs_itself_alone(detector, monkeypatch):
    def judge(raw, shape, *given):
        if shape == (40, 60):
            raise MemoryError
        return decide(raw, shape, *given)

    decide = baad.runtime.detector.judge
    monkeypatch.setattr("baad.runtime.detector.judge", judge)
    first, second, third = detector.for_any_size().stream([draw_part((20, 30)), draw_part(), draw_part((20, 30))])
    assert (first.error, third.error) == (None, None)
    assert second.verdict is None and "not enough memory" in str(second.error)


def test_each_picture_is_judged_and_used_inside_a_whole_piece_of_work(detector):
    inside, log = [], []

    @contextmanager
    def whole():
        inside.append(True)
        yield
        inside.pop()
        log.append("left")

    for number, _ in enumerate(detector.stream([draw_part()] * 2, whole=whole)):
        assert inside == [True]
        log.append(number)
    assert log == [0, "left", 1, "left"]


def test_the_next_picture_is_read_while_one_is_judged(detector, monkeypatch):
    run, second_is_read = detector.session.run, threading.Event()

    def read(number):
        if number == 2:
            second_is_read.set()
        return draw_part(), ()

    def judge(self, image):
        if image.any():  # not the empty one that warms up
            assert second_is_read.wait(10), "reading waits until judging is done"
        return run(image)

    monkeypatch.setattr(type(detector.session), "run", judge)
    assert len(list(detector.stream([1, 2, 3], read=read))) == 3


def test_a_batch_is_judged_as_its_pictures_one_by_one(detector):
    pictures = [draw_part(green=100 + 10 * step) for step in range(11)] + [draw_part((64, 30), green=200)]
    lenient = detector.for_any_size()
    alone = [lenient.predict(picture) for picture in pictures]
    for one, other in zip(alone, lenient.predict_batch(pictures), strict=True):
        assert (one.label, one.regions, one.zones, one.notes) == (other.label, other.regions, other.zones, other.notes)
        assert one.score == pytest.approx(other.score, abs=1e-5)
        np.testing.assert_allclose(one.anomaly_map, other.anomaly_map, atol=1e-5)


def test_warming_up_changes_nothing(detector):
    before = detector.predict(draw_part(green=220)).score
    assert detector.warm_up() is detector
    assert detector.predict(draw_part(green=220)).score == before


@pytest.mark.parametrize(
    ("one", "named"),
    [
        ("part.png", "part.png"),
        (Path("part.png"), "part.png"),
        (Frame("film.mp4#7", Path("7.png"), draw_part()), "film.mp4#7"),
        (draw_part(), "an array of shape"),
        (draw_part()[:, :, 0], "an array of shape"),
    ],
    ids=["name", "path", "frame", "picture", "grey picture"],
)
def test_one_picture_in_place_of_many_is_refused(detector, one, named):
    """The rows of an array would pass for pictures, and the letters of a name for names."""
    for judge in (detector.stream, detector.predict_batch):
        with pytest.raises(
            SettingError, match=rf"takes many pictures, and {named}.* is one\. Give a list, or use predict"
        ):
            list(judge(one))


def test_a_stack_of_pictures_is_many(detector):
    stack = np.stack([draw_part(), draw_part(green=220)])
    single = [detector.predict(each).score for each in stack]
    assert [verdict.score for verdict in detector.predict_batch(stack)] == pytest.approx(single)
    assert [judged.verdict.score for judged in detector.stream(stack)] == single


def test_arrays_of_names_are_many_and_so_is_what_a_reader_of_ones_own_takes(detector, tmp_path):
    names = [str(save_picture(tmp_path / f"{number}.png", draw_part())) for number in range(2)]
    for array in (np.array(names), np.array(names, dtype=object)):
        assert [judged.error for judged in detector.stream(array)] == [None, None]
    told = list(detector.stream(np.arange(2), read=lambda number: (draw_part(green=200 + int(number)), ())))
    assert [int(judged.source) for judged in told] == [0, 1] and all(judged.verdict for judged in told)
