import pytest

from baad.bundle import read_bundle
from baad.errors import ImageError
from baad.learn.hand_over import read_samples
from tests.fake_model import write_fake_model


def test_samples_that_would_start_another_program_are_refused(tmp_path):
    drawn = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"  # Pillow has Ghostscript draw it
    model = write_fake_model(tmp_path / "m.baad", {"samples/0.jpg": drawn})
    with pytest.raises(ImageError, match=r"samples/0\.jpg"):
        read_samples(read_bundle(model))
