import json
import zipfile
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from baad.bundle import read_bundle, rewrite_bundle
from baad.data.decode import read_image
from baad.data.reading import read_category
from baad.errors import DataError, SettingError, TrainingError
from baad.learn import hand_over
from baad.learn.decision import describe_decision
from baad.learn.fixed_size import FixedSize, fix_onnx, read_fixed_size
from baad.learn.hand_over import export_model
from baad.learn.openvino_ir import read_onnx, read_session, write_ir
from baad.progress import Silence
from baad.runtime.detector import Detector
from baad.runtime.openvino_network import shared_core
from baad.runtime.session import Session, start_network
from tests.factory import write_category

openvino = pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def export(small, disc, tmp_path_factory):
    """Calls export_model with the graph that is there already -> the folder; the same call gives the same one."""
    done, place = {}, tmp_path_factory.mktemp("exports")

    def call(form="onnx", precision="fp32", pictures=disc.train, out=None, fixed=None, **replaced):
        key = (form, precision, len(pictures), fixed, *replaced)
        if out is None and key in done:
            return done[key]
        given = {"form": form, "precision": precision, "pictures": pictures, "progress": Silence(), "threads": 1}
        given["fixed"] = fixed
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"export_onnx": lambda graph: small[1], **replaced}.items():
                patch.setattr(hand_over, name, value)
            folder = export_model(small[0], out or place / str(len(done)), **given).folder
        if out is None:
            done[key] = folder
        return folder

    return call


def read_json(file):
    return json.loads(file.read_text("utf-8"))


def test_onnx_comes_with_its_decision_beside_it_and_in_its_metadata(export, small):
    folder = export()
    assert sorted(file.name for file in folder.iterdir()) == ["decision.json", "model.onnx", "parity.json"]
    decision, calibration = read_json(folder / "decision.json"), read_bundle(small[0]).calibration
    metadata = {entry.key: entry.value for entry in onnx.load(folder / "model.onnx").metadata_props}
    assert json.loads(metadata["baad_decision"]) == decision
    assert decision["threshold"] == float(metadata["baad_threshold"]) == calibration.threshold
    assert decision["scores"] == list(calibration.scores)
    assert "of good parts" in decision["promise"]


def test_the_certificate_tells_of_the_model_file_and_two_runtimes_on_32_pictures(export):
    told = read_json(export() / "parity.json")
    assert (told["pictures"], told["near"], told["source"]) == (32, 16, "held-out normal pictures")
    assert 1 <= told["normal"] < 32
    assert [row["runtime"].split()[0] for row in told["comparisons"]] == ["disc.baad", "ONNX", "OpenVINO"]
    assert all(row["flips"] == 0 and row["map_error"] < 1e-3 and row["holds"] for row in told["comparisons"])


def test_without_pictures_the_samples_in_the_model_file_are_compared_on(export):
    told = read_json(export(pictures=()) / "parity.json")
    assert (told["pictures"], told["near"]) == (32, 16)
    assert "training pictures in the model file" in told["source"]


def test_openvino_files_judge_as_the_model_file_and_tell_model_api_what_it_reads(export, small, disc):
    folder = export("openvino")
    picture = read_image(disc.train[0].path)
    there, here = read_session(folder, 1).run(picture), Session(small[1], 1).run(picture)
    assert there.score == pytest.approx(here.score, abs=1e-5)
    model = shared_core().read_model(folder / "model.xml")
    told = {key: value.astype(str) for key, value in model.get_rt_info(["model_info"]).astype(dict).items()}
    decision = read_json(folder / "decision.json")
    assert (told["model_type"], told["embedded_processing"], told["labels"]) == ("AnomalyDetection", "YES", "ok ng")
    assert float(told["image_threshold"]) == float(told["pixel_threshold"]) == decision["pixel_threshold"]
    assert (told["task"], told["orig_height"], told["orig_width"]) == ("segmentation", "64", "96")
    assert (told["input_dtype"], told["resize_type"], told["reverse_input_channels"]) == ("u8", "standard", "NO")
    spread = Detector.load(small[0], threads=1).calibration.pixel_spread
    quarter = 3 * spread / float(told["normalization_scale"])  # Model API shows .5 + (highest - threshold) / scale
    assert quarter == pytest.approx(0.25)
    assert json.loads(model.get_rt_info(["baad", "decision"]).astype(str)) == decision


def test_half_precision_halves_the_weights_and_keeps_the_verdicts(export):
    whole, half = export("openvino"), export("openvino", "fp16")
    assert (half / "model.bin").stat().st_size < 0.6 * (whole / "model.bin").stat().st_size
    row = read_json(half / "parity.json")["comparisons"][-1]
    assert (row["precision"], row["flips"]) == ("fp16", 0)


def test_int8_is_written_with_thresholds_of_its_own(export):
    pytest.importorskip("nncf")
    folder = export("openvino", "int8", refuse=lambda *facts: "")
    decision, told = read_json(folder / "decision.json"), read_json(folder / "parity.json")
    assert "FakeQuantize" in (folder / "model.xml").read_text()
    assert (decision["precision"], told["comparisons"][-1]["precision"]) == ("int8", "int8")
    assert f"{decision['threshold']:.4g}" in told["remarks"][0]
    assert decision["threshold"] != told["threshold"]


def test_int8_that_is_not_good_enough_is_said_and_fp32_is_written(export):
    def pretend(onnx, fit, painter, folder, threads):
        write_ir(read_onnx(onnx), folder)
        return read_session(folder, threads)

    reason = "it misses 3 of 20 drawn defects that FP32 finds"
    folder = export("openvino", "int8", quantize_network=pretend, refuse=lambda *facts: reason)
    told = read_json(folder / "parity.json")
    assert read_json(folder / "decision.json")["precision"] == "fp32"
    assert told["comparisons"][-1]["precision"] == "fp32"
    assert told["remarks"] == [f"INT8 is not written: {reason}"]


def test_int8_that_judges_badly_is_weighed_and_refused(export):
    """Nothing is pretended but the quantiser, which spoils the network."""

    def spoil(onnx, fit, painter, folder, threads):
        write_ir(read_onnx(perturb(onnx, share=0.5)), folder)
        return read_session(folder, threads)

    folder = export("openvino", "int8", quantize_network=spoil)
    told = read_json(folder / "parity.json")
    assert read_json(folder / "decision.json")["precision"] == "fp32"
    assert told["comparisons"][-1]["precision"] == "fp32" and told["remarks"][0].startswith("INT8 is not written: ")


def test_other_pictures_of_the_same_number_set_no_threshold_and_are_not_called_held_out(export, small, tmp_path):
    others = read_category(write_category(tmp_path / "disc", normals=16, good=1, defective=1, size=(72, 96), seed=9))
    with pytest.raises(DataError, match="trained on other pictures"):
        export("openvino", "int8", pictures=others.train, out=tmp_path / "line")
    assert not (tmp_path / "line").exists()
    told = read_json(export(pictures=others.train, out=tmp_path / "others") / "parity.json")
    assert told["source"] == "normal pictures, not those held out in training"


def test_int8_of_a_model_that_judges_in_tiles_is_refused_before_pictures_are_compared(small, disc, tmp_path):
    with zipfile.ZipFile(small[0]) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    members["manifest.json"] = json.dumps({**manifest, "tile_px": 96}).encode()
    with zipfile.ZipFile(tmp_path / "tiles.baad", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    asked = {"form": "openvino", "precision": "int8", "pictures": disc.train, "progress": Silence(), "threads": 1}
    with pytest.raises(SettingError, match="judges in tiles"):
        export_model(tmp_path / "tiles.baad", tmp_path / "line", **asked)


def test_of_a_model_with_zones_model_api_gets_no_thresholds_and_whoever_exports_is_told_once(small, tmp_path):
    zones = {"elsewhere": "warn", "zones": []}
    model = rewrite_bundle(small[0], tmp_path / "zoned.baad", {"zones": zones})
    told = []
    progress = SimpleNamespace(say=lambda text: None, warn=told.append, task=Silence().task)
    asked = {"form": "openvino", "precision": "fp32", "pictures": (), "progress": progress, "threads": 1}
    folder = export_model(model, tmp_path / "line", **asked).folder
    assert not shared_core().read_model(folder / "model.xml").has_rt_info(["model_info"])
    assert read_json(folder / "decision.json")["zones"] == zones
    assert len(told) == 1 and "must apply them" in told[0]


def model_config():
    """Triton's ModelConfig as far as an export uses it: names and types of model_config.proto."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="config.proto", syntax="proto3")
    file.enum_type.add(name="DataType").value.add(name="TYPE_INVALID", number=0)
    for number, name in ((2, "TYPE_UINT8"), (11, "TYPE_FP32")):
        file.enum_type[0].value.add(name=name, number=number)

    def message(name, *fields):
        made = file.message_type.add(name=name)
        for number, (word, kind, many, of) in enumerate(fields, 1):
            label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
            made.field.add(name=word, number=number, type=kind, label=label, **({"type_name": of} if of else {}))

    message("Reshape", ("shape", field.TYPE_INT64, True, ""))
    message("Batching")
    message(
        "Tensor",
        ("name", field.TYPE_STRING, False, ""),
        ("data_type", field.TYPE_ENUM, False, "DataType"),
        ("dims", field.TYPE_INT64, True, ""),
        ("reshape", field.TYPE_MESSAGE, False, "Reshape"),
    )
    message(
        "ModelConfig",
        ("name", field.TYPE_STRING, False, ""),
        ("backend", field.TYPE_STRING, False, ""),
        ("max_batch_size", field.TYPE_INT32, False, ""),
        ("input", field.TYPE_MESSAGE, True, "Tensor"),
        ("output", field.TYPE_MESSAGE, True, "Tensor"),
        ("dynamic_batching", field.TYPE_MESSAGE, False, "Batching"),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("ModelConfig"))()


def test_the_triton_folder_describes_the_graph_in_it(export, tmp_path):
    (tmp_path / "another model").mkdir()
    folder = export("triton", out=tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["another model", "disc"]
    assert folder == tmp_path / "disc"
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert files == ["1/model.onnx", "config.pbtxt", "decision.json", "parity.json"]
    config = text_format.Parse((folder / "config.pbtxt").read_text(), model_config())
    assert (config.name, config.backend, config.max_batch_size) == ("disc", "onnxruntime", 8)
    graph = onnx.load(folder / "1" / "model.onnx").graph
    for told, tensor in zip((*config.input, *config.output), (*graph.input, *graph.output), strict=True):
        axes = [axis.dim_value or -1 for axis in tensor.type.tensor_type.shape.dim]
        assert told.name == tensor.name and axes[0] == -1
        assert list(told.dims) == (axes[1:] or [1])
        assert told.HasField("reshape") == (len(axes) == 1)
        kind = {2: onnx.TensorProto.UINT8, 11: onnx.TensorProto.FLOAT}[told.data_type]
        assert tensor.type.tensor_type.elem_type == kind


def test_batch_norms_are_folded_into_the_convolutions_of_the_graph(small):
    kinds = {node.op_type for node in onnx.load_from_string(small[1]).graph.node}
    assert "Conv" in kinds and "BatchNormalization" not in kinds


def perturb(graph: bytes, share: float = 0.0) -> bytes:
    """The graph with one weight changed, or more of them: of the convolution that gives the anomaly logits."""
    model = onnx.load_from_string(graph)
    weight = next(each for each in model.graph.initializer if "discriminator.out.weight" in each.name)
    values = onnx.numpy_helper.to_array(weight).copy()
    values.flat[: max(1, round(share * values.size))] += 5.0
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    return model.SerializeToString()


def test_one_changed_weight_makes_it_refuse_and_nothing_is_written(export, small, tmp_path):
    before = small[0].read_bytes()
    with pytest.raises(TrainingError, match="does not judge as the trained one") as caught:
        export(out=tmp_path / "line", export_onnx=lambda graph: perturb(small[1]))
    assert f"{small[0]} is as it was" in caught.value.__notes__[0]
    assert list(tmp_path.iterdir()) == [] and small[0].read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"form": "tflite"}, "onnx, openvino, triton"),
        ({"precision": "fp8"}, "fp32, fp16, int8"),
        ({"precision": "fp16"}, "--format openvino"),
        ({"form": "openvino", "precision": "int8", "pictures": ()}, "normal pictures"),
        ({"form": "triton", "fixed": FixedSize(1, 64, 64)}, "leave --fixed away"),
    ],
)
def test_what_cannot_be_exported_is_said_before_any_work(export, tmp_path, asked, told):
    with pytest.raises(SettingError, match=told):
        export(out=tmp_path / "line", **asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_a_graph_of_fixed_size_takes_that_size_alone_and_judges_as_before(export, small, form):
    size = FixedSize(2, 72, 96)
    folder = export(form, fixed=size)
    if form == "onnx":
        ports = onnx.load(folder / "model.onnx").graph
        shapes = {
            port.name: [dim.dim_value for dim in port.type.tensor_type.shape.dim]
            for port in (*ports.input, *ports.output)
        }
        network = start_network((folder / "model.onnx").read_bytes(), 1, "cpu")
    else:
        model = shared_core().read_model(folder / "model.xml")
        shapes = {port.any_name: list(port.shape) for port in (*model.inputs, *model.outputs)}
        network = start_network((folder / "model.xml").read_bytes(), 1, "openvino", (folder / "model.bin").read_bytes())
    assert (shapes["image"], shapes["pred_score"], shapes["anomaly_map"]) == ([2, 72, 96, 3], [2], [2, 64, 96])
    pictures = np.random.default_rng(0).integers(0, 256, (2, 72, 96, 3), np.uint8)
    maps, scores = network.run(["anomaly_map", "pred_score"], {"image": pictures})
    for picture, seen, score in zip(pictures, maps, scores, strict=True):
        expected = Session(small[1], 1).run(picture)
        assert score == pytest.approx(expected.score, abs=1e-4)
        assert np.allclose(seen, expected.anomaly, atol=1e-3 * np.ptp(expected.anomaly))
    with pytest.raises(Exception, match=r"invalid dimensions|not equal to the model input"):
        network.run(["pred_score"], {"image": pictures[:1]})
    row = read_json(folder / "parity.json")["comparisons"][-1]
    assert row["runtime"].endswith(" at 2x72x96") and row["holds"] and row["flips"] == 0


def test_a_graph_that_fixing_its_size_has_changed_is_refused(export, small, tmp_path):
    with pytest.raises(TrainingError, match="at 1x72x96"):
        export(
            out=tmp_path / "line",
            fixed=FixedSize(1, 72, 96),
            fix_onnx=lambda graph, size: perturb(fix_onnx(graph, size)),
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["480x640", "0x480x640", "1x480x-640", "1x480x640x3", ""])
def test_what_is_no_size_is_said(text):
    assert read_fixed_size(" 1X480x640 ") == FixedSize(1, 480, 640)
    with pytest.raises(SettingError, match="such as 1x480x640"):
        read_fixed_size(text)


def test_a_decision_for_tiles_says_how_they_are_cut(small):
    calibration = Detector.load(small[0], threads=1).calibration
    whole = describe_decision(calibration, {"input_shape": [64, 64]})
    assert whole["tile_px"] == 0 and "tile_shape" not in whole
    manifest = {"tile_px": 96, "input_shape": [64, 64], "gate": {"accepted": True}}
    tiles = describe_decision(calibration, manifest)
    assert (tiles["tile_px"], tiles["tile_shape"], tiles["skip_background"]) == (96, [96, 96], True)
