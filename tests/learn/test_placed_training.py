"""A scene that stands still, from its training to the line: novelty is measured at each place."""

import hashlib
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from baad.bench.job import Job, Workshop, train_once
from baad.bundle import WEIGHTS, read_bundle
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.learn.blocks import count_macs
from baad.learn.novelty_trial import try_memories
from baad.learn.openvino_ir import find_precise, read_onnx
from baad.learn.placed_memory import PlacedMemory
from baad.learn.places import Places
from baad.learn.reload import load_graph, load_model
from baad.progress import Silence
from baad.runtime.session import Session
from baad.settings import TrainSettings
from tests.factory import save_picture, write_category

STILL = TrainSettings(
    image_size=64, size="tiny", batch_size=2, threads=1, held_out=0.25, device="cpu", steps=1, foreground="off"
)


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    """A surface that is rough on the right half of every picture and nearly even on the left."""
    root = write_category(tmp_path_factory.mktemp("still") / "disc", normals=4, good=1, defective=1)
    shutil.rmtree(root / "train")
    rng = np.random.default_rng(0)
    for index in range(24):
        noise = np.kron(rng.normal(0.0, 1.0, (16, 16)), np.ones((4, 4))) * np.repeat([3.0, 50.0], 32)
        shade = (128.0 + noise).clip(0, 255).astype(np.uint8)
        save_picture(root / "train" / "good" / f"{index:03d}.png", np.repeat(shade[..., None], 3, axis=2))
    return read_category(root)


@pytest.fixture(scope="module")
def model(category, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:  # so few and so small pictures tell nothing of what finds more
        patch.setattr("baad.learn.train.try_memories", lambda *given: sorted(try_memories(*given)))
        return train_once(category, STILL, tmp_path_factory.mktemp("models"), Silence())


def test_what_measures_the_distance_at_each_place_stays_precise_in_int8(model):
    graph = read_onnx(read_bundle(model).onnx)
    directions = tuple(load_model(model)[0].placed.axes.shape)
    kept = {
        node.get_friendly_name(): tuple(node.input(1).get_shape())[:2]
        for node in graph.get_ops()
        if node.get_type_name() == "Convolution" and node.get_friendly_name() in find_precise(graph)
    }
    assert directions in kept.values() and len(kept) == 3  # with the discriminator's last one and the error map's


def test_a_scene_that_stands_still_is_remembered_by_place_and_comes_back_from_its_file(category, model):
    network, _ = load_model(model)
    assert network.placed.known
    graph, _ = load_graph(model)
    picture = read_image(category.train[0].path)
    with torch.no_grad():
        anomaly, _, score, _ = graph(torch.from_numpy(picture)[None])
    found = Session(read_bundle(model).onnx, threads=1).run(picture)
    assert np.abs(found.anomaly - anomaly[0].numpy()).max() < 1e-3 * np.ptp(found.anomaly)
    assert found.score == pytest.approx(float(score), abs=1e-3)


def test_what_it_costs_is_counted(model):
    network, _ = load_model(model)
    told = read_bundle(model).manifest
    kept, macs = network.placed.cost()
    assert told["parameters"] == sum(each.numel() for each in network.parameters()) + kept
    assert told["macs"] == count_macs(network, torch.zeros(1, 3, 64, 64)) + macs


def test_without_places_the_codes_tell_of_novelty(category, model):
    picture = read_image(category.train[0].path)
    found = Workshop(model.parent, Silence()).make(Job(category, "no_places", STILL)).score(picture)
    graph, _ = load_graph(model)
    graph.model.placed, graph.model.places = PlacedMemory(), Places()
    with torch.no_grad():
        expected = graph(torch.from_numpy(picture)[None])[2]
    assert found.score == pytest.approx(float(expected), abs=1e-3)
    assert graph.model.memory.level.gain > 0


def test_where_the_map_is_not_to_be_measured_by_place_nothing_is_remembered_by_place(category, tmp_path):
    network, _ = load_model(train_once(category, replace(STILL, by_place=False), tmp_path, Silence()))
    assert not network.placed.known and not network.places.known


def test_a_model_file_from_before_patches_at_their_place_can_still_be_loaded(model, tmp_path):
    older = tmp_path / "older.baad"
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    younger = ("placed.", "offset")
    kept = {name: value for name, value in load(members[WEIGHTS]).items() if not name.startswith(younger)}
    members[WEIGHTS] = save(kept)
    manifest = json.loads(members["manifest.json"])
    manifest["files"][WEIGHTS] = hashlib.sha256(members[WEIGHTS]).hexdigest()
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(older, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    network, _ = load_model(older)
    assert not network.placed.known and network.memory.level.gain > 0
    assert network.offset.tolist() == [0.0, 0.0]  # it is judged as its threshold has it
