import numpy as np
import pytest

from baad.data.folder import read_folder
from baad.errors import DataError, MaskError
from baad.learn.foreground_masks import find_usual_place, read_foreground
from tests.factory import save_picture, write_folder


@pytest.fixture
def images(tmp_path):
    """Two days with a 000.png each."""
    for day in ("mon", "tue"):
        write_folder(tmp_path / "data" / day, normals=1)
    return read_folder(tmp_path / "data").train


def draw(tmp_path, day, columns, size=(64, 64)):
    mask = np.zeros(size, bool)
    mask[:, columns] = True
    save_picture(tmp_path / "masks" / day / "000.png", mask)


def test_equal_names_get_the_mask_of_their_own_folder_whatever_was_held_out(tmp_path, images):
    draw(tmp_path, "mon", slice(0, 32))
    draw(tmp_path, "tue", slice(32, 64))
    masks = read_foreground(tmp_path / "masks", images[1:], [(64, 64)], (8, 8), among=images)
    assert masks.shape == (1, 8, 8)
    assert masks[0, :, 4:].all() and not masks[0, :, :4].any()


def test_a_missing_mask_and_one_of_another_size_are_refused(tmp_path, images):
    draw(tmp_path, "mon", slice(0, 32))
    with pytest.raises(DataError, match=r"no mask for 1 of 2 training pictures \(000\.png\)"):
        read_foreground(tmp_path / "masks", images, [(64, 64)] * 2, (8, 8))
    draw(tmp_path, "tue", slice(0, 32), size=(64, 65))
    with pytest.raises(MaskError, match="never resized"):
        read_foreground(tmp_path / "masks", images, [(64, 64)] * 2, (8, 8))


def test_a_part_that_lies_still_has_a_usual_place():
    masks = np.zeros((10, 32, 32), bool)
    masks[:, 8:24, 8:24] = True
    usual = find_usual_place(masks)
    assert usual.shape == (1, 1, 8, 8)
    assert float(usual[0, 0, 4, 4]) == 1.0 and float(usual[0, 0, 0, 0]) == 0.0


def test_a_part_that_lies_anywhere_has_none():
    masks = np.zeros((4, 32, 32), bool)
    for index in range(4):
        masks[index, 8 * index : 8 * index + 8, :16] = True
    assert find_usual_place(masks).shape == (1, 1, 1, 1) and float(find_usual_place(masks).max()) == 0.0
