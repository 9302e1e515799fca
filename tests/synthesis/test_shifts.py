import itertools
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import baad
from baad.synthesis import shifts
from baad.synthesis.background import CHANGES, repaint_background
from baad.synthesis.banks import make_banks
from baad.synthesis.recipe import Plan, draw_example
from baad.synthesis.shifts import FAMILIES, SEVERITIES, fill_in, has_background, shift_background, view_background
from baad.synthesis.site import Sources
from tests.factory import draw_picture
from tests.imports import imported_modules

PACKAGE = Path(baad.__file__).parent


@pytest.fixture(scope="module")
def drawn():
    return draw_picture((96, 128), np.random.default_rng(3))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_part_stays_as_it_is_and_the_background_does_not(drawn, family):
    view = view_background(drawn.image, drawn.part)
    for severity in SEVERITIES:
        shifted = shift_background(drawn.image, view, family, severity, seed=1)
        assert shifted.dtype == np.uint8 and shifted.shape == drawn.image.shape
        assert np.array_equal(shifted[drawn.part], drawn.image[drawn.part])
    assert np.abs(shifted[~drawn.part].astype(int) - drawn.image[~drawn.part]).mean() > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_change_grows_with_its_severity_and_repeats(drawn, family):
    view = view_background(drawn.image, drawn.part)
    shifted = [shift_background(drawn.image, view, family, severity, seed=2) for severity in (1, *SEVERITIES)]
    assert np.array_equal(*shifted[:2])
    sizes = [np.abs(each.astype(int) - drawn.image)[~drawn.part].mean() for each in shifted[1:]]
    assert 0 < sizes[0] < sizes[-1]
    if family not in ("slide", "turn"):  # which grow in px and degrees, where what comes into view may resemble
        assert all(after >= 0.9 * before for before, after in itertools.pairwise(sizes))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_grey_picture_stays_grey(drawn, family):
    grey = np.repeat(drawn.image[..., 1:2], 3, axis=2)
    shifted = shift_background(grey, view_background(grey, drawn.part), family, 5, seed=0)
    assert (shifted == shifted[..., :1]).all()


def test_nothing_is_left_of_what_filled_the_hole():
    picture = np.full((40, 40, 3), 80, np.uint8)
    hole = np.zeros((40, 40), bool)
    hole[10:30, 10:30] = True
    picture[hole] = 255
    assert (fill_in(picture, hole) == 80).all()


def test_pure_part_and_no_part_have_no_background():
    assert not has_background(np.ones((8, 8), bool)) and not has_background(np.zeros((8, 8), bool))
    assert has_background(np.tri(8, dtype=bool))


def functions_of_baad(call):
    """(file, name) of every function of the package that runs while `call` does."""
    seen = set()

    def note(frame, event, _):
        if event == "call" and Path(frame.f_code.co_filename).is_relative_to(PACKAGE):
            seen.add((Path(frame.f_code.co_filename).stem, frame.f_code.co_qualname))

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return seen


def test_training_and_stress_share_no_generator(drawn):
    """Run all of both and compare which functions did the work: not one is common to them."""
    others, parts = np.stack([drawn.image] * 2), np.stack([drawn.part] * 2)

    def train():
        rng = np.random.default_rng(0)
        banks = make_banks(rng, 64, 4, 40, 2)
        plan = Plan(anomaly_share=0.5, background_share=1.0)
        for _ in range(400):
            draw_example(drawn.image, drawn.part, others, parts, rng, plan, banks)

    def stress():
        view = view_background(drawn.image, drawn.part)
        for family in FAMILIES:
            for severity in SEVERITIES:
                shift_background(drawn.image, view, family, severity, 0)

    training, stressing = functions_of_baad(train), functions_of_baad(stress)
    changes = {name for file, name in training if file == "background"}
    assert {change.__name__ for change in CHANGES} | {"shift_part"} <= changes
    assert {family.change.__qualname__ for family in FAMILIES.values()} <= {name for _, name in stressing}
    assert training & stressing == set()


def test_it_shares_no_code_with_training():
    assert not [name for name in imported_modules(Path(shifts.__file__)) if name.startswith("baad")]


@pytest.fixture(scope="module")
def tinted():
    """A lively background in nearly one colour, 128 x 128, around a disc."""
    lively = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, (128, 128)), (0, 0), 2.0)
    shades = np.clip(128 + 45 * lively / lively.std(), 10, 245)
    y, x = np.mgrid[0:128, 0:128] - 64
    picture = (shades[..., None] * np.array([1.0, 0.97, 0.92])).astype(np.uint8)
    return picture, y**2 + x**2 < 30**2


def inverts(changed, picture, part):
    """How far light and dark of the background have changed places: 1 for its negative, -1 for itself, 0 for one shade
    alone."""
    light = changed[~part].mean(axis=1)
    return -float(np.corrcoef(light, picture[~part].mean(axis=1))[0, 1]) if light.std() > 0 else 0.0


def parts_colours(changed, picture, part):
    """How much better red fits blue some pixels away than at its own place; nothing where it does not fit there."""
    red, blue, behind = changed[..., 0].astype(float), changed[..., 2].astype(float), ~part
    fits = {}
    for dy, dx in itertools.product(range(-10, 11, 2), repeat=2):
        there = behind & np.roll(behind, (dy, dx), (0, 1))
        pair = np.roll(red, (dy, dx), (0, 1))[there], blue[there]
        fits[dy, dx] = np.corrcoef(*pair)[0, 1] if min(map(np.std, pair)) > 3 else 0.0
    best = max(fits.values())
    return best - fits[0, 0] if best > 0.6 else 0.0


def dots(changed, picture, part):
    """The share of the background in dots of two levels far apart: pixels with the other level left and right."""
    green = changed[..., 1].astype(int)
    levels, counts = np.unique(green[~part], return_counts=True)
    first, second = levels[np.argsort(-counts)[:2]] if len(levels) > 1 else (0, 0)
    if abs(first - second) < 60:
        return 0.0
    left, middle, right = green[:, :-2], green[:, 1:-1], green[:, 2:]
    alone = ((middle == first) & (left == second) & (right == second)) | (
        (middle == second) & (left == first) & (right == first)
    )
    return float(alone[~part[:, 1:-1]].mean())


def glows(changed, picture, part):
    """How much brighter than far off the background became beside the part, in the direction where it did so least."""
    gained = changed.mean(axis=2) - picture.mean(axis=2)
    away: np.ndarray = cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.mgrid[0 : part.shape[0], 0 : part.shape[1]] - np.array(part.shape)[:, None, None] / 2
    sector = ((np.arctan2(y, x) / np.pi + 1) * 3).astype(int) % 6
    beside, far = (away > 3) & (away < 8), away > 20
    return float(min(gained[beside & (sector == s)].mean() - gained[far & (sector == s)].mean() for s in range(6)))


@pytest.mark.parametrize(
    "family, measure", [("negative", inverts), ("fringe", parts_colours), ("dither", dots), ("halo", glows)]
)
def test_what_has_no_counterpart_training_never_shows(tinted, family, measure):
    """A property of the family's strongest change that no background change of training comes near."""
    picture, part = tinted
    assert not FAMILIES[family].resembles
    view = view_background(picture, part)
    found = [measure(shift_background(picture, view, family, 5, seed), picture, part) for seed in range(5)]
    rng = np.random.default_rng(0)
    sources = Sources(picture[None, ::-1].copy(), part[None, ::-1].copy(), make_banks(rng))
    trained = [measure(repaint_background(picture, part, sources, rng), picture, part) for _ in range(300)]
    assert np.max(trained) < 0.7 * np.min(found), (np.sort(trained)[-5:], found)


def test_every_family_without_a_counterpart_in_training_is_measured():
    assert {name for name, family in FAMILIES.items() if not family.resembles} == {
        "negative",
        "fringe",
        "dither",
        "halo",
    }
