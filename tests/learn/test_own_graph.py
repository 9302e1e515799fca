"""What an export makes of a model file whose own graph is of another version of BAAD."""

import hashlib
import json
import zipfile

import pytest

from baad.data.reading import read_category
from baad.data.sample import GoodImage
from baad.errors import TrainingError
from baad.learn.hand_over import export_model
from baad.learn.recalibrate import recalibrate
from baad.progress import Silence
from tests.factory import write_category
from tests.learn.small_model import write_small_model
from tests.learn.test_hand_over import perturb


def put_graph(model, onnx, file):
    """The model file with another graph in it."""
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    manifest["files"]["model.onnx"] = hashlib.sha256(onnx).hexdigest()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**members, "model.onnx": onnx, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, content)
    return file


def test_a_graph_that_judges_otherwise_than_its_weights_do_today_is_refused(tmp_path):
    """As where the code that makes the graph has changed since the model was trained."""
    parts = read_category(write_category(tmp_path / "disc", normals=8, good=2, defective=1, size=(72, 96)))
    model, onnx = write_small_model(tmp_path / "disc.baad", parts.train)
    older = put_graph(model, perturb(onnx), tmp_path / "older.baad")
    asked = {"form": "onnx", "precision": "fp32", "pictures": (), "progress": Silence(), "threads": 1}
    with pytest.raises(TrainingError, match=r"thresholds are of its own\. Export it with the version that trained it"):
        export_model(older, tmp_path / "line", **asked)
    assert not (tmp_path / "line").exists()
    later = tuple(GoodImage(image.path) for image in parts.test)
    with pytest.raises(
        TrainingError, match=r"thresholds are of its own\. Calibrate it with the version that trained it"
    ):
        recalibrate(older, tmp_path / "later.baad", later, 0.5, Silence(), threads=1)
    assert not (tmp_path / "later.baad").exists()
