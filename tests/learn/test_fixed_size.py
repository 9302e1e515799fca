import pytest

from baad.learn.fixed_size import FixedSize, tell_misfits

WHOLE = {"image_shapes": [[480, 640]]}
TILED = {"tile_px": 128, "input_shape": [64, 64], "image_shapes": [[480, 640]]}


@pytest.mark.parametrize(
    ("manifest", "height", "width", "told"),
    [
        (WHOLE, 480, 640, []),
        (WHOLE, 480, 480, ["another aspect", "another resolution"]),
        (WHOLE, 240, 320, ["another resolution"]),
        (TILED, 128, 128, []),
        (TILED, 480, 640, ["the model's tiles are 128x128 px"]),
    ],
)
def test_a_size_that_is_not_as_in_training_is_told(manifest, height, width, told):
    found = tell_misfits(FixedSize(1, height, width), manifest)
    assert len(found) == len(told) and all(words in misfit for words, misfit in zip(told, found))
