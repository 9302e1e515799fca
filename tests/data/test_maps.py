from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from baad.data.maps import map_path, place_in, read_map, write_map
from baad.data.sample import Category
from baad.errors import InputError, OutputError


@given(
    values=arrays(
        np.float32, array_shapes(min_dims=2, max_dims=2, max_side=16), elements=st.floats(-60_000, 60_000, width=32)
    )
)
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_map_comes_back_in_the_precision_it_was_written(tmp_path_factory, values, dtype):
    path = tmp_path_factory.mktemp("maps") / "good" / "000.tiff"
    write_map(path, values, dtype)
    np.testing.assert_array_equal(read_map(path), values.astype(dtype).astype(np.float32))
    assert tifffile.imread(path).dtype == dtype
    assert tifffile.imread(path).shape == values.shape


def test_a_map_beyond_float16_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(OutputError, match=r"not finite in float16\. Write it as float32"):
        write_map(tmp_path / "a.tiff", np.full((2, 2), 70_000.0), "float16")
    with pytest.raises(OutputError, match="not finite in float32"):
        write_map(tmp_path / "a.tiff", np.array([[np.nan]]))
    with pytest.raises(OutputError, match="shape"):
        write_map(tmp_path / "a.tiff", np.zeros((2, 2, 3)))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_map_before_it(tmp_path, monkeypatch):
    write_map(tmp_path / "a.tiff", np.ones((2, 2)))

    def write_half(path, values, **options):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", write_half)
    with pytest.raises(OutputError, match="No space left"):
        write_map(tmp_path / "a.tiff", np.zeros((2, 2)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tiff"]
    assert read_map(tmp_path / "a.tiff").tolist() == [[1, 1], [1, 1]]


def test_what_is_no_map_is_refused(tmp_path):
    (tmp_path / "text.tiff").write_text("text")
    tifffile.imwrite(tmp_path / "colour.tiff", np.zeros((4, 5, 3), np.uint8), photometric="rgb")
    for name, words in (("gone.tiff", "no such map"), ("text.tiff", "no map"), ("colour.tiff", "one channel")):
        with pytest.raises(InputError, match=words):
            read_map(tmp_path / name)


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300], ids=str)
def test_a_value_that_is_no_finite_number_is_refused_and_the_file_named(tmp_path, value):
    tifffile.imwrite(tmp_path / "a.tiff", np.array([[0.0, value]]), photometric="minisblack")
    with pytest.raises(InputError, match=r"a\.tiff: the map has values that are no finite numbers"):
        read_map(tmp_path / "a.tiff")


def test_maps_lie_where_the_evaluation_scripts_look_for_them(tmp_path):
    category = Category("can", tmp_path / "can", "MVTec AD 2", ())
    for place in ("test/bent/000.png", "test_public/bad/000_regular.png"):
        expected = (Path("maps") / "can" / place).with_suffix(".tiff")
        assert map_path(Path("maps"), category, category.root / place) == expected
    outside = map_path(Path("maps"), category, tmp_path / "other" / "000.png")
    assert outside.is_relative_to(Path("maps") / "can") and outside.name == "000.tiff"


def test_two_dots_in_a_manifest_do_not_lead_out_of_the_folder_of_maps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for root in (Path("lists"), Path("lists/../lists"), tmp_path / "lists"):
        category = Category("line", root, "manifest", ())
        assert place_in(category, root / "a/../b/0.png") == Path("b/0.png")
        assert place_in(category, root / "../../pics/0.png") == (tmp_path.parent / "pics/0.png").relative_to("/")
        assert map_path(Path("maps"), category, root / "b/0.png") == Path("maps/line/b/0.tiff")
    (tmp_path / "lists").mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "lists" / "linked").symlink_to(tmp_path / "far")
    assert place_in(category, root / "linked/0.png") == Path("linked/0.png")
    assert place_in(category, root / "linked/../0.png") == (tmp_path / "0.png").relative_to("/")


def test_a_turned_map_is_named(tmp_path):
    write_map(tmp_path / "a.tiff", np.zeros((3, 4)))
    for picture in ((480, 640), (64, 64), (600, 610)):
        assert read_map(tmp_path / "a.tiff", picture).shape == (3, 4)
    with pytest.raises(InputError, match=r"a\.tiff: the map is 4 x 3 px, its picture 480 x 640 px"):
        read_map(tmp_path / "a.tiff", (640, 480))
