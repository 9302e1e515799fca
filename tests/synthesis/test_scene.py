import numpy as np

from baad.synthesis.scene import draw_scene


def test_scenes_differ_and_come_again_with_their_seed():
    first, again, other = (draw_scene(64, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 10


def test_a_scene_may_share_its_textures_with_others():
    patterns = np.random.default_rng(0).integers(0, 256, (2, 32, 32), dtype=np.uint8)
    assert draw_scene(32, np.random.default_rng(0), patterns).std() > 0
