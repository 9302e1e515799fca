import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from baad.bundle import rewrite_bundle
from baad.errors import BundleError, ImageError, InputMismatch, SettingError
from baad.runtime.detector import Detector, check_framing, check_input, to_pixels
from baad.verdict.drawn import DrawnZone, DrawnZones
from baad.verdict.zones import ZoneShares
from tests.runtime.tiny_model import draw_part, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("model") / "model.baad")


@pytest.fixture(scope="module")
def detector(bundle):
    return Detector.load(bundle, threads=1)


def test_a_spot_on_the_part_is_rejected_and_found(detector):
    verdict = detector.predict(draw_part(green=240))
    assert verdict.label == "ng"
    assert verdict.score == pytest.approx(7.0, abs=0.01)
    assert verdict.p_value == 0.25
    (region,) = verdict.regions
    assert np.abs(np.array(region.box) - (6, 10, 21, 20)).max() <= 2
    assert region.peak == pytest.approx(verdict.score, abs=0.5)
    assert verdict.zones.part > 0.5
    assert verdict.zones.background == 0
    assert verdict.anomaly_map.shape == verdict.foreground.shape == (40, 60)
    assert verdict.notes == ()


def test_a_good_part_passes_without_regions(detector):
    verdict = detector.predict(draw_part(green=100))
    assert (verdict.label, verdict.regions, verdict.zones.part) == ("ok", (), 0.0)
    assert verdict.display < 0.5


def test_a_rejected_picture_without_an_alarm_in_its_map_shows_its_strangest_place(detector):
    high = replace(detector, calibration=replace(detector.calibration, pixel_threshold=100.0))
    picture = draw_part(green=240)
    before, verdict = detector.predict(picture), high.predict(picture)
    assert (verdict.label, verdict.score) == ("ng", before.score)
    (region,) = verdict.regions
    assert (region.below, region.rule, region.peak) == (True, "reject", float(verdict.anomaly_map.max()))
    x0, y0, x1, y1 = region.box
    assert x0 >= 4 and y0 >= 8 and x1 <= 23 and y1 <= 22  # within the spot, which is (6, 10, 21, 20)
    assert region.zones.part > 0.5 and verdict.zones == region.zones
    assert not before.regions[0].below
    good = high.predict(draw_part(green=100))
    assert (good.regions, good.zones) == ((), ZoneShares(0.0, 0.0, 0.0))


def test_an_alarm_beside_the_part_is_shown_to_lie_there(detector):
    picture = draw_part(green=240)
    picture[..., 1] = picture[:, ::-1, 1]  # the spot moves to the right half, which is background
    verdict = detector.predict(picture)
    assert verdict.label == "ng"
    assert verdict.zones.background > 0.5
    assert verdict.zones.part == 0


def test_a_file_and_its_array_have_the_same_verdict(detector, tmp_path):
    Image.fromarray(draw_part(green=200)).save(tmp_path / "part.png")
    expected = detector.predict(draw_part(green=200))
    for path in (tmp_path / "part.png", str(tmp_path / "part.png")):
        assert detector.predict(path).score == expected.score


def test_one_picture_never_changes_the_verdict_on_another(detector):
    before = detector.predict(draw_part(green=180))
    detector.for_any_size().predict(draw_part((100, 20), green=255))
    after = detector.predict(draw_part(green=180))
    assert before.score == after.score
    assert np.array_equal(before.anomaly_map, after.anomaly_map)


def test_raw_maps_come_with_the_reconstruction(detector):
    raw = detector.score(draw_part())
    assert raw.anomaly.shape == raw.foreground.shape == raw.reconstruction.shape[:2]


def test_the_threshold_can_be_set_without_loading_the_model_again(detector):
    picture = draw_part(green=200)
    assert detector.predict(picture).label == "ng"
    assert detector.with_threshold(100).predict(picture).label == "ok"
    assert detector.with_false_alarms(0.9).calibration.threshold < detector.calibration.threshold
    assert detector.with_threshold(100).session is detector.session
    assert detector.predict(picture).label == "ng"


def test_grey_and_alpha_become_colour():
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    expected = np.stack([grey] * 3, axis=2)
    assert np.array_equal(to_pixels(grey), expected)
    assert np.array_equal(to_pixels(grey[:, :, None]), expected)
    with_alpha = np.dstack([expected, np.zeros_like(grey)])
    assert np.array_equal(to_pixels(with_alpha), expected)


@pytest.mark.parametrize(
    ("array", "remedy"),
    [
        (np.zeros((4, 4, 3), np.float32), "(image * 255)"),
        (np.zeros((4, 4), bool), "* 255"),
        (np.zeros((4, 4), np.uint16), "image / 257"),
        (np.zeros((4, 4, 3), np.int64), "uint8 in 0..255"),
        (np.zeros((3, 4, 4, 3), np.uint8), "[H, W, 3]"),
        (np.zeros((3, 64, 64), np.uint8), "[H, W, 3]"),
        (np.zeros((0, 4, 3), np.uint8), "[H, W, 3]"),
        ([[1, 2], [3, 4]], "np.asarray"),
    ],
    ids=["float", "bool", "16 bit", "int", "batch", "channels first", "empty", "list"],
)
def test_other_arrays_are_refused_with_a_remedy(array, remedy):
    with pytest.raises(ImageError) as caught:
        to_pixels(array)
    assert remedy in str(caught.value)


def test_the_remedy_for_floats_works(detector):
    picture = draw_part(green=240)
    image = picture / 255
    assert detector.predict((image * 255).round().astype("uint8")).score == detector.predict(picture).score


MANIFEST = {"image_shapes": [[400, 600], [800, 1200]]}


@pytest.mark.parametrize("shape", [(400, 600), (800, 1200), (410, 600), (390, 585), (275, 412), (1180, 1770)])
def test_pictures_like_those_of_the_training_carry_no_note(shape):
    assert check_input(shape, MANIFEST) == ()


def test_a_size_and_an_aspect_between_those_of_the_training_carry_no_note():
    assert check_input((300, 300), {"image_shapes": [[100, 100], [1000, 1000]]}) == ()
    assert check_input((200, 200), {"image_shapes": [[100, 400], [400, 100]]}) == ()


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ((600, 400), "aspect"),
        ((450, 600), "aspect"),
        ((100, 150), "resolution"),
        ((265, 398), "resolution"),  # training showed sides twice as long as others: the root of that is as usual
        ((1200, 1800), "resolution"),
    ],
)
def test_pictures_unlike_those_of_the_training_carry_a_note(shape, word):
    (note,) = check_input(shape, MANIFEST)
    assert word in note
    assert f"{shape[1]}x{shape[0]} px" in note


@pytest.mark.parametrize(("side", "fits"), [(94, False), (96, True), (105, True), (106, False)])
def test_where_all_training_pictures_have_one_size_so_must_others(side, fits):
    assert bool(check_input((side, side), {"image_shapes": [[100, 100]]})) != fits


def test_a_model_that_does_not_know_its_pictures_says_nothing():
    assert check_input((1, 1000), {}) == check_framing(np.zeros((2, 2)), {}) == ()


@pytest.mark.parametrize(
    ("usual", "share", "noted"),
    [
        ([0.2, 0.5], 0.0, True),
        ([0.2, 0.5], 0.11, True),  # odds of 1 to 8 are half of 1 to 4
        ([0.2, 0.5], 0.12, False),
        ([0.2, 0.5], 0.66, False),  # 2 to 1 are twice 1 to 1
        ([0.2, 0.5], 0.67, True),
        ([0.2, 0.6], 1.0, True),
        ([0.2, 1.0], 1.0, False),
    ],
)
def test_a_part_that_fills_half_the_least_or_twice_the_most_odds_of_training_carries_a_note(usual, share, noted):
    foreground = np.zeros(100, np.float32)
    foreground[: round(100 * share)] = 1.0
    notes = check_framing(foreground.reshape(10, 10), {"part_share": usual})
    assert bool(notes) == noted
    assert all(f"fills {share:.0%} of the picture, in training 20% to {usual[1]:.0%}" in note for note in notes)


@pytest.mark.parametrize(("column", "noted"), [(1, True), (2, False), (5, False), (6, True)])
def test_a_part_that_lies_where_none_lay_in_training_carries_a_note(column, noted):
    foreground = np.zeros((10, 10), np.float32)
    foreground[5, column] = 1.0  # its centre: half a pixel further
    notes = check_framing(foreground, {"part_centre": [[0.35, 0.45], [0.5, 0.6]]})
    assert bool(notes) == noted
    assert all("of the width and 55% of the height, in training at 35% to 45%" in note for note in notes)


def test_a_picture_of_another_aspect_is_not_judged_unless_any_size_is_welcome(detector):
    with pytest.raises(InputMismatch, match="another aspect"):
        detector.predict(draw_part((60, 40)))
    assert "aspect" in detector.for_any_size().predict(draw_part((60, 40))).notes[0]


ON_PART = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))  # the left half, as draw_part has it


@pytest.mark.parametrize(("rule", "label"), [("reject", "ng"), ("warn", "warn"), ("ignore", "ok")])
def test_the_rule_of_a_zone_decides_what_an_alarm_in_it_means(detector, rule, label):
    verdict = detector.with_zones(DrawnZones((DrawnZone(rule, ON_PART),))).predict(draw_part(green=240))
    assert verdict.label == label
    assert [region.rule for region in verdict.regions] == [rule]
    assert (verdict.score > verdict.threshold) == (rule != "ignore")
    assert verdict.zones.part == 0.0 if rule == "ignore" else verdict.zones.part > 0.5


def test_one_name_is_not_taken_for_many_pictures(detector):
    with pytest.raises(SettingError, match=r"part\.png is one"):
        next(detector.stream("part.png"))


def test_a_detector_can_be_a_key(detector):
    assert {detector: "line 1"}[detector] == "line 1"


def test_a_note_tells_where_zones_ignore_the_whole_picture(detector):
    whole = DrawnZone("ignore", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    verdict = detector.with_zones(DrawnZones((whole,))).predict(draw_part(green=240))
    assert verdict.label == "ok" and "zones ignore the whole picture" in verdict.notes[-1]
    high = replace(detector, calibration=replace(detector.calibration, pixel_threshold=100.0))
    verdict = high.with_zones(DrawnZones((whole,))).predict(draw_part(green=240))
    assert verdict.regions == () and verdict.zones.part <= 0.5  # no strangest place is looked for


@pytest.mark.parametrize(("rule", "label"), [("reject", "ng"), ("warn", "warn")])
def test_the_strangest_place_is_looked_for_where_the_rule_is_that_spoke(detector, rule, label):
    high = replace(detector, calibration=replace(detector.calibration, pixel_threshold=100.0))
    zones = DrawnZones((DrawnZone(rule, ON_PART),), elsewhere="ignore")
    verdict = high.with_zones(zones).predict(draw_part(green=240))
    assert verdict.label == label
    assert [(region.rule, region.below) for region in verdict.regions] == [(rule, True)]
    assert all(region.box[2] <= 30 for region in verdict.regions)  # in the left half
    assert verdict.zones.part > 0.5


@pytest.mark.parametrize(("rule", "others"), [("reject", "ignore"), ("warn", "ignore"), ("reject", "warn")])
@pytest.mark.parametrize("pixel_threshold", [6.0, 100.0])
def test_a_place_is_shown_where_zones_leave_a_gap_too_narrow_for_any_pixel(detector, rule, others, pixel_threshold):
    """It holds the centres of the third column of the network's 16 x 16 cells, at 9.375 px, and no pixel's centre."""

    def columns(left, right):
        return DrawnZone(others, tuple((x / 60, y) for x, y in ((left, 0), (right, 0), (right, 1), (left, 1))))

    picture = draw_part()
    picture[:, 5:15, 1] = 240
    high = replace(detector, calibration=replace(detector.calibration, pixel_threshold=pixel_threshold))
    zones = DrawnZones((columns(0, 9.33), columns(9.42, 60)), elsewhere=rule)
    verdict = high.with_zones(zones).predict(picture)
    assert verdict.label == ("ng" if rule == "reject" else "warn")
    (region,) = (region for region in verdict.regions if region.rule != "ignore")
    assert region.box[0] >= 3 and region.box[2] <= 17 and region.below == (region.peak <= pixel_threshold)
    assert sum((verdict.zones.part, verdict.zones.border, verdict.zones.background)) == pytest.approx(1.0)


def test_what_a_zone_ignores_is_no_alarm_and_hides_none(detector):
    """The strangest place counts though a higher one is ignored, and the alarm's shares are those of what is left."""
    picture = draw_part(green=240)  # its spot lies in the left half, which is ignored
    picture[15:25, 45:55, 1] = 200
    zones = DrawnZones((DrawnZone("ignore", ON_PART),))
    between = replace(detector, calibration=replace(detector.calibration, pixel_threshold=6.0))
    verdict = between.with_zones(zones).predict(picture)
    assert [(region.rule, region.below) for region in verdict.regions] == [("ignore", False), ("reject", True)]
    assert verdict.zones == verdict.regions[1].zones and verdict.zones.background > 0.5


def test_a_zone_elsewhere_changes_nothing(detector):
    other = ((0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.6, 1.0))
    zoned = detector.with_zones(DrawnZones((DrawnZone("ignore", other),))).predict(draw_part(green=240))
    assert (zoned.label, zoned.regions) == ("ng", detector.predict(draw_part(green=240)).regions)
    assert zoned.score == pytest.approx(detector.predict(draw_part(green=240)).score, abs=1e-3)


def test_zones_that_follow_the_part_say_when_there_is_none(detector):
    picture = draw_part(green=100)
    picture[..., 0] = 0  # no red, no part
    zones = DrawnZones((DrawnZone("ignore", ON_PART, "part"),))
    assert "zones that follow it are left out" in " ".join(detector.with_zones(zones).predict(picture).notes)


def test_zones_come_with_the_model(bundle, tmp_path):
    zones = DrawnZones((DrawnZone("warn", ON_PART),))
    rewrite_bundle(bundle, tmp_path / "zoned.baad", {"zones": zones.to_json()})
    assert Detector.load(tmp_path / "zoned.baad", threads=1).zones == zones


def test_a_model_file_that_is_missing_is_said_plainly(tmp_path):
    with pytest.raises(BundleError, match="There is no model file"):
        Detector.load(tmp_path / "none.baad")


def test_the_line_needs_neither_torch_nor_opencv_nor_scipy_nor_onnx(bundle, tmp_path):
    Image.fromarray(draw_part(green=240)).save(tmp_path / "part.png")
    code = f"""
import sys
for name in ("torch", "cv2", "scipy", "onnx", "jinja2", "safetensors"):
    sys.modules[name] = None
import baad.runtime.output
from baad import Detector
from baad.verdict import calibration, decide, promise, regions, zones
print(Detector.load({str(bundle)!r}, threads=1).predict({str(tmp_path / "part.png")!r}).label)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("ng", "")
