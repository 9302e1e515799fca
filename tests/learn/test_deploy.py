from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import load_model_from_string
from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed

from baad.learn.deploy import (
    Alignment,
    DeployGraph,
    ErrorMap,
    Scoring,
    damping,
    learn_places,
    level_maps,
    scoring_of,
    shrink,
)
from baad.learn.export import export_onnx
from baad.learn.mtrs import unfold
from baad.learn.network import SIZES, Baad, Outputs
from baad.learn.pdn import new_pdn
from baad.progress import Silence
from baad.runtime.openvino_network import shared_core
from baad.runtime.session import Session
from baad.settings import TrainSettings


@pytest.fixture(scope="module")
def graph():
    torch.manual_seed(0)
    return DeployGraph(Baad(new_pdn("tiny", 0), SIZES["tiny"]), (64, 64), Scoring()).eval()


@pytest.fixture(scope="module")
def onnx(graph):
    return export_onnx(graph)


@pytest.fixture(scope="module")
def session(onnx):
    return Session(onnx, threads=1)


@pytest.fixture(scope="module")
def openvino_model(onnx):
    pytest.importorskip("openvino")
    core = shared_core()
    model = core.read_model(onnx, b"")
    return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})


def pictures(count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40 + 30 * i, 90, 3), dtype=np.uint8) for i in range(count)]


def test_any_size_of_picture_gives_maps_of_the_networks_size(graph):
    with torch.no_grad():
        anomaly, foreground, score, rebuilt = graph(torch.tensor(pictures(1)[0])[None])
    assert anomaly.shape == foreground.shape == (1, 64, 64)
    assert rebuilt.shape == (1, 12, 32, 32) and rebuilt.dtype == torch.float32
    assert score.shape == (1,)
    assert float(foreground.min()) >= 0.0 and float(foreground.max()) <= 1.0


def test_the_runtime_agrees_with_the_network(graph, session):
    for picture in pictures():
        with torch.no_grad():
            anomaly, _, score, _ = (value.numpy() for value in graph(torch.tensor(picture)[None]))
        found = session.run(picture)
        assert np.abs(found.anomaly - anomaly[0]).max() < 1e-3 * np.ptp(anomaly)
        assert found.score == pytest.approx(score[0], abs=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (33, 57), (255, 257), (480, 640), (1200, 90)])
def test_openvino_agrees_on_pictures_of_any_size(graph, openvino_model, size):
    picture = np.random.default_rng(1).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    with torch.no_grad():
        anomaly, foreground, score, _ = (value.numpy() for value in graph(torch.tensor(picture)))
    found = openvino_model(picture)
    assert np.abs(found["anomaly_map"] - anomaly).max() < 1e-3 * np.ptp(anomaly)
    assert found["foreground"] == pytest.approx(foreground, abs=1e-4)
    assert found["pred_score"] == pytest.approx(score, abs=1e-4)


def test_the_reconstruction_is_that_of_the_network(graph, session):
    with torch.no_grad():
        outputs = graph.model(graph.resizing(torch.tensor(pictures(1)[0])[None]))
    image = unfold(outputs.picture)[0].permute(1, 2, 0).numpy()  # [64, 64, 3] in 0..1
    found = session.run(pictures(1)[0]).reconstruction
    assert found.dtype == np.uint8 and np.abs(found - 255.0 * image).max() < 0.51


def test_a_batch_gives_what_its_pictures_give_one_by_one(onnx):
    session = onnxruntime.InferenceSession(onnx)
    batch = np.random.default_rng(2).integers(0, 256, (3, 50, 70, 3), dtype=np.uint8)
    together = session.run(["anomaly_map", "pred_score"], {"image": batch})
    alone = [session.run(["anomaly_map", "pred_score"], {"image": picture[None]}) for picture in batch]
    assert together[0] == pytest.approx(np.concatenate([each[0] for each in alone]), abs=1e-5)
    assert together[1] == pytest.approx(np.concatenate([each[1] for each in alone]), abs=1e-5)


def test_sizes_fixed_as_the_manual_says_give_what_any_size_gives(onnx, session):
    batch = np.random.default_rng(2).integers(0, 256, (2, 50, 70, 3), dtype=np.uint8)
    expected = [session.run(picture).anomaly for picture in batch]
    model = load_model_from_string(onnx)
    for name, size in (("batch", 2), ("height", 50), ("width", 70)):
        make_dim_param_fixed(model.graph, name, size)  # what onnxruntime.tools.make_dynamic_shape_fixed calls
    fixed = onnxruntime.InferenceSession(model.SerializeToString())
    assert fixed.get_inputs()[0].shape == list(batch.shape)
    assert fixed.run(["anomaly_map"], {"image": batch})[0] == pytest.approx(np.stack(expected), abs=1e-4)
    model = shared_core().read_model(onnx, b"")
    model.reshape({"image": list(batch.shape)})
    compiled = shared_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert compiled(batch)["anomaly_map"] == pytest.approx(np.stack(expected), abs=1e-3)


NOWHERE = torch.zeros(1, 1, 1, 1)  # no place is usual


def damp(logits: torch.Tensor, foreground: torch.Tensor, usual: torch.Tensor, scoring: Scoring) -> torch.Tensor:
    """Logits [1, 1, 128, 128] as the graph damps them. foreground [1, 1, 64, 64]."""
    return logits + Alignment((256, 256)).part(damping(foreground, usual, scoring))


def left_part() -> torch.Tensor:
    """Foreground of 64x64 cells, the left quarter of them part."""
    foreground = torch.zeros(1, 1, 64, 64)
    foreground[..., :16] = 1.0
    return foreground


def test_sure_background_is_lowered_and_sure_part_is_not():
    damped = damp(torch.zeros(1, 1, 128, 128), left_part(), NOWHERE, Scoring())
    assert float(damped[0, 0, 16, 2]) == pytest.approx(0.0, abs=1e-5)
    assert float(damped[0, 0, 16, 100]) == pytest.approx(np.log(1e-3), abs=1e-4)


def test_what_crosses_the_contour_keeps_its_score_on_both_sides():
    logits = torch.full((1, 1, 128, 128), -6.0)
    logits[0, 0, 60:64, 28:36] = 5.0  # contamination: half on the part, half up to four cells beyond
    damped = damp(logits, left_part(), NOWHERE, Scoring())
    assert torch.equal(damped[0, 0, 60:64, 28:36], logits[0, 0, 60:64, 28:36])


def test_a_bent_wire_stays_above_all_that_is_normal():
    logits = torch.full((1, 1, 128, 128), -6.0)
    logits[0, 0, 60:62, 20:60] = 6.0  # sticks out fourteen cells: far beyond the margin
    tip = (0, 0, 61, 58)
    for strength, lowest in ((1.0, -1.0), (0.5, 2.5)):
        damped = damp(logits, left_part(), NOWHERE, Scoring(suppression=strength))
        assert float(damped[tip]) > lowest > -6.0  # strict lowers its tip, lenient half as much
        root = damped[0, 0, 60:62, 32:37]
        assert float(root.min()) == 6.0


def test_where_the_part_usually_is_a_missing_part_is_not_damped():
    logits = torch.full((1, 1, 128, 128), 2.0)
    gone = torch.zeros(1, 1, 64, 64)  # the mask head sees no part at all
    damped = damp(logits, gone, left_part(), Scoring())
    assert torch.equal(damped[..., :30], logits[..., :30])
    assert float(damped[0, 0, 0, 100]) == pytest.approx(2.0 + np.log(1e-3), abs=1e-4)


def test_a_floor_of_one_lowers_nothing():
    logits = torch.randn(1, 1, 128, 128)
    assert torch.allclose(damp(logits, left_part(), NOWHERE, Scoring(floor=1.0)), logits)


def test_the_map_of_the_features_is_the_logarithm_of_their_mean_squared_error():
    difference = torch.zeros(1, 4, 8, 8)
    difference[:, 0] = -1.0
    assert torch.allclose(ErrorMap(4)(difference), torch.full((1, 1, 8, 8), float(np.log(0.25))), atol=1e-4)


def test_a_graph_of_the_feature_error_runs_too(graph, session):
    model = graph.model
    other = Session(export_onnx(DeployGraph(model, (64, 64), Scoring(anomaly_from="features")).eval()), threads=1)
    assert other.run(pictures(1)[0]).score != pytest.approx(session.run(pictures(1)[0]).score)


def double(maps: torch.Tensor) -> torch.Tensor:
    return F.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)


def smooth(maps: torch.Tensor) -> torch.Tensor:
    """A 7x7 Gaussian mean with a deviation of 1, over the cells that exist."""
    line = torch.exp(-0.5 * torch.arange(-3.0, 4.0) ** 2)
    kernel = (line[:, None] * line)[None, None]
    return F.conv2d(maps, kernel, padding=3) / F.conv2d(torch.ones_like(maps), kernel, padding=3)


@pytest.mark.parametrize("shape", [(32, 32), (96, 160), (256, 224)])
def test_products_of_matrices_give_what_interpolation_and_convolution_give(shape):
    torch.manual_seed(0)
    half, quarter, eighth = (torch.randn(2, 1, shape[0] // part, shape[1] // part) for part in (2, 4, 8))
    align = Alignment(shape)
    for found, expected in (
        (align.logits(half), smooth(half)),
        (align.error(quarter), smooth(double(quarter))),
        (align.novelty(eighth), smooth(double(double(eighth)))),
        (align.part(quarter), double(quarter)),
        (align.to_picture(half), double(half)),
        (align.part_to_picture(quarter), F.interpolate(quarter, shape, mode="bilinear", align_corners=False)),
    ):
        assert torch.allclose(found, expected, atol=1e-5)


def test_what_features_tell_is_moved_back_by_their_offset_and_what_is_learnt_stays():
    plain, moved = Alignment((128, 64)), Alignment((128, 64), (16.0, -8.0))  # px: down, left
    for name, part, cells in (("error", 4, (4, -2)), ("novelty", 8, (2, -1))):
        spot = torch.zeros(1, 1, 128 // part, 64 // part)
        spot[..., 64 // part, 32 // part] = 1.0
        back = torch.roll(spot, (-cells[0], -cells[1]), (2, 3))
        assert torch.allclose(getattr(moved, name)(spot), getattr(plain, name)(back), atol=1e-6)
    for name, part in (("logits", 2), ("part", 4), ("to_picture", 2), ("part_to_picture", 4)):
        maps = torch.randn(1, 1, 128 // part, 64 // part)
        assert torch.equal(getattr(moved, name)(maps), getattr(plain, name)(maps))


@pytest.mark.parametrize(
    ("suppression", "feature_error", "knows_part"),
    [(1.0, 0.0, True), (0.0, 0.0, True), (0.0, 0.5, False)],
    ids=["damped", "not damped", "no background"],
)
def test_the_graph_gives_what_the_plain_definition_gives(suppression, feature_error, knows_part):
    model = remembering(0.0).model
    model.error_level.set(-3.0, 2.0)
    model.usual = torch.zeros(1, 1, 16, 24)
    model.usual[..., 8:] = 0.6  # where the part usually is
    scoring = Scoring(suppression, novelty=0.5, feature_error=feature_error, knows_part=knows_part)
    picture = np.random.default_rng(4).integers(0, 256, (1, 61, 87, 3), dtype=np.uint8)
    with torch.no_grad():
        graph = DeployGraph(model, (64, 96), scoring).eval()
        anomaly, foreground, score, _ = graph(torch.tensor(picture))
        outputs = model(graph.resizing(torch.tensor(picture)))
        part = torch.sigmoid(outputs.foreground_logits)
        looked_at = torch.maximum(part, model.usual)
        novelty = 0.5 * smooth(double(double(model.memory(outputs.features))))
        raw = smooth(outputs.anomaly_logits) + (novelty * double(shrink(looked_at)) if knows_part else novelty)
        if suppression:
            raw = raw + double(damping(part, model.usual, scoring))
        if feature_error:
            raw = raw + feature_error * model.error_level(smooth(double(graph.error_map(outputs.difference))))
    assert torch.allclose(anomaly, double(raw)[:, 0], atol=1e-5)
    assert torch.allclose(foreground, F.interpolate(part, (64, 96), mode="bilinear")[:, 0], atol=1e-6)
    assert float(score) == pytest.approx(float(raw.flatten().topk(16).values.mean()), abs=1e-5)


def test_smoothing_keeps_the_level_up_to_the_edge():
    level = torch.full((1, 1, 16, 16), -5.0)
    assert torch.allclose(Alignment((32, 32)).logits(level), level, atol=1e-5)


def remembering(novelty: float, gain: float = 1.0) -> DeployGraph:
    torch.manual_seed(0)
    model = Baad(new_pdn("tiny", 0), SIZES["tiny"]).eval()
    model.memory.remember(torch.zeros(512, 128))
    model.memory.level.set(0.0, gain)
    return DeployGraph(model, (64, 64), Scoring(suppression=0.0, novelty=novelty)).eval()


def test_novelty_is_added_to_the_discriminators_map_as_much_as_it_counts():
    picture = torch.tensor(pictures(1)[0])[None]
    without, once, twice = (remembering(novelty)(picture)[0] for novelty in (0.0, 1.0, 2.0))
    assert (once > without).all()  # far from the only code
    assert torch.allclose(twice - without, 2 * (once - without), atol=1e-4)


@pytest.mark.parametrize("usual", [0.0, 1.0])
def test_novelty_counts_where_the_part_is_or_usually_is(usual):
    graph = remembering(1.0)
    graph.damps, graph.model.usual = True, torch.full((1, 1, 1, 1), usual)
    torch.nn.init.constant_(graph.model.mtrs.mask_head.out[1].bias, -50.0)  # nothing is part
    picture = torch.tensor(pictures(1)[0])[None]
    with_novelty = graph(picture)[0]
    graph.scoring = replace(graph.scoring, novelty=0.0)
    raised = with_novelty - graph(picture)[0]
    assert bool((raised > 0.1).all() if usual else (raised.abs() < 1e-4).all())


def test_the_error_of_the_features_is_added_as_much_as_it_counts():
    model = remembering(0.0).model
    model.error_level.set(-3.0, 2.0)
    picture = torch.tensor(pictures(1)[0])[None]
    without, once, twice = (
        DeployGraph(model, (64, 64), Scoring(suppression=0.0, novelty=0.0, feature_error=weight)).eval()(picture)[0]
        for weight in (0.0, 1.0, 2.0)
    )
    assert not torch.allclose(once, without, atol=1e-2)
    assert torch.allclose(twice - without, 2 * (once - without), atol=1e-4)


def test_the_error_of_the_features_counts_where_no_foreground_was_found_alone():
    settings = TrainSettings()
    assert scoring_of(settings, has_foreground=True).feature_error == 0.0
    assert scoring_of(settings, has_foreground=False).feature_error == settings.feature_error > 0.0
    assert scoring_of(replace(settings, feature_head=False), has_foreground=False).feature_error == 0.0


def test_the_map_is_measured_by_what_is_usual_at_each_place():
    model, seen = remembering(1.0).model, np.random.default_rng(0).integers(0, 256, (12, 64, 96, 3), dtype=np.uint8)
    seen[:, 16:48, 16:48] = 200  # a part that lies there in every picture
    scoring = Scoring(suppression=0.0)
    model.mask_head = False
    plain = DeployGraph(model, (64, 96), scoring).eval()
    learn_places(model, seen, scoring, Silence())
    placed = DeployGraph(model, (64, 96), scoring).eval()
    with torch.no_grad():
        before, after = (
            graph.add_maps(graph.model(graph.resizing(torch.tensor(seen))), None) for graph in (plain, placed)
        )
        found = placed(torch.tensor(seen))[0]
    assert torch.allclose(before, after)
    assert torch.allclose(found, double((before - model.places.centre) * model.places.gain)[:, 0], atol=1e-4)
    assert found.mean(dim=0).std() < 0.5 * double(before)[:, 0].mean(dim=0).std()
    raw = Session(export_onnx(placed), threads=1).run(seen[0])
    assert np.abs(raw.anomaly - found[0].numpy()).max() < 1e-3


def test_levelling_lets_all_maps_reach_equally_far():
    model = remembering(1.0).model
    seen = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    model.mask_head = False
    level_maps(model, seen)
    align, error_map, maps = Alignment((64, 64)), ErrorMap(128), []
    for picture in seen:
        outputs = model(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255.0)
        novelty, error = model.memory(outputs.features), model.error_level(error_map(outputs.difference))
        maps.append(torch.cat([align.logits(outputs.anomaly_logits), align.novelty(novelty), align.error(error)]))
    cells = torch.cat([each.flatten(1) for each in maps], dim=1).detach().numpy()  # [3, cells]
    reach = np.quantile(cells, 0.999, axis=1) - np.median(cells, axis=1)
    assert reach[1:] == pytest.approx(reach[0], rel=1e-2)
    assert np.median(cells[1:], axis=1) == pytest.approx(0.0, abs=1e-3)


class Lit(Baad):
    """Says that all of a bright picture is part, and nothing of a dark one."""

    def forward(self, images: torch.Tensor) -> Outputs:
        outputs = super().forward(images)
        return replace(outputs, foreground_logits=outputs.foreground_logits * 0 + (images.mean() - 0.5) * 1000.0)


def test_pictures_that_show_no_part_do_not_count_in_levelling_unless_none_does():
    def centre_of(pictures: np.ndarray) -> float:
        model.memory.level.set(0.0, 1.0)
        level_maps(model, pictures)
        return float(model.memory.level.centre)

    torch.manual_seed(0)
    model = Lit(new_pdn("tiny", 0), SIZES["tiny"]).eval()
    model.memory.remember(torch.zeros(512, 128))
    seen = np.random.default_rng(0).integers(0, 128, (4, 64, 64, 3), dtype=np.uint8)
    seen[2:] += 127
    dark, bright = centre_of(seen[:2]), centre_of(seen[2:])
    assert dark != pytest.approx(bright, rel=1e-2)
    assert centre_of(seen) == pytest.approx(bright)


def test_levelling_does_not_blow_up_what_never_varies():
    model = remembering(1.0).model
    model.mask_head = False
    level_maps(model, np.full((2, 64, 64, 3), 90, np.uint8))
    assert 0 <= float(model.memory.level.gain) < 1e3
