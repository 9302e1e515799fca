import numpy as np
import pytest

from baad.synthesis import scene
from baad.synthesis.scene import draw_scene


def test_scenes_differ_and_come_again_with_their_seed():
    first, again, other = (draw_scene(64, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 10


def test_a_scene_may_share_its_textures_with_others(monkeypatch):
    monkeypatch.setattr(scene, "draw_pattern", lambda *_: pytest.fail("a texture was drawn anew"))
    busy = np.random.default_rng(0).integers(0, 256, (2, 32, 32), dtype=np.uint8)
    first, again, plain = (draw_scene(32, np.random.default_rng(0), each) for each in (busy, busy, busy * 0 + 128))
    assert np.array_equal(first, again)
    assert roughness(first) > 1.2 * roughness(plain)


def roughness(picture):
    return np.abs(np.diff(picture.astype(int), axis=1)).mean()
