import numpy as np
import pytest
from PIL import Image

from baad.report.contact_sheet import COLUMNS, GAP, THUMBNAIL, contact_sheet, draw_thumbnail

CYAN = np.array([0, 255, 255])


def flat(grey, shape=(32, 32)):
    return np.full((*shape, 3), grey, np.uint8)


def first_thumbnail(path):
    sheet = np.asarray(Image.open(path)).astype(int)
    return sheet[60:140, GAP + 40 : GAP + 120]


def test_the_mask_is_outlined_and_its_outside_darkened():
    mask = np.zeros((32, 32), np.float32)
    mask[:, :16] = 0.9
    thumbnail = draw_thumbnail(flat(200), mask).astype(int)
    assert thumbnail.shape == (THUMBNAIL, THUMBNAIL, 3)
    assert (thumbnail[80] == CYAN).all(1).any()
    assert thumbnail[80, 20].mean() > thumbnail[80, 140].mean() + 50


def test_the_worst_quality_comes_first(tmp_path):
    images, masks = [flat(40), flat(220)], [np.ones((32, 32), bool)] * 2
    contact_sheet(images, masks, ["a", "b"], tmp_path / "given.png")
    contact_sheet(images, masks, ["a", "b"], tmp_path / "ranked.png", qualities=[0.9, 0.2])
    assert first_thumbnail(tmp_path / "given.png").mean() == pytest.approx(40, abs=2)
    assert first_thumbnail(tmp_path / "ranked.png").mean() == pytest.approx(220, abs=2)


def test_pictures_of_different_sizes_and_long_names_fit_the_grid(tmp_path):
    shapes = [(20, 60), (60, 20), (8, 8)] * 4
    images, masks = [flat(99, shape) for shape in shapes], [np.zeros(shape, bool) for shape in shapes]
    contact_sheet(images, masks, ["train/good/" + "long" * 30] * 12, tmp_path / "sheet.png")
    width, height = Image.open(tmp_path / "sheet.png").size
    assert width == COLUMNS * (THUMBNAIL + GAP) + GAP
    assert height > 2 * THUMBNAIL


@pytest.mark.parametrize(
    ("name", "shown"), [("Prüfling_1.png", "Prufling_1.png"), ("検査.png", "#1"), ("Größe.png", "#1")]
)
def test_letters_that_the_font_lacks_are_not_drawn_as_boxes(tmp_path, name, shown):
    for caption in (name, shown):
        contact_sheet([flat(99)], [np.ones((32, 32), bool)], [caption], tmp_path / f"{caption == name}.png")
    assert (tmp_path / "True.png").read_bytes() == (tmp_path / "False.png").read_bytes()


def test_a_sheet_is_cut_at_the_limit(tmp_path):
    many = 3 * COLUMNS
    arguments = [flat(0)] * many, [np.zeros((32, 32), bool)] * many, [""] * many
    contact_sheet(*arguments, tmp_path / "all.png")
    contact_sheet(*arguments, tmp_path / "few.png", limit=COLUMNS)
    tall, short = (Image.open(tmp_path / name).height for name in ("all.png", "few.png"))
    assert tall > 2 * short


def test_lists_of_unequal_length_are_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="equally many"):
        contact_sheet([flat(0)], [], ["a"], tmp_path / "sheet.png")
