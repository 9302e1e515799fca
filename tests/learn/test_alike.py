import numpy as np
import pytest

from baad.data.reading import read_category
from baad.data.sample import GoodImage
from baad.data.split import Split, split_held_out
from baad.errors import DataError
from baad.learn import hand_over
from baad.learn.alike import find_unlike, hold_out_alike
from baad.learn.framing import describe_shapes
from baad.progress import Silence
from tests.factory import save_picture, write_category
from tests.learn.small_model import SETTINGS, write_small_model

KNOWN = describe_shapes([(40, 60)], tile_px=0)


@pytest.fixture
def pictures(tmp_path):
    """Two as those to learn from, and a high one between them."""
    shapes = [(40, 60), (60, 40), (40, 60)]
    files = [save_picture(tmp_path / f"{n}.png", np.zeros((*shape, 3), np.uint8)) for n, shape in enumerate(shapes)]
    return [GoodImage(file) for file in files]


def split_of(held_out):
    return Split((), tuple(held_out), "Held out 3.", tuple(range(5, 5 + len(held_out))), 9)


def test_what_the_line_would_refuse_sets_no_threshold_and_is_told_of(pictures):
    told = []
    progress = Silence()
    progress.warn = told.append
    kept = hold_out_alike(split_of(pictures), KNOWN, progress)
    assert kept.held_out == (pictures[0], pictures[2]) and kept.near_copies == (5, 7)
    assert kept.note == "Held out 3. 1 of 3 held-out pictures is left out of the threshold, unlike those to learn from."
    assert told and "1 of 3 held-out pictures" in told[0] and "1.png" in told[0] and "another aspect" in told[0]


def test_where_all_are_unlike_there_is_no_threshold(pictures):
    with pytest.raises(DataError, match=r"No held-out picture is like .*1\.png.*no threshold can be set"):
        hold_out_alike(split_of(pictures[1:2]), KNOWN, Silence())


def test_where_all_are_alike_nothing_changes(pictures):
    split = split_of([pictures[0], pictures[2]])
    assert hold_out_alike(split, KNOWN, Silence()) is split


def test_where_training_pictures_had_both_aspects_both_are_alike_and_tiles_change_nothing(pictures):
    for tile in (0, 32):
        assert list(find_unlike(pictures, describe_shapes([(40, 60)], tile), Silence())) == [1]
        assert find_unlike(pictures, describe_shapes([(40, 60), (60, 40)], tile), Silence()) == {}


def test_held_out_pictures_of_another_aspect_are_left_out_as_training_did_unless_all_are(tmp_path, monkeypatch):
    some = read_category(write_category(tmp_path / "some", normals=16, good=1, defective=1, size=(72, 96))).train
    model, onnx = write_small_model(tmp_path / "disc.baad", some)
    monkeypatch.setattr(hand_over, "export_onnx", lambda graph: onnx)
    odd = split_held_out(some, SETTINGS.held_out, SETTINGS.seed).held_out[0].path
    save_picture(odd, np.zeros((96, 48, 3), np.uint8))
    kept = hand_over.open_source(model, some, 1, Silence()).split.held_out
    assert len(kept) == 3 and odd not in [image.path for image in kept]
    others = read_category(write_category(tmp_path / "all", normals=16, good=1, defective=1, size=(96, 48))).train
    assert len(hand_over.open_source(model, others, 1, Silence()).split.held_out) == 4  # to compare on, not to judge
