import os

import numpy as np
import pytest
from PIL import Image

from baad.data.maps import write_map
from baad.data.results import is_result, require_replaceable
from baad.errors import OutputError
from tests.factory import save_picture, save_result

GREY = np.full((48, 64, 3), 90, np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2000, 1500)])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_map_of_any_size_bears_the_mark(tmp_path, shape, dtype):
    write_map(tmp_path / "a.tiff", np.ones(shape, np.float32), dtype)
    assert is_result(tmp_path / "a.tiff")


def test_pictures_of_others_and_what_cannot_be_read_are_no_results(tmp_path):
    for name in ("a.png", "a.tiff", "a.jpg", "a.tif"):
        assert not is_result(save_picture(tmp_path / name, GREY))
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")  # a reader would wait for ever
    for name in ("folder.png", "pipe.png", "absent.png"):
        assert not is_result(tmp_path / name)


def test_nothing_but_a_result_is_replaced(tmp_path):
    save_picture(tmp_path / "mine.tiff", GREY)
    before = (tmp_path / "mine.tiff").read_bytes()
    with pytest.raises(OutputError, match=r"mine\.tiff is there already, is no result of BAAD"):
        write_map(tmp_path / "mine.tiff", np.ones((2, 2)))
    assert (tmp_path / "mine.tiff").read_bytes() == before
    for place in (tmp_path / "new.tiff", save_result(tmp_path / "seen.png", GREY)):
        require_replaceable(place)


def test_what_a_power_cut_left_empty_is_replaced(tmp_path):
    for name in ("seen.png", "map.tiff"):
        (tmp_path / name).touch()
        require_replaceable(tmp_path / name)
    write_map(tmp_path / "map.tiff", np.ones((2, 2)))
    assert is_result(tmp_path / "map.tiff")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("folder.png", "pipe.png"):
        with pytest.raises(OutputError, match="is no result of BAAD"):
            require_replaceable(tmp_path / name)


def test_an_overlay_that_was_saved_anew_elsewhere_is_a_picture_of_others(tmp_path):
    seen = save_result(tmp_path / "seen.png", GREY)
    with Image.open(seen) as picture:
        picture.save(tmp_path / "painted.png")
    assert is_result(seen) and not is_result(tmp_path / "painted.png")
