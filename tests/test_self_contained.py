import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from baad.bundle import read_bundle
from baad.errors import BundleError
from baad.self_contained import is_self_contained
from tests.fake_model import brightness_graph, write_fake_model


def far_tensor(name="far"):
    """A tensor whose numbers lie in another file."""
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    return tensor


def in_initializers(model):
    model.graph.initializer.append(far_tensor())


def in_a_constant(model):
    model.graph.node.append(helper.make_node("Constant", [], ["far"], value=far_tensor()))


def in_a_branch(model):
    branch = helper.make_graph([], "branch", [], [], initializer=[far_tensor()])
    model.graph.node.append(helper.make_node("If", ["x"], ["far"], then_branch=branch, else_branch=branch))


def in_sparse_values(model):
    sparse = helper.make_sparse_tensor(far_tensor(), numpy_helper.from_array(np.zeros(1, np.int64)), [4])
    model.graph.sparse_initializer.append(sparse)


def in_a_function(model):
    node = helper.make_node("Constant", [], ["far"], value=far_tensor())
    model.functions.append(helper.make_function("here", "Far", [], ["far"], [node], []))


HIDES = [in_initializers, in_a_constant, in_a_branch, in_sparse_values, in_a_function]


def test_a_graph_that_holds_its_own_numbers_is_self_contained():
    assert is_self_contained(brightness_graph())


@pytest.mark.parametrize("hide", HIDES)
def test_a_tensor_in_another_file_is_found_wherever_it_hides(hide, tmp_path):
    model = onnx.load_from_string(brightness_graph())
    hide(model)
    assert not is_self_contained(model.SerializeToString())
    with pytest.raises(BundleError, match="wants other files"):
        read_bundle(write_fake_model(tmp_path / "evil.baad", onnx=model.SerializeToString()))


def test_a_key_written_at_length_does_not_hide_it():
    """Three bytes where one would do: readers of protocol buffers take both."""
    for key in (b"\x70", b"\xf0\x80\x00"):  # data_location
        tensor = key + b"\x01"
        graph = b"\x2a" + bytes([len(tensor)]) + tensor
        assert not is_self_contained(b"\x3a" + bytes([len(graph)]) + graph)


@pytest.mark.parametrize(
    "broken", [b"\x3a", b"\x3a\xff", b"\x3b", b"\x38\x01", b"\x80" * 11, b"\x3a\x05abc", b"\xf0\x80\x80\x80\x10\x01"]
)
def test_bytes_that_are_no_model_are_refused(broken, tmp_path):
    with pytest.raises(ValueError):
        is_self_contained(broken)
    with pytest.raises(BundleError, match=r"damaged: model\.onnx"):
        read_bundle(write_fake_model(tmp_path / "odd.baad", onnx=broken))
