import numpy as np
import pytest

from baad.bench.stress import Examined, run_stress, shift_all, stress_lines, write_shifted
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.errors import DataError
from baad.progress import Silence
from baad.runtime.session import RawMaps
from baad.synthesis.shifts import FAMILIES, SEVERITIES
from baad.verdict.zones import border_width, widen
from tests.factory import save_picture, write_category


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    root = write_category(tmp_path_factory.mktemp("data") / "disc", normals=2, good=3, defective=4, foreground=True)
    return read_category(root)


def everything(picture):
    return np.ones(picture.shape[:2], bool)


def by_name(rows, family):
    return next(row for row in rows if row["family"] == family)


def brightness(place, picture):
    level = picture.max(axis=2).astype(np.float32)
    return RawMaps(level, np.ones_like(level), float(level.max()))


def oracle(category):
    """A detector that looks at the part alone: bright where the part is."""
    from baad.data.masks import read_mask

    parts = {image.path.name + image.kind: image.foreground for image in category.test}

    def score(place, picture):
        part = read_mask(parts[place.name + place.parent.name], picture.shape[:2])
        level = picture.max(axis=2) * part.astype(np.float32)
        return RawMaps(level, part.astype(np.float32), float(level.max()))

    return score


def test_a_detector_that_looks_at_the_part_alone_does_not_feel_the_background(category):
    rows = run_stress(Examined(oracle(category), everything, everything), category, Silence(), "oracle")
    clean, worst = by_name(rows, "clean"), by_name(rows, "all")
    assert clean["image_auroc"] == worst["image_auroc"] == 1.0
    assert worst["background_fpr_90"] == 0.0 and worst["background_alarms_90"] == 0.0
    assert clean["background_auroc"] == 0.5


def test_a_detector_of_brightness_does(category):
    rows = run_stress(Examined(brightness, everything, everything), category, Silence(), "brightness")
    clean, worst = by_name(rows, "clean"), by_name(rows, "all")
    assert clean["image_auroc"] == 1.0 > worst["image_auroc"]
    assert clean["background_fpr_70"] == 0.0 < worst["background_fpr_70"]
    assert worst["background_alarms_70"] > 0.0 and worst["part_fpr_70"] == clean["part_fpr_70"]


def test_rows_have_the_same_flat_keys_and_no_paths(category):
    rows = run_stress(Examined(brightness, everything, everything), category, Silence(), "brightness")
    assert len(rows) == 1 + len(FAMILIES) * len(SEVERITIES) + 3
    assert all(list(row) == list(rows[0]) for row in rows)
    assert all(isinstance(value, (str, int, float, type(None))) for row in rows for value in row.values())
    assert not [value for row in rows for value in row.values() if isinstance(value, str) and "/" in value]
    assert by_name(rows, "all")["n_normal"] == 3 * len(FAMILIES) * len(SEVERITIES)
    assert "cast_shadow" in "\n".join(stress_lines(rows))


def test_defects_where_the_model_sees_no_part_are_counted_apart(category):
    def nothing(picture):
        return np.zeros(picture.shape[:2], bool)

    row = by_name(run_stress(Examined(brightness, nothing, everything), category, Silence(), "b"), "clean")
    assert row["outside_share"] == 1.0 and row["outside_recall_90"] >= 0.9


def test_what_is_written_is_what_the_model_is_shown(category, tmp_path):
    count = write_shifted(category, everything, tmp_path, Silence(), seed=4)
    assert len([*(tmp_path / "disc" / "test").rglob("*.png"), *(tmp_path / "disc" / "shifted").rglob("*.png")]) == count
    normals = [image for image in category.test if not image.defective]
    for shifted in list(shift_all(normals, category, everything, seed=4))[::17]:
        assert np.array_equal(read_image(tmp_path / "disc" / shifted.place), shifted.picture)


def test_where_nobody_drew_outlines_the_predicted_part_and_its_border_stay_as_they_are(tmp_path):
    bare = read_category(write_category(tmp_path / "bare", normals=2, good=2, defective=2))
    originals = {image.path: read_image(image.path) for image in bare.test}

    def left(picture):
        return np.tile(np.arange(picture.shape[1]) < 0.4 * picture.shape[1], (picture.shape[0], 1))

    normals, changed = [image for image in bare.test if not image.defective], 0
    for shifted in shift_all(normals, bare, left):
        original = originals[shifted.image.path]
        part = widen(left(original), border_width(original.shape[:2]))
        assert np.array_equal(shifted.part, part) and not part.all()
        assert np.array_equal(shifted.picture[part], original[part])
        changed += not np.array_equal(shifted.picture, original)
    assert changed > 0.9 * len(normals) * len(FAMILIES) * len(SEVERITIES)
    rows = run_stress(Examined(brightness, left, left), bare, Silence(), "brightness")
    assert {row["true_outlines"] for row in rows} == {0.0}


def test_auroc_from_the_background_leaves_out_defects_that_lie_on_it(tmp_path):
    root = write_category(tmp_path / "spill", normals=2, good=3, defective=3, foreground=True)
    spill = read_category(root)
    for image in spill.test:
        if image.defective:  # all of the defect on the background, in a corner
            picture, mask = read_image(image.path), np.zeros(read_image(image.path).shape[:2], bool)
            mask[:6, :6] = True
            picture[:6, :6] = 255
            save_picture(image.path, picture)
            save_picture(image.masks[0], mask)

    def corner(place, picture):
        level = np.zeros(picture.shape[:2], np.float32)
        level[:6, :6] = picture[:6, :6].max(axis=2) == 255
        return RawMaps(level, np.ones_like(level), float(level.max()))

    def leak(place, picture):
        level = corner(place, picture).anomaly
        return RawMaps(np.full_like(level, level.max()), np.ones_like(level), float(level.max()))

    for score, expected in ((corner, 0.5), (leak, 1.0)):
        clean = run_stress(Examined(score, everything, everything), spill, Silence(), "x")[0]
        assert (clean["image_auroc"], clean["background_auroc"]) == (1.0, expected)


def test_a_category_without_a_background_is_refused(tmp_path):
    plain = read_category(write_category(tmp_path / "plain", normals=2, good=2, defective=2))
    with pytest.raises(DataError, match="no background"):
        run_stress(Examined(brightness, everything, everything), plain, Silence(), "b")
