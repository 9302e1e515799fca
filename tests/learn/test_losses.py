import math

import pytest
import torch

from baad.learn.losses import dice_loss, feature_loss, focal_loss, image_loss, mask_loss


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
    assert float(image_loss(rebuilt, clean, weight)) == 0.0
    weight[..., 0, 0] = 1.0
    assert float(image_loss(rebuilt, clean, weight)) == pytest.approx((3 + 1) / 4)


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
