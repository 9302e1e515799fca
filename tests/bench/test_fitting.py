import numpy as np
import torch

from baad.bench import fitting
from baad.bench.fitting import Fittings
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.foreground.gate import Gate
from baad.learn.blocks import count_macs
from baad.learn.pdn import load_pdn
from baad.progress import Silence
from baad.settings import TrainSettings
from tests.factory import write_category

SETTINGS = TrainSettings(image_size=64, batch_size=2, threads=1, held_out=0.25, device="cpu", steps=1)


def test_baselines_see_with_the_view_that_baad_takes(tmp_path, monkeypatch):
    category = read_category(write_category(tmp_path / "disc", normals=6, good=1, defective=1))
    macs = {}
    for accepted, masks in ((True, np.ones((6, 64, 64), np.float32)), (False, None)):
        gate = Gate(accepted, "border", 0.5, "", masks)
        monkeypatch.setattr(fitting, "choose_foreground", lambda *anything, gate=gate: gate)
        macs[accepted] = Fittings(category, SETTINGS, Silence()).plain("nearest")[1].macs
    wide, near = (count_macs(load_pdn(name), torch.zeros(1, 3, 64, 64)) for name in ("fast", "fast_near"))
    assert macs[False] - macs[True] == wide - near != 0


def test_a_mask_is_multiplied_where_a_background_was_found_and_nowhere_else(tmp_path, monkeypatch):
    category = read_category(write_category(tmp_path / "disc", normals=6, good=1, defective=1))
    picture = read_image(category.test[0].path)
    masks = np.zeros((6, 64, 64), np.float32)
    masks[:, 16:48, 16:48] = 1.0
    for gate in (Gate(True, "border", 0.5, "", masks), Gate(False, "border", 0.1, "", None)):
        monkeypatch.setattr(fitting, "choose_foreground", lambda *anything, gate=gate: gate)
        fittings = Fittings(category, SETTINGS, Silence())
        (plain, alone, _), (masked, both, _) = fittings.plain("nearest"), fittings.masked("nearest")
        assert np.array_equal(plain(picture).anomaly, masked(picture).anomaly) == (not gate.accepted)
        assert (both.mask_steps > 0, both.macs > alone.macs) == (gate.accepted, gate.accepted)


def test_a_map_is_counted_from_its_lowest_value_in_held_out_pictures(tmp_path, monkeypatch):
    category = read_category(write_category(tmp_path / "disc", normals=12, good=1, defective=1))
    masks = np.zeros((9, 64, 64), np.float32)
    masks[:, 16:48, 16:48] = 1.0
    monkeypatch.setattr(fitting, "choose_foreground", lambda *_: Gate(True, "border", 0.5, "", masks))
    given, masked = [], fitting.Masked
    monkeypatch.setattr(fitting, "Masked", lambda *details: given.append(details[-1]) or masked(*details))
    fittings = Fittings(category, SETTINGS, Silence())
    fittings.masked("nearest")
    score = fittings.plain("nearest")[0]
    lowest = [float(score(picture).anomaly.min()) for picture in fittings._ready.normals.held_out]
    assert given == [min(lowest)] and len(set(lowest)) == 3
