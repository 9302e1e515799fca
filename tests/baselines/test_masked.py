import numpy as np
import pytest
import torch

from baad.baselines.baseline import plain_maps, to_images
from baad.baselines.masked import Masked, train_mask_network
from baad.learn.batches import BatchPlan, Material
from baad.learn.deploy import Scoring
from baad.learn.pdn import fit_features, load_pdn
from baad.progress import Silence
from baad.settings import TrainSettings
from baad.synthesis.recipe import Plan, make_banks
from tests.baselines.pictures import draw_discs


class Flat:
    """A detector that gives the same map for every picture."""

    def score(self, picture):
        anomaly = np.full((8, 8), 3.0, np.float32)
        return plain_maps(anomaly, self.pool(anomaly))

    def pool(self, anomaly):
        return float(anomaly.max())


def half(images):
    """Sure of part on the left, of background on the right."""
    logits = torch.full((1, 1, 8, 8), 50.0)
    logits[..., 4:] = -50.0
    return logits


NOWHERE = torch.zeros(1, 1, 1, 1)


def score(scoring, usual=NOWHERE):
    return Masked(Flat(), half, (32, 32), 1.0, scoring, usual).score(np.zeros((32, 32, 3), np.uint8))


def test_the_map_above_its_least_value_is_multiplied_by_the_probability_of_part():
    maps = score(Scoring(margin=0.0, floor=1e-6))
    assert maps.anomaly[:, :4] == pytest.approx(2.0) and maps.anomaly[:, 4:] == pytest.approx(0.0, abs=1e-5)
    assert maps.score == pytest.approx(2.0)
    assert maps.foreground[0].tolist() == pytest.approx([1, 1, 1, 1, 0, 0, 0, 0])


def test_margin_floor_and_usual_place_count_as_in_baad():
    usual = NOWHERE.expand(1, 1, 8, 8).clone()
    usual[..., 7] = 1.0  # the part usually is there
    maps = score(Scoring(margin=1 / 8, floor=0.1), usual)
    assert maps.anomaly[0].tolist() == pytest.approx([2, 2, 2, 2, 2, 0.2, 0.2, 2])
    assert maps.foreground[0].tolist() == pytest.approx([1, 1, 1, 1, 0, 0, 0, 0])  # what is seen stays what it is


def test_nothing_is_lowered_where_there_is_nothing_to_suppress():
    assert score(Scoring(suppression=0.0)).anomaly == pytest.approx(2.0)


def test_a_mask_network_finds_the_part_after_a_short_training():
    torch.set_num_threads(1)
    pictures, parts = draw_discs(8, (64, 64))
    material = Material(pictures, parts, make_banks(np.random.default_rng(0), noises=4, patterns=8, scenes=2))
    plan = BatchPlan(4, 0, Plan(background_share=0.0), "clean", 0)
    settings = TrainSettings(image_size=64, steps=100, threads=1)
    network, steps = train_mask_network(fit_features(load_pdn("fast"), pictures), material, plan, settings, Silence())
    assert steps == 40  # two fifths
    new, truth = draw_discs(3, (64, 64), seed=5)
    with torch.no_grad():
        found = network(to_images(new))[:, 0].numpy() > 0  # [3, 16, 16]
    wanted = truth[:, ::4, ::4]
    assert (found & wanted).sum() / (found | wanted).sum() > 0.8
