import numpy as np
import pytest
import torch

from baad.errors import TrainingError
from baad.learn.deploy import FLOOR, DeployGraph, damp_background, gaussian_kernel, smooth_map
from baad.learn.export import export_onnx
from baad.learn.network import SIZES, Baad
from baad.learn.parity import compare, require_parity
from baad.learn.pdn import new_pdn
from baad.runtime.session import Session


@pytest.fixture(scope="module")
def graph():
    torch.manual_seed(0)
    return DeployGraph(Baad(new_pdn("tiny", 0), SIZES["tiny"]), (64, 64), suppression=1.0).eval()


@pytest.fixture(scope="module")
def session(graph):
    return Session(export_onnx(graph), threads=1)


def pictures(count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40 + 30 * i, 90, 3), dtype=np.uint8) for i in range(count)]


def test_any_size_of_picture_gives_maps_of_the_networks_size(graph):
    with torch.no_grad():
        anomaly, foreground, score, rebuilt = graph(torch.tensor(pictures(1)[0])[None])
    assert anomaly.shape == foreground.shape == (1, 64, 64)
    assert rebuilt.shape == (1, 64, 64, 3) and rebuilt.dtype == torch.uint8
    assert score.shape == (1,)
    assert float(foreground.min()) >= 0.0 and float(foreground.max()) <= 1.0


def test_the_runtime_agrees_with_the_network(graph, session):
    parity = compare(graph, session, pictures(), threshold=0.0)
    assert parity.flips == 0
    assert parity.max_map_error < 1e-3 and parity.max_score_error < 1e-3
    require_parity(parity)


def test_a_changed_weight_makes_the_parity_check_refuse(graph, session):
    scores = sorted(session.run(picture).score for picture in pictures())
    altered = DeployGraph(graph.model, (64, 64), suppression=1.0).eval()
    with torch.no_grad():
        altered.model.discriminator.out.bias += 1.0
    parity = compare(altered, session, pictures(), threshold=scores[-1] + 0.5)
    assert parity.flips == 1 or parity.flips == len(scores)
    with pytest.raises(TrainingError, match="judges"):
        require_parity(parity)


def test_sure_background_is_lowered_and_sure_part_is_not():
    foreground = torch.zeros(1, 1, 16, 16)
    foreground[..., :4] = 1.0
    damped = damp_background(torch.zeros(1, 1, 32, 32), foreground, 1.0)
    assert float(damped[0, 0, 16, 2]) == pytest.approx(0.0, abs=1e-5)
    assert float(damped[0, 0, 16, 30]) == pytest.approx(np.log(FLOOR), abs=1e-4)


def test_a_margin_around_the_part_keeps_its_score():
    foreground = torch.zeros(1, 1, 16, 16)
    foreground[..., :4] = 1.0
    damped = damp_background(torch.zeros(1, 1, 32, 32), foreground, 1.0)
    assert float(damped[0, 0, 16, 10]) == pytest.approx(0.0, abs=1e-5)  # two cells outside the part


def test_smoothing_keeps_the_level_up_to_the_edge():
    level = torch.full((1, 1, 12, 12), -5.0)
    assert torch.allclose(smooth_map(level, gaussian_kernel(1.0)), level, atol=1e-5)
