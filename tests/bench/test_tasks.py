import numpy as np
import pytest

from baad.bench.tasks import HIGHEST_PSNR, Watched, psnr
from baad.data.masks import read_mask
from baad.data.reading import read_category
from baad.runtime.session import RawMaps
from tests.factory import write_category


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    return read_category(write_category(tmp_path_factory.mktemp("d") / "disc", 2, 2, 2, foreground=True))


def watch(category, score, **more):
    watched = Watched(score, category, **more)
    for image in category.test:
        watched(image.path)
    return watched.figures()


def test_one_grey_level_off_everywhere_is_48_decibels():
    black = np.zeros((4, 4, 3), np.uint8)
    assert psnr(black, black + 1) == pytest.approx(48.13, abs=0.01)
    assert psnr(black, black) == HIGHEST_PSNR


def test_a_perfect_reconstruction_and_mask_are_seen_as_such(category):
    parts = iter([read_mask(image.foreground, (64, 64)).astype(np.float32) for image in category.test])
    figures = watch(category, lambda picture: RawMaps(np.zeros((8, 8)), next(parts), 0.0, picture))
    assert (figures["psnr"], figures["ssim"], figures["mask_iou"]) == (HIGHEST_PSNR, 1.0, 1.0)
    assert figures["score_ms"] > 0


def test_a_detector_without_either_task_has_no_figures_for_it(category):
    everything = np.ones((8, 8), np.float32)
    figures = watch(category, lambda picture: RawMaps(np.zeros((8, 8)), everything, 0.0, None))
    assert figures["psnr"] is figures["ssim"] is figures["mask_iou"] is None
    figures = watch(category, lambda picture: RawMaps(np.zeros((8, 8)), everything, 0.0, picture), rebuilds=False)
    assert figures["psnr"] is None


def test_half_of_the_part_is_half_the_overlap(category):
    parts = iter([read_mask(image.foreground, (64, 64)) for image in category.test])

    def left_half(picture):
        part = next(parts).copy()
        rows, columns = np.nonzero(part)
        part[rows[len(rows) // 2 :], columns[len(rows) // 2 :]] = False
        return RawMaps(np.zeros((8, 8)), part.astype(np.float32), 0.0, None)

    assert watch(category, left_half)["mask_iou"] == pytest.approx(0.5, abs=0.01)
