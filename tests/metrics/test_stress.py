import numpy as np
import pytest

from baad.metrics.stress import Zones, count_normal, score_area, stress_row, summarise_defects, thresholds_at


def test_thresholds_find_at_least_the_share_asked_for():
    values = np.arange(1, 11, dtype=np.float32)
    assert thresholds_at(values, (0.5, 0.7, 0.9, 1.0)) == (6.0, 4.0, 2.0, 1.0)
    for recall in (0.33, 0.5, 0.71):
        (threshold,) = thresholds_at(values, (recall,))
        assert (values >= threshold).mean() >= recall > (values > threshold).mean()


def test_an_area_is_scored_by_its_own_highest_pixels():
    anomaly = np.zeros((50, 40))
    anomaly[0, :2] = 5.0, 3.0  # two pixels are a thousandth of the picture
    anomaly[9, 9] = 100.0
    area = np.zeros((50, 40), bool)
    area[0] = True
    assert score_area(anomaly, area) == 4.0
    assert np.isnan(score_area(anomaly, np.zeros_like(area)))


def halves():
    part = np.zeros((64, 64), bool)
    part[:, :32] = True
    return Zones(part, ~part)


def test_alarms_are_counted_on_part_and_background_apart():
    anomaly = np.zeros((64, 64))
    anomaly[0:2, 0:2] = 1.0  # part
    anomaly[10, 40:43] = 1.0  # background: 3 pixels
    counts = count_normal(anomaly, halves(), 1.0, (0.5, 2.0))
    assert (counts.part_alarmed, counts.background_alarmed) == ((4, 0), (3, 0))
    assert counts.background_alarms == (True, False)  # 20 px of 256 x 256 are 1.25 px here


def test_a_speck_is_no_alarm():
    anomaly = np.zeros((256, 256))
    part = np.zeros((256, 256), bool)
    anomaly[100, 100:119] = 1.0
    assert count_normal(anomaly, Zones(part, ~part), 1.0, (0.5,)).background_alarms == (False,)
    anomaly[101, 119] = 1.0  # the twentieth, touching by a corner
    assert count_normal(anomaly, Zones(part, ~part), 1.0, (0.5,)).background_alarms == (True,)


def test_a_row_holds_shares_over_all_its_pictures():
    quiet, loud = np.zeros((64, 64)), np.zeros((64, 64))
    loud[:, 48:] = 9.0  # half of the background
    defects = summarise_defects([5.0, 7.0], [1.0, 1.0], np.full(3, 9.0), np.array([9.0, 0.5]))
    counts = [count_normal(each, halves(), float(each.max()), defects.thresholds) for each in (quiet, loud)]
    row = stress_row(counts, defects, family="light")
    assert next(iter(row)) == "family"
    assert row["image_auroc"] == 0.5  # 0 lies below both defects, 9 above
    assert row["background_fpr_70"] == 0.25 and row["part_fpr_70"] == 0.0
    assert (row["background_pixels"], row["background_alarmed_70"]) == (4096, 1024)  # of two pictures
    assert row["background_alarms_70"] == 0.5
    assert row["outside_share"] == 0.4
    assert (row["outside_recall_70"], row["outside_recall_90"]) == (0.5, 1.0)


def test_a_background_that_says_nothing_has_auroc_one_half():
    rng = np.random.default_rng(0)
    defects = summarise_defects([9.0] * 300, list(rng.random(300)), np.ones(1), np.ones(0))
    counts = [count_normal(np.full((8, 8), value), halves_of_8(), 1.0, (1.0,) * 3) for value in rng.random(300)]
    assert stress_row(counts, defects)["background_auroc"] == pytest.approx(0.5, abs=0.06)


def halves_of_8():
    part = np.tri(8, dtype=bool)
    return Zones(part, ~part)


def test_without_defect_masks_only_rankings_are_left():
    defects = summarise_defects([2.0], [float("nan")], np.ones(0), np.ones(0))
    row = stress_row([count_normal(np.zeros((8, 8)), halves_of_8(), 1.0, ())], defects)
    assert row["image_auroc"] == 1.0
    assert row["background_fpr_70"] is row["outside_share"] is row["background_auroc"] is None
    assert row["background_alarmed_70"] is None and row["background_pixels"] == 28
