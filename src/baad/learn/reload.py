"""The trained network back from its model file, to go on with it in PyTorch."""

from dataclasses import fields
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from baad.bundle import WEIGHTS, read_bundle, read_member, require
from baad.errors import BundleError, first_line
from baad.learn.deploy import DeployGraph, scoring_of
from baad.learn.network import Baad, new_network, sees_near
from baad.learn.pdn import PDN_SHAPES, Pdn, name_pdn
from baad.settings import TrainSettings

SIZED_BY_PICTURES = {"usual", "places.centre", "places.gain", "placed.axes", "placed.mean", "placed.factor"}


def load_model(path: Path) -> tuple[Baad, TrainSettings]:
    """Network in evaluation mode, and the settings it was trained with. Raises BundleError for a bad file."""
    manifest = read_bundle(path).manifest
    require(manifest, "settings", "gate")
    known = {field.name for field in fields(TrainSettings)}
    given = {name: value for name, value in manifest["settings"].items() if name in known}
    if given.get("size") == "small":
        given.pop("view", None)  # it has one view, though older files may have asked for another
    settings = TrainSettings(**given)
    near = sees_near(settings, bool(manifest["gate"].get("accepted")))
    pdn = Pdn(PDN_SHAPES[name_pdn(settings.size, near)])
    try:
        state = load(read_member(path, WEIGHTS))
        model = new_network(pdn, settings)
        for name in SIZED_BY_PICTURES & state.keys():
            owner, _, buffer = name.rpartition(".")
            setattr(model.get_submodule(owner), buffer, torch.empty_like(state[name]))
        younger = {name: value for name, value in model.state_dict().items() if name.startswith(("placed.", "offset"))}
        model.load_state_dict(younger | state)  # older files lack them, and had none in their graph
    except (SafetensorError, RuntimeError) as error:
        raise BundleError(
            f"The weights in {path} are not those of its network ({first_line(error)}). Train again."
        ) from error
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval().to(torch.float32), settings


def load_graph(path: Path) -> tuple[DeployGraph, TrainSettings]:
    """The graph that this version makes of a model file's weights, in PyTorch, and the settings. Where the file is of
    another version, the ONNX graph in it may judge otherwise: who needs it to be the same compares the two."""
    model, settings = load_model(path)
    manifest = read_bundle(path).manifest
    require(manifest, "input_shape")
    scoring = scoring_of(settings, bool(manifest["gate"].get("accepted")))
    height, width = manifest["input_shape"]
    return DeployGraph(model, (height, width), scoring).eval(), settings
