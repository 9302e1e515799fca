"""Every layout, the whole way: written, recognised, learnt from, evaluated; its float maps written and read back."""

import re
from pathlib import Path

import numpy as np
import pytest

from baad.data.decode import read_image
from baad.data.doctor import check_category, check_test, require_usable
from baad.data.maps import map_path, read_map, write_map
from baad.data.masks import unite_masks
from baad.data.reading import LAYOUTS, read_category, recognise_layout
from baad.errors import DataError
from baad.learn.train import train
from baad.metrics.evaluate import evaluate
from baad.progress import Silence
from baad.runtime.detector import Detector
from baad.settings import TrainSettings
from tests.factory import draw_set, write_layout

SETTINGS = TrainSettings(
    size="fast", image_size=64, steps=4, batch_size=2, held_out=0.25, foreground="off", threads=1, device="cpu"
)
PICTURES = draw_set(normals=8, good=2, defective=4, size=(48, 72))
NORMAL = sorted(each.drawn.image.tobytes() for each in PICTURES if each.half == "train")


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """Trained once, for what each layout gives to learn from is the same to the last byte."""
    root = tmp_path_factory.mktemp("learnt")
    category = read_category(write_layout("mvtec", root / "disc", PICTURES))
    assert learnt(category) == NORMAL
    result = train(category.train, SETTINGS, root / "model.baad", category_name=category.name)
    return Detector.load(result.path, threads=1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_category_of_each_layout_goes_the_whole_way(layout, detector, tmp_path):
    root = write_layout(layout, tmp_path / "disc", PICTURES)
    category = read_category(root)
    assert recognise_layout(root) == layout
    assert learnt(category) == NORMAL
    require_usable(check_category(category, Silence()))
    if layout == "folder":
        with pytest.raises(DataError, match="no test pictures"):
            evaluate(detector.score, category, Silence())
        return
    assert judged(category) == sorted(
        (picture(each), each.drawn.defect.tobytes()) for each in PICTURES if each.half == "test"
    )
    require_usable(check_test(category, Silence()))
    card = evaluate(detector.score, category, Silence(), resamples=20)
    assert (card.n_normal, card.n_defective) == (2, 4)
    assert card.overall.figures.au_pro_30 is not None

    for image in category.test:
        anomaly_map = detector.predict(image.path).anomaly_map
        for dtype, step in (("float32", 0.0), ("float16", 2.0**-10)):
            place = map_path(tmp_path / dtype, category, image.path)
            write_map(place, anomaly_map, dtype)
            assert place.is_relative_to(tmp_path / dtype / "disc")
            np.testing.assert_allclose(read_map(place), anomaly_map, rtol=step, atol=1e-6 if step else 0.0)
    assert len(list(Path(tmp_path / "float16").rglob("*.tiff"))) == len(category.test)


def test_the_command_says_what_it_took_a_folder_for_and_can_be_told_otherwise(baad, model, tmp_path):
    root = write_layout("btad", tmp_path / "disc", PICTURES)
    told = baad("evaluate", model, root)
    assert told.code == 0
    assert "disc: BTAD, 8 normal pictures, 6 test pictures (4 defective)" in told.err
    told = baad("evaluate", model, root, "--layout", "folder")
    assert (told.code, "disc: folder of good pictures, 14 normal pictures" in told.err) == (2, True)
    told = baad("evaluate", model, root, "--layout", "vista")
    assert (told.code, "layout is 'vista': give auto" in told.err) == (2, True)


def test_every_layout_has_its_row_in_the_documentation():
    page = (Path(__file__).parent.parent / "docs" / "layouts.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set(LAYOUTS)


def picture(each):
    return each.drawn.image.tobytes()


def learnt(category):
    return sorted(read_image(image.path).tobytes() for image in category.train)


def judged(category):
    """Every test picture and what its masks mark, as bytes."""
    return sorted(
        (read_image(image.path).tobytes(), unite_masks(image.masks, (48, 72)).tobytes()) for image in category.test
    )
