from types import SimpleNamespace

import pytest

from baad.learn.fixed_size import FixedSize, tell_misfits
from baad.learn.hand_over import require_exportable
from baad.progress import PlainLines

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


@pytest.mark.parametrize(("size", "told"), [(FixedSize(1, 480, 640), 0), (FixedSize(1, 480, 480), 2)])
def test_an_export_of_such_a_size_says_so(size, told, capsys):
    require_exportable(SimpleNamespace(bundle=SimpleNamespace(manifest=WHOLE)), "fp32", size, PlainLines())
    assert capsys.readouterr().err.count("warning: --fixed: ") == told
