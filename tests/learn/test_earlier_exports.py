"""What an export finds in the place that it is to write."""

from pathlib import Path

import pytest

from baad.errors import OutputError
from baad.learn.hand_over import CONFIG, DECISION, ONNX, PARITY, VERSION, export_model, require_own
from baad.learn.openvino_ir import BIN, XML
from baad.progress import Silence


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def list_files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


EXPORTS = {
    "onnx": (ONNX, DECISION, PARITY),
    "openvino": (XML, BIN, DECISION, PARITY),
    "triton": (f"{VERSION}/{ONNX}", CONFIG, DECISION, PARITY),
}


@pytest.mark.parametrize("form", EXPORTS)
def test_an_earlier_export_may_be_replaced(form, tmp_path):
    require_own(tmp_path / "new")
    require_own(put(tmp_path / form, *EXPORTS[form]))


def export(form, out):
    """An export of a model that is not there: nothing but the place to write is looked at before."""
    return export_model(
        out.parent / "disc.baad", out, form=form, precision="fp32", pictures=(), progress=Silence(), threads=1
    )


def test_only_an_earlier_export_is_ever_replaced(tmp_path):
    put(tmp_path, "thesis.txt")
    for taken in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(OutputError, match="is no export"):
            export("onnx", taken)
    assert list_files(tmp_path) == ["thesis.txt"]


@pytest.mark.parametrize("other", ["line.baad", "pictures/ng.png", "2/model.onnx", "1/warmup", ".git/config"])
def test_what_no_export_writes_is_never_deleted_with_an_earlier_one(other, tmp_path):
    folder = put(tmp_path / "models" / "disc", *EXPORTS["triton"], other)
    before = list_files(folder)
    with pytest.raises(OutputError, match=f"{other.split('/')[0]}.* would be deleted"):
        export("triton", folder.parent)
    assert list_files(folder) == before


def test_one_of_the_things_in_the_way_is_named_and_the_others_are_counted(tmp_path):
    folder = put(tmp_path / "line", *EXPORTS["onnx"], "a.png", "b.png", "c.png")
    with pytest.raises(OutputError, match=r"a\.png and 2 more would be deleted.* Move"):
        require_own(folder)
