import pytest

from baad.data.reading import read_category
from tests.factory import write_category
from tests.learn.small_model import write_small_model


@pytest.fixture(scope="module")
def disc(tmp_path_factory):
    """A category of sixteen good pictures of 72x96 px, and two test pictures."""
    root = write_category(tmp_path_factory.mktemp("parts") / "disc", normals=16, good=1, defective=1, size=(72, 96))
    return read_category(root)


@pytest.fixture(scope="module")
def small(disc, tmp_path_factory):
    """The file of a small model of the disc, and its graph as ONNX."""
    return write_small_model(tmp_path_factory.mktemp("model") / "disc.baad", disc.train)
