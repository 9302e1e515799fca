import json
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn import metrics as reference

from baad.data.geometry import resize_map
from baad.data.sample import Category, LabelledImage
from baad.errors import BundleError, DataError
from baad.metrics import pixels
from baad.metrics.evaluate import evaluate, summary_lines
from baad.metrics.ranking import auroc, average_precision, count_levels, f1_max
from baad.progress import Silence
from tests.factory import save_picture

ROW_KEYS = [
    *("method", "category", "seed", "steps", "n_normal", "n_defective", "image_auroc", "image_ap", "image_f1_max"),
    *("pixel_auroc", "pixel_ap", "pixel_f1_max", "au_pro_30", "au_pro_05", "background_fpr", "part_fpr"),
    *("train_minutes", "ms_per_image"),
]
SHAPE = (24, 32)


@dataclass(frozen=True)
class Answer:
    anomaly: np.ndarray
    score: float


def write_test_half(root, normals=4, spots=3, cracks=2, masks=True, outlines=False):
    """Grey pictures of 24 x 32 px whose defect is a bright block; the part fills the left 16 columns."""
    test = []
    rng = np.random.default_rng(0)
    part = np.zeros(SHAPE, bool)
    part[:, :16] = True
    for kind, count in {"good": normals, "spot": spots, "crack": cracks}.items():
        for index in range(count):
            defect = np.zeros(SHAPE, bool)
            if kind != "good":
                y, x = rng.integers(0, 20), rng.integers(0, 12)
                defect[y : y + (1 if kind == "crack" else 3), x : x + 4] = True
            path = save_picture(root / "test" / kind / f"{index}.png", np.where(defect, 250, 90).astype(np.uint8))
            mask = save_picture(root / "ground_truth" / kind / f"{index}_mask.png", defect)
            outline = save_picture(root / "foreground" / "test" / kind / f"{index}.png", part)
            marked = (mask,) if masks and kind != "good" else ()
            test.append(LabelledImage(path, kind, marked, outline if outlines else None))
    return Category("blocks", root, "MVTec AD", (), tuple(test))


def see_everything(path):
    anomaly = np.asarray(Image.open(path), np.float32)
    return Answer(anomaly, float(anomaly.max()))


def guess(path):
    rng = np.random.default_rng(crc32(f"{path.parent.name}/{path.name}".encode()))
    anomaly = rng.normal(size=SHAPE).astype(np.float32)
    return Answer(anomaly, float(anomaly.max()))


def run(score_image, category, **options):
    return evaluate(score_image, category, Silence(), resamples=50, **options)


def test_a_detector_that_sees_every_defect_scores_one_everywhere(tmp_path):
    scorecard = run(see_everything, write_test_half(tmp_path, outlines=True))
    row = scorecard.row("baad", seed=0, steps=10)
    figures = [row[key] for key in ROW_KEYS[6:14]]
    assert figures == [1.0] * 8
    assert (row["background_fpr"], row["part_fpr"]) == (0.0, 0.0)
    assert (row["n_normal"], row["n_defective"]) == (4, 5)
    assert [(kind.kind, kind.n_defective) for kind in scorecard.kinds] == [("crack", 2), ("spot", 3)]
    few = "4 normal and 5 defective test pictures are few: near 1, the intervals of figures other than image AUROC are "
    few += "too narrow"
    assert scorecard.notes == (few,)


def test_names_that_are_no_utf8_are_told_with_signs_that_are(tmp_path):
    root, kinds = tmp_path / "kr\udce4tzer", {9: "good", 99: "besch\udce4digt"}
    test = [
        LabelledImage(save_picture(root / "test" / f"pr\udcfcf{level}.png", np.full(SHAPE, level, np.uint8)), kind)
        for level, kind in kinds.items()
    ]
    scorecard = run(see_everything, Category(root.name, root, "MVTec AD", (), tuple(test)))
    assert scorecard.category == "kr\ufffdtzer"
    assert [image.name for image in scorecard.images] == ["test/pr\ufffdf9.png", "test/pr\ufffdf99.png"]
    assert [image.kind for image in scorecard.images] == ["good", "besch\ufffddigt"]
    assert [(kind.kind, kind.n_defective) for kind in scorecard.kinds] == [("besch\ufffddigt", 1)]
    "\n".join(summary_lines(scorecard)).encode()


def test_a_row_has_the_promised_keys_in_order_and_no_paths(tmp_path):
    row = run(see_everything, write_test_half(tmp_path)).row("baad", seed=1, steps=200, train_minutes=2.123456)
    assert list(row) == ROW_KEYS
    text = json.dumps(row, allow_nan=False)
    assert str(tmp_path) not in text
    assert row["train_minutes"] == 2.1235
    assert row["background_fpr"] is None
    assert row["ms_per_image"] > 0


def test_figures_agree_with_scikit_learn_over_all_pixels(tmp_path):
    category = write_test_half(tmp_path)
    scorecard = run(guess, category)
    truth = np.stack([np.asarray(Image.open(image.path)) > 200 for image in category.test])
    maps = np.stack([guess(image.path).anomaly for image in category.test])
    scores, defective = maps.max((1, 2)), truth.any((1, 2))
    figures = scorecard.overall.figures
    assert figures.image_auroc == pytest.approx(reference.roc_auc_score(defective, scores))
    assert figures.pixel_auroc == pytest.approx(reference.roc_auc_score(truth.ravel(), maps.ravel()), abs=1e-4)
    assert figures.pixel_ap == pytest.approx(reference.average_precision_score(truth.ravel(), maps.ravel()), abs=1e-4)
    for kind in scorecard.kinds:
        chosen = np.array([image.kind in ("good", kind.kind) for image in category.test])
        expected = reference.roc_auc_score(truth[chosen].ravel(), maps[chosen].ravel())
        assert kind.figures.pixel_auroc == pytest.approx(expected, abs=1e-4)
        low, high = kind.intervals["image_auroc"]
        assert low <= kind.figures.image_auroc <= high


def test_false_alarms_are_told_apart_by_where_they_lie(tmp_path):
    def alarmed_on_half_the_background(path):
        answer = see_everything(path)
        anomaly = answer.anomaly.copy()
        anomaly[:12, 16:] = 300
        return Answer(anomaly, 1.0)

    figures = run(alarmed_on_half_the_background, write_test_half(tmp_path, outlines=True)).overall.figures
    assert figures.background_fpr == pytest.approx(0.5)
    assert figures.part_fpr == 0.0


def test_maps_of_any_size_are_compared_at_the_size_of_the_picture(tmp_path):
    def look_from_afar(path):
        full = see_everything(path)
        half = full.anomaly.reshape(12, 2, 16, 2).mean((1, 3))
        return Answer(half.astype(np.float32), full.score)

    figures = run(look_from_afar, write_test_half(tmp_path)).overall.figures
    assert 0.9 < figures.pixel_auroc < 1


@pytest.mark.parametrize(
    "coarsen", [lambda x: x.astype(np.float32), lambda x: (x > 0.7).astype(np.float32)], ids=["floats", "yes or no"]
)
def test_a_few_small_maps_are_measured_as_their_resized_pixels_are(coarsen):
    rng, shape = np.random.default_rng(0), (96, 128)
    defects = [np.zeros(shape, bool) for _ in range(6)]
    for number, defect in enumerate(defects[:4]):
        defect[20 * number : 20 * number + 14, 30:52] = True
    maps = [coarsen(each[4::8, 4::8] + gaussian_filter(rng.normal(size=(12, 16)), 1)) for each in defects]
    store = pixels.MapStore(expected=6)
    for index, each in enumerate(maps):
        store.add(index, each)
    bins, resized = store.fit_bins(), [resize_map(each, shape) for each in maps]
    tally = pixels.PixelTally(bins)
    for index, (anomaly, defect) in enumerate(zip(resized, defects, strict=True)):
        tally.add(index, "spot", pixels.count_pixels(bins, anomaly, defect, None))
    found = pixels.pixel_figures(tally.total())
    exact = count_levels(np.concatenate(resized).ravel(), np.concatenate(defects).ravel())
    for name, figure in {"pixel_auroc": auroc, "pixel_ap": average_precision, "pixel_f1_max": f1_max}.items():
        assert float(found[name]) == pytest.approx(float(figure(*exact)), abs=2e-4), name


def test_scores_are_sampled_from_more_than_a_few_columns():
    store = pixels.MapStore(expected=pixels.SAMPLE_SIZE // 64)  # 64 of each map, as many as it has rows
    store.add(0, np.tile(np.arange(64, dtype=np.float32), (64, 1)))
    assert len(set(store.fit_bins().levels(np.arange(64, dtype=np.float32)))) > 48


def test_without_masks_there_are_image_figures_and_a_note(tmp_path):
    scorecard = run(see_everything, write_test_half(tmp_path, masks=False))
    row = scorecard.row("baad", seed=0, steps=1)
    assert row["image_auroc"] == 1.0
    assert [row[key] for key in ROW_KEYS[9:16]] == [None] * 7
    assert "no defect masks" in scorecard.notes[0]


def test_defective_pictures_without_mask_do_not_enter_pixel_figures(tmp_path):
    category = write_test_half(tmp_path, spots=3, cracks=2)
    unmasked = tuple(LabelledImage(i.path, i.kind, () if i.kind == "crack" else i.masks) for i in category.test)
    scorecard = run(see_everything, Category("blocks", tmp_path, "MVTec AD", (), unmasked))
    assert scorecard.overall.figures.pixel_auroc == 1.0  # the bright cracks would count as false alarms
    assert scorecard.kinds[0].figures.pixel_auroc is None
    assert scorecard.kinds[0].figures.image_auroc == 1.0
    assert "2 of 5 defective pictures have no mask" in scorecard.notes[0]


@pytest.mark.parametrize(("half", "missing"), [({"spots": 0, "cracks": 0}, "defective"), ({"normals": 0}, "normal")])
def test_figures_of_one_class_alone_are_left_out_and_said_so(tmp_path, half, missing):
    scorecard = run(see_everything, write_test_half(tmp_path, **half))
    assert scorecard.overall.figures.image_auroc is None
    assert scorecard.notes[0].startswith(f"no {missing} test pictures")
    assert not any("interval" in note for note in scorecard.notes)  # there are none
    assert any("image AUROC" in line and "–" in line for line in summary_lines(scorecard))


def test_a_test_half_without_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match="blocks has no test pictures"):
        run(see_everything, Category("blocks", tmp_path, "folder", ()))


def test_an_answer_that_is_not_a_number_is_refused_with_the_name_of_the_picture(tmp_path):
    with pytest.raises(BundleError, match=r"0\.png.*not a finite number"):
        run(lambda path: Answer(np.full(SHAPE, np.nan, np.float32), 1.0), write_test_half(tmp_path))


def test_images_are_named_below_the_category_in_the_order_of_the_test_half(tmp_path):
    scorecard = run(see_everything, write_test_half(tmp_path, normals=1, spots=1, cracks=0))
    assert [(image.name, image.defective) for image in scorecard.images] == [
        ("test/good/0.png", False),
        ("test/spot/0.png", True),
    ]


def test_the_same_seed_gives_the_same_intervals(tmp_path):
    category = write_test_half(tmp_path)
    first, second, other = (run(guess, category, seed=seed).overall.intervals for seed in (0, 0, 1))
    assert first == second != other


def test_maps_that_do_not_fit_in_memory_come_back_from_disk_unchanged(monkeypatch):
    monkeypatch.setattr(pixels, "KEEP_IN_MEMORY", 100)
    store = pixels.MapStore(expected=3)
    maps = [np.arange(index, index + 6 * (index + 1), dtype=np.float32).reshape(-1, 3) for index in range(3)]
    for index, anomaly in enumerate(maps):
        store.add(index, anomaly)
    for index in (1, 0, 2):
        np.testing.assert_array_equal(store.read(index), maps[index])
    store.close()


def test_summary_lines_up_figures_intervals_and_kinds(tmp_path):
    lines = summary_lines(run(see_everything, write_test_half(tmp_path)))
    assert lines[0].startswith("blocks: 4 normal and 5 defective test pictures")
    assert "image AUROC     1.0000  0.6115 to 1.0000" in lines  # of nine pictures
    assert "image F1-max    1.0000  1.0000 to 1.0000" in lines
    assert any(line.split() == ["crack", "2", *["1.0000"] * 6] for line in lines)
    assert not any(str(Path(tmp_path)) in line for line in lines)
