"""A model file around a small network with random weights: made without training, for tests of what follows it."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from baad.bundle import write_bundle
from baad.data.decode import read_image
from baad.data.split import split_held_out
from baad.learn.calibrate import calibrate
from baad.learn.card import sample_pictures
from baad.learn.deploy import DeployGraph, Scoring
from baad.learn.export import export_onnx
from baad.learn.network import new_network
from baad.learn.pdn import new_pdn
from baad.learn.pictures import read_pictures
from baad.progress import Silence
from baad.runtime.session import Session
from baad.settings import TrainSettings

SHAPE = (64, 96)
SETTINGS = TrainSettings(size="tiny", image_size=64, held_out=0.25, pdn="random", foreground="off")


def write_small_model(path: Path, pictures) -> tuple[Path, bytes]:
    """The model file, as if it were trained on the pictures (GoodImage), and its graph as ONNX."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = new_network(new_pdn("tiny", 0), SETTINGS).eval()
        torch.nn.init.normal_(network.discriminator.out.weight)  # so that maps vary by some logits
    onnx = export_onnx(DeployGraph(network, SHAPE, Scoring(suppression=0.0, knows_part=False)))
    split = split_held_out(pictures, SETTINGS.held_out, SETTINGS.seed)
    calibration, _ = calibrate(Session(onnx, 1), split.held_out, 0.2, Silence())
    pictures = read_pictures(split.fit, SETTINGS.image_size, Silence())
    shown = np.stack([read_image(image.path)[: SHAPE[0], : SHAPE[1]] for image in split.fit[:3]])
    manifest = {
        "category": "disc",
        "input_shape": list(SHAPE),
        "settings": SETTINGS.to_dict(),
        "n_held_out": len(split.held_out),
        "data_fingerprint": pictures.fingerprint,
        "learnt_from": list(pictures.files),
        "gate": {"accepted": False, "reason": "switched off"},
        "findings": [],
        **{"n_train": len(split.fit), "steps": 0, "seed": 0, "size": "tiny", "parameters": 1000, "macs": 1000},
        "image_shapes": [[72, 96]],
    }
    write_bundle(
        path,
        manifest=manifest,
        onnx=onnx,
        weights=save({name: value.contiguous() for name, value in network.state_dict().items()}),
        calibration=calibration,
        card="# Small\n",
        samples=sample_pictures(shown, np.ones(shown.shape[:3], bool)),
    )
    return path, onnx
