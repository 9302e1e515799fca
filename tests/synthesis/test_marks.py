import numpy as np
import pytest

from baad.synthesis import distort, marks, paste
from baad.synthesis.site import Site, Sources, find_site

LOOKS = [
    *(marks.paint_tone, marks.paint_stain, marks.paint_colour, marks.paint_relief, marks.paint_lesion),
    *(marks.paint_rough, paste.paste_texture, paste.shuffle_grid, paste.change_light),
    *(distort.blur_site, distort.warp_site, distort.erase_site, distort.bite_edge),
]


def make_site(size: int = 24) -> Site:
    """A disc on a picture with stripes."""
    columns = np.arange(48)
    picture = np.repeat((90 + 20 * (columns // 4 % 2))[None, :, None], 48, axis=0).repeat(3, axis=2).astype(np.uint8)
    along = np.linspace(-1, 1, size)
    disc = np.clip(1.2 - np.hypot(along[:, None], along[None]), 0, 1).astype(np.float32)
    part = np.zeros((48, 48), bool)
    part[:, :26] = True
    return find_site(picture, (24, 24), disc, np.ones((48, 48), np.float32), part)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
def test_every_look_fills_its_box_and_is_seen(banks, look):
    site = make_site()
    strongest = []
    for seed in range(12):
        painted = look(site, np.random.default_rng(seed), banks)
        again = look(site, np.random.default_rng(seed), banks)
        assert painted.shape == (24, 24, 3) and painted.dtype == np.float32 and np.isfinite(painted).all()
        assert np.array_equal(painted, again)
        strongest.append(float(np.abs(painted - site.under).max()))
    assert np.median(strongest) > 8


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
def test_no_look_minds_a_single_pixel(banks, look):
    picture = np.full((5, 5, 3), 100, np.uint8)
    site = find_site(picture, (2, 2), np.ones((1, 1), np.float32), np.ones((5, 5), np.float32))
    for seed in range(20):
        assert look(site, np.random.default_rng(seed), banks).shape == (1, 1, 3)


def test_small_marks_on_lively_ground_are_drawn_stronger():
    calm = Site(np.full((48, 48, 3), 90, np.uint8), 0, 0, np.ones((20, 20), np.float32))
    lively = Site(make_site().picture, 10, 10, np.ones((20, 20), np.float32))
    small = Site(make_site().picture, 20, 20, np.ones((3, 3), np.float32))
    assert marks.find_faintest(calm) == marks.FAINTEST
    assert marks.find_faintest(calm) < marks.find_faintest(lively) < marks.find_faintest(small)


def test_pieces_of_other_pictures_come_from_where_the_part_is(banks):
    other = np.zeros((1, 48, 48, 3), np.uint8)
    other[0, :24] = 200
    part = np.zeros((1, 48, 48), bool)
    part[0, 4:12] = True
    pieces = [paste.cut_piece(other[0], (3, 3), np.random.default_rng(seed), part[0]) for seed in range(60)]
    assert sum(piece.mean() > 150 for piece in pieces) > 45


def test_a_piece_of_another_picture_shows_its_part_not_its_background(banks):
    site = make_site(6)
    others, parts = np.full((2, 48, 48, 3), 255, np.uint8), np.zeros((2, 48, 48), bool)
    parts[0, :20], parts[1, 28:] = True, True
    others[parts] = 0
    painted = [paste.paste_other(site, np.random.default_rng(s), Sources(others, parts, banks)) for s in range(60)]
    middles = [float(each[3, 3].mean()) for each in painted]
    assert sum(middle < 60 for middle in middles) > 20 > sum(middle > 200 for middle in middles)
