import json
import shutil

import numpy as np
import pytest
import torch

from baad.errors import BundleError
from baad.learn.pdn import PDN_SHAPES, WEIGHTS, fit_features, load_pdn, name_pdn, new_pdn, read_pdn, shipped_pdns


@pytest.mark.parametrize("name", shipped_pdns())
def test_every_shipped_network_has_a_complete_card(name):
    card = json.loads((WEIGHTS / f"pdn_{name}.json").read_text())
    assert card["teacher"] and card["teacher_licence"] and card["settings"]["steps"] > 0
    assert set(card["images"]) == {"clothing", "imagen200x5", "imagenet1000"}  # photos alone: no textures, no parts
    assert set(card["fidelity_on_unseen_photos"]) == {"r2", "cosine", "cka"}


@pytest.mark.parametrize("name", shipped_pdns())
def test_shipped_features_have_about_unit_variance(name):
    features = load_pdn(name)(torch.rand(1, 3, 16, 16).repeat_interleave(16, 2).repeat_interleave(16, 3))
    assert features.shape == (1, PDN_SHAPES[name].features, 64, 64)
    assert 0.2 < float(features.std()) < 5.0


def test_a_network_that_is_not_there_is_a_clear_error():
    with pytest.raises(BundleError, match=r"'huge' is not in this installation.*fast.*Install baad again"):
        load_pdn("huge")


def test_damaged_weights_are_refused(tmp_path):
    for name in ("pdn_fast.safetensors", "pdn_fast.json"):
        shutil.copy(WEIGHTS / name, tmp_path / name)
    file = tmp_path / "pdn_fast.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        read_pdn(file, tmp_path / "pdn_fast.json", PDN_SHAPES["fast"])


def test_a_near_view_is_another_network_where_the_size_has_one():
    assert [name_pdn("fast", near) for near in (False, True)] == ["fast", "fast_near"]
    assert [name_pdn("small", near) for near in (False, True)] == ["small", "small"]
    assert PDN_SHAPES["fast"].features == PDN_SHAPES["fast_near"].features


@pytest.mark.parametrize("size", ["fast", "tiny"])
def test_the_near_view_sees_about_33_pixels_and_the_wide_one_more(size):
    image, reaches = torch.rand(1, 3, 288, 288).requires_grad_(), []
    for name in (f"{size}_near", size):
        (seen,) = torch.autograd.grad(new_pdn(name, 0)(image)[0, :, 36, 36].sum(), image)
        rows = torch.nonzero(seen.abs().sum((0, 1, 3)))
        reaches.append(int(rows.max() - rows.min()) + 1)
    assert reaches[0] <= 35 and reaches[1] > 60


def test_random_networks_differ_by_seed_alone():
    image = torch.rand(1, 3, 64, 64)
    first, again, other = (new_pdn("tiny", seed)(image) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_features_are_fitted_to_the_pictures_and_keep_their_proportions():
    pictures = np.random.default_rng(0).integers(90, 120, (6, 64, 96, 3), dtype=np.uint8)
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0
    with torch.no_grad():
        before, after = new_pdn("tiny", 0)(images), fit_features(new_pdn("tiny", 0), pictures)(images)
    assert after.mean((0, 2, 3)).abs().max() < 1e-3
    assert float(after.var((0, 2, 3)).mean()) == pytest.approx(1.0, abs=0.01)
    ratio = before.std((0, 2, 3)) / after.std((0, 2, 3))
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-3, atol=0)


def test_features_are_fitted_to_all_of_the_pictures_and_not_to_one_tile_of_each():
    """240 views, four tiles of each picture: every fourth would be the same tile each time."""
    rng, pictures = np.random.default_rng(0), np.empty((240, 32, 32, 3), np.uint8)
    pictures[:] = rng.integers(60, 90, (240, 32, 32, 3))
    pictures[::4] = rng.integers(200, 250, (60, 32, 32, 3))
    fitted = fit_features(new_pdn("tiny", 0), pictures)
    with torch.no_grad():
        seen = fitted(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0)
    assert float(seen.mean((0, 2, 3)).abs().max()) < 0.5


def test_what_lies_20_pixels_inside_a_part_is_described_alike_on_any_background_by_the_near_view_alone():
    rng = np.random.default_rng(0)
    first = torch.from_numpy(rng.random((1, 3, 96, 96), np.float32))
    second = torch.from_numpy(rng.random((1, 3, 96, 96), np.float32))
    second[..., 16:80, 16:80] = first[..., 16:80, 16:80]  # the part
    near, near_again, wide, wide_again = (
        load_pdn(name)(image) for name in ("fast_near", "fast") for image in (first, second)
    )
    inside = slice(9, 15)  # cells from pixel 36 to 60: at least 20 from the part's edge
    torch.testing.assert_close(near[..., inside, inside], near_again[..., inside, inside], rtol=0, atol=1e-4)
    assert float((wide - wide_again)[..., inside, inside].abs().mean()) > 0.02
