import pytest

from baad.learn.openvino_ir import describe_model_info
from baad.verdict.calibration import fit_calibration


@pytest.mark.parametrize(
    "facts",
    [{"tile_px": 96}, {"image_shapes": [[64, 96], [48, 96]]}, {"has_zones": True}],
    ids=["tiles", "small pictures", "zones"],
)
def test_model_api_gets_no_thresholds_where_they_would_not_hold_for_what_it_judges(facts):
    calibration = fit_calibration([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], ["", "", ""], 0.05)
    whole = describe_model_info(calibration, (64, 64), image_shapes=[[64, 96]])
    assert whole["pixel_threshold"] == calibration.pixel_threshold
    assert describe_model_info(calibration, (64, 64), **facts) == {}
