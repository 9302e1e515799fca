import numpy as np
import torch

from baad.bench.mask_training import train_mask_head
from baad.foreground.gate import Gate
from baad.learn.batches import Material, batches
from baad.learn.train import batch_plan, new_model
from baad.progress import Silence
from baad.settings import TrainSettings
from baad.synthesis.banks import make_banks
from tests.learn.test_loop import rings

SETTINGS = TrainSettings(
    size="tiny", image_size=64, steps=40, batch_size=8, threads=1, ema=0.9, pdn="random", device="cpu"
)


def test_the_mask_head_learns_and_the_rest_stays_as_it_was():
    images, masks = rings(12)
    material = Material(images, masks, make_banks(np.random.default_rng(0)), False)
    plan = batch_plan(SETTINGS, Gate(True, "", 1.0, "", None))
    model = new_model(SETTINGS, images, True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trained = train_mask_head(model, batches(material, plan, 0, SETTINGS.steps), SETTINGS, Silence())
    after = trained.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed and not [name for name in changed if not name.startswith("mtrs.")]
    assert not [name for name in changed if "image_head" in name or "feature_head" in name]
    with torch.no_grad():
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0
        seen = trained.mtrs.see_part(trained.pdn(pictures))[:, 0] > 0  # [12, 16, 16]
    assert (seen.numpy() == masks[:, 2::4, 2::4]).mean() > 0.9
