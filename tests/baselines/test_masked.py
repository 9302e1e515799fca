import numpy as np
import pytest
import torch

from baad.baselines.baseline import plain_maps
from baad.baselines.masked import Masked, train_mask_network
from baad.learn.batches import BatchPlan, Material
from baad.learn.pdn import fit_features, load_pdn, new_pdn
from baad.learn.pictures import to_images
from baad.progress import Silence
from baad.settings import TrainSettings
from baad.synthesis.banks import make_banks
from baad.synthesis.recipe import Plan
from tests.baselines.pictures import draw_discs


class Flat:
    """A detector that gives the same map for every picture."""

    def __init__(self, shape=(8, 8)):
        self.shape = shape

    def score(self, picture):
        anomaly = np.full(self.shape, 3.0, np.float32)
        return plain_maps(anomaly, self.pool(anomaly))

    def pool(self, anomaly):
        return float(anomaly.max())


def half(images):
    """Sure of part on the left, of background on the right."""
    logits = torch.full((1, 1, 8, 8), 50.0)
    logits[..., 4:] = -50.0
    return logits


def test_the_map_above_its_least_value_is_multiplied_by_the_probability_of_part():
    maps = Masked(Flat(), half, (32, 32), 1.0).score(np.zeros((32, 32, 3), np.uint8))
    assert maps.anomaly[:, :4] == pytest.approx(2.0) and maps.anomaly[:, 4:] == pytest.approx(0.0, abs=1e-5)
    assert maps.score == pytest.approx(2.0)
    assert maps.foreground[0].tolist() == pytest.approx([1, 1, 1, 1, 0, 0, 0, 0])


def test_a_mask_of_another_size_than_the_map_is_brought_to_it():
    maps = Masked(Flat((24, 16)), half, (32, 32), 1.0).score(np.zeros((32, 32, 3), np.uint8))
    across = np.array([1.0] * 7 + [0.75, 0.25] + [0.0] * 7)  # between two cells of the mask lie two of the map
    assert maps.foreground == pytest.approx(np.tile(across, (24, 1)), abs=1e-5)
    assert maps.anomaly == pytest.approx(2 * np.tile(across, (24, 1)), abs=1e-5)


@pytest.mark.parametrize("minutes", [5.0, 60.0])
def test_a_mask_network_has_two_fifths_of_the_detectors_minutes_however_many(monkeypatch, minutes):
    schedules = []
    monkeypatch.setattr(
        "baad.baselines.masked.train_network", lambda network, draw, loss_of, schedule, *_: schedules.append(schedule)
    )
    train_mask_network(new_pdn("tiny", 0), None, None, TrainSettings(size="tiny", minutes=minutes), Silence())
    assert schedules[0].minutes == pytest.approx(0.4 * minutes)


def test_a_mask_network_finds_the_part_after_a_short_training():
    torch.set_num_threads(1)
    pictures, parts = draw_discs(8, (64, 64))
    material = Material(pictures, parts, make_banks(np.random.default_rng(0), noises=4, patterns=8, scenes=2), False)
    plan = BatchPlan(4, 0, Plan(background_share=0.0), "clean", 0)
    settings = TrainSettings(image_size=64, steps=40, threads=1)
    network, steps = train_mask_network(fit_features(load_pdn("fast"), pictures), material, plan, settings, Silence())
    assert steps == 40  # as many as BAAD
    new, truth = draw_discs(3, (64, 64), seed=5)
    with torch.no_grad():
        found = network(to_images(new))[:, 0].numpy() > 0  # [3, 16, 16]
    wanted = truth[:, ::4, ::4]
    assert (found & wanted).sum() / (found | wanted).sum() > 0.8
