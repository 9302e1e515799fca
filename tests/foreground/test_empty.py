import numpy as np

from baad.foreground.empty import fit_empty
from tests.foreground.scenes import clutter, describe, put_part
from tests.foreground.test_recipes import auroc


def draw(move=0, gain=1.0):
    """Three parts on one cluttered scene, and the scene as it was photographed without one."""
    rng = np.random.default_rng(3)
    scene = clutter(rng)
    images, truths = (np.stack(each) for each in zip(*(put_part(scene, rng) for _ in range(3))))
    empty = np.clip(np.roll(scene, move, axis=1) * gain, 0, 255).astype(np.uint8)
    return images, truths, empty


def score(images, empty):
    features = describe(images)
    scorer = fit_empty(empty, describe(empty[None])[0], images, features)
    return scorer.score(images, features, np.arange(len(images)))


def test_what_differs_from_the_empty_scene_is_part():
    images, truths, empty = draw()
    assert auroc(score(images, empty), truths) > 0.97


def test_a_camera_that_moved_a_little_and_another_exposure_do_no_harm():
    images, truths, empty = draw(move=3, gain=0.9)
    assert auroc(score(images, empty), truths) > 0.93
