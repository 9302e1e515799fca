import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import baad
from baad.errors import how_to_install


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, baad; print(sorted({'numpy', 'torch', 'onnxruntime', 'PIL', 'rich', 'typer'} & set(sys.modules)))"
    )
    assert run_python(code).stdout.strip() == "[]"


def test_the_public_names_are_those_listed():
    code = "import baad; print(*(getattr(baad, name).__name__ for name in baad.__all__ if name != '__version__'))"
    assert {"Detector", "Verdict", "train"} <= set(run_python(code).stdout.split())


def test_train_without_pytorch_says_what_to_install():
    done = run_python("import sys; sys.modules['torch'] = None\nfrom baad import train")
    assert f"MissingExtra: Training needs torch. {how_to_install('train')}" in done.stderr


def test_no_message_has_pip_look_for_baad_in_an_index():
    """It is in none: pip would fail there, or install what somebody else calls so."""
    sources = sorted(Path(baad.__file__).parent.rglob("*.py"))
    asks = re.compile(r"""pip install (?:-\S+ )*['"]?baad(?![-.\w])""")
    assert [file.name for file in sources if asks.search(file.read_text("utf-8"))] == []
    assert asks.search("pip install 'baad[train]'") and asks.search("pip install --upgrade baad`")
    assert not asks.search(how_to_install("train"))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Engine'"):
        _ = baad.Engine


def test_the_version_is_that_of_the_installation():
    assert baad.__version__ == importlib.metadata.version("baad")


def test_a_source_tree_that_is_not_installed_still_has_a_version(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert baad._read_version() == "0+unknown"


def test_the_module_can_be_run():
    done = subprocess.run([sys.executable, "-m", "baad", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "train" in done.stdout
