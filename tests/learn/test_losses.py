import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baad.learn.batches import Batch
from baad.learn.losses import (
    LossWeights,
    baad_loss,
    defect_target,
    dice_loss,
    feature_loss,
    focal_loss,
    image_loss,
    invariance_loss,
    loss_weights,
    mask_loss,
    ssim,
)
from baad.learn.mtrs import fold, unfold
from baad.learn.network import Outputs
from baad.settings import TrainSettings


def test_focal_loss_of_an_undecided_cell():
    # probability 1/2 against 1: weight (1/2)^2 times log 2 (Lin et al. 2017, equation 4)
    assert float(focal_loss(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1))) == pytest.approx(0.25 * math.log(2))


def test_focal_loss_nearly_ignores_what_is_already_right():
    right, wrong = torch.full((1, 1, 1, 1), 6.0), torch.full((1, 1, 1, 1), -6.0)
    target = torch.ones(1, 1, 1, 1)
    assert float(focal_loss(right, target)) < 1e-6 < 5.0 < float(focal_loss(wrong, target))


def test_dice_loss_is_nearly_zero_for_a_perfect_map_and_high_for_its_inverse():
    target = torch.zeros(1, 1, 8, 8)
    target[..., :4] = 1.0
    logits = (target * 2 - 1) * 20
    assert float(dice_loss(logits, target)) < 1e-6
    assert float(dice_loss(-logits, target)) > 0.9


def test_pixels_of_weight_zero_do_not_count_in_the_image_loss():
    clean, rebuilt = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    rebuilt[..., 0, 0] = 1.0  # wrong, but its background was replaced
    weight = torch.ones(1, 1, 2, 2)
    weight[..., 0, 0] = 0.0
    assert float(image_loss(fold(rebuilt), clean, weight)) == 0.0
    weight[..., 0, 0] = 1.0
    assert float(image_loss(fold(rebuilt), clean, weight)) == pytest.approx((3 + 1) / 4)


def test_cells_on_the_contour_do_not_count_in_the_mask_loss():
    target = torch.tensor([[[[0.0, 0.5, 1.0]]]])
    logits = torch.tensor([[[[-20.0, 20.0, 20.0]]]])
    assert float(mask_loss(logits, target)) < 1e-6


def test_the_worst_cells_count_twice_in_the_feature_loss():
    clean = torch.zeros(1, 4, 10, 10)
    rebuilt = clean.clone()
    rebuilt[:, :, 5, 5] = 1.0  # one cell of a hundred
    loss = feature_loss(rebuilt, clean, torch.ones(1, 1, 10, 10))
    assert float(loss) == pytest.approx(1 / 100 + 0.5 * 1.0)


def left_half(side: int = 32) -> torch.Tensor:
    part = torch.zeros(1, 1, side, side)
    part[..., : side // 2] = 1.0
    return part


def test_an_answer_that_ignores_the_background_costs_nothing():
    logits = torch.full((1, 1, 16, 16), -30.0)
    logits[..., 2, 2] = 8.0  # a defect on the part, seen alike on both backgrounds
    assert float(invariance_loss(logits, logits, left_half(), torch.zeros(1, 1, 32, 32))) < 1e-6


def test_a_changed_answer_on_the_part_and_a_cry_off_it_cost():
    quiet, nothing = torch.full((1, 1, 16, 16), -30.0), torch.zeros(1, 1, 32, 32)
    on_part, off_part, at_edge = quiet.clone(), quiet.clone(), quiet.clone()
    on_part[..., :4], off_part[..., 12:], at_edge[..., 7:9] = -28.0, 10.0, 10.0
    assert float(invariance_loss(quiet, on_part, left_half(), nothing)) > 1.0
    assert float(invariance_loss(quiet, off_part, left_half(), nothing)) > 1.0
    assert float(invariance_loss(quiet, at_edge, left_half(), nothing)) < 1e-6  # the outline itself does not count


def test_a_defect_beside_the_part_may_be_cried_at():
    crying, defect = torch.full((1, 1, 16, 16), -30.0), torch.zeros(1, 1, 32, 32)
    crying[..., 6, 12] = 10.0
    defect[..., 12:14, 24:26] = 1.0
    assert float(invariance_loss(crying, crying, left_half(), defect)) < 1e-6


def test_ssim_is_one_for_equal_images_and_as_defined_for_flat_ones():
    image = torch.rand(1, 3, 16, 16)
    assert float(ssim(image, image)) == pytest.approx(1.0, abs=1e-5)
    dark, light = torch.full((1, 1, 12, 12), 0.2), torch.full((1, 1, 12, 12), 0.8)
    assert float(ssim(dark, light)) == pytest.approx((0.32 + 1e-4) / (0.68 + 1e-4), abs=1e-4)


def test_a_head_that_is_off_is_not_taught():
    weights = loss_weights(TrainSettings(mask_head=False, image_head=False, feature_head=False))
    assert (weights.image, weights.mask, weights.feature) == (0.0, 0.0, 0.0)
    plain = loss_weights(TrainSettings(losses="plain", feature_head=False))
    assert (plain.image, plain.feature, plain.mask, plain.focal, plain.dice) == (1.0, 0.0, 1.0, 1.0, 0.0)


def draw_step():
    """Random outputs on a random batch of one picture, 64 px, as `baad_loss` takes them; the same every time."""
    torch.manual_seed(0)
    outputs = Outputs(
        features=torch.rand(1, 4, 16, 16),
        picture=torch.rand(1, 12, 32, 32),
        foreground_logits=torch.randn(1, 1, 16, 16),
        rebuilt_features=torch.rand(1, 4, 16, 16),
        difference=torch.zeros(1, 4, 16, 16),
        anomaly_logits=torch.randn(1, 1, 32, 32),
    )
    part, defect, nothing = torch.zeros(3, 1, 1, 64, 64)
    part[..., 8:56, 8:56] = 1.0
    defect[..., 20:30, 20:30] = 1.0
    corrupted, clean = torch.rand(2, 1, 3, 64, 64)
    return outputs, Batch(corrupted, clean, defect, part, nothing, F.avg_pool2d(part, 4)), torch.rand(1, 4, 16, 16)


def test_the_total_is_the_sum_of_the_terms_times_their_weights():
    step, elsewhere = draw_step(), torch.randn(1, 1, 32, 32)
    weights = LossWeights(image=1.0, feature=0.5, mask=0.25, invariance=2.0)
    terms = baad_loss(*step, weights, True, elsewhere)
    values = [float(each) for each in (terms.image, terms.feature, terms.mask, terms.anomaly, terms.invariance)]
    assert min(values) > 0.0
    assert float(terms.total) == pytest.approx(sum(map(float.__mul__, values, [1.0, 0.5, 0.25, 1.0, 2.0])), rel=1e-5)
    without = baad_loss(*step, replace(weights, invariance=0.0), True, elsewhere)
    assert float(without.total) == pytest.approx(float(terms.total) - 2.0 * values[-1], rel=1e-5)
    first = baad_loss(*step, weights, False, elsewhere)
    assert (float(first.anomaly), float(first.invariance)) == (0.0, 0.0)


def test_plain_losses_are_squared_error_with_ssim_and_focal_losses_alone():
    outputs, batch, features = draw_step()
    terms = baad_loss(outputs, batch, features, loss_weights(TrainSettings(losses="plain", feature_head=False)), True)
    rebuilt = unfold(outputs.picture)
    image = F.mse_loss(rebuilt, batch.clean) + 1 - ssim(rebuilt, batch.clean)
    mask = focal_loss(outputs.foreground_logits, batch.mask_target)
    anomaly = focal_loss(outputs.anomaly_logits, F.avg_pool2d(defect_target(batch), 2))
    assert float(terms.total) == pytest.approx(float(image + mask + anomaly), rel=1e-5)
