import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from baad.errors import BundleError, DataError, ImageError
from baad.learn import codebook, pdn
from baad.learn.codebook import build_codebook, load_codebook
from baad.learn.pdn import WEIGHTS
from baad.progress import Silence


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A copy of the shipped files, in the place where the module looks for them."""
    for name in ("pdn_fast.safetensors", "pdn_fast.json", "codebook_fast.safetensors", "codebook_fast.json"):
        shutil.copy(WEIGHTS / name, tmp_path / name)
    for room in (codebook, pdn):
        monkeypatch.setattr(room, "WEIGHTS", tmp_path)
    return tmp_path


def test_the_shipped_codebook_fits_the_shipped_pdn():
    centroids = load_codebook()
    assert centroids.dtype == np.float32 and centroids.shape[1] == 128 and len(centroids) >= 1000
    assert np.isfinite(centroids).all()


def test_a_damaged_codebook_is_refused(shipped):
    file = shipped / "codebook_fast.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\0\0")
    with pytest.raises(BundleError, match="damaged"):
        load_codebook()


def test_a_codebook_of_another_pdn_is_refused(shipped):
    card = shipped / "pdn_fast.json"
    card.write_text(card.read_text("utf-8").replace('"sha256": "', '"sha256": "f'), "utf-8")
    with pytest.raises(BundleError, match="another PDN"):
        load_codebook()


def test_a_missing_codebook_is_a_clear_error(shipped):
    (shipped / "codebook_fast.json").unlink()
    with pytest.raises(BundleError, match="missing"):
        load_codebook()


def test_a_built_codebook_can_be_loaded_and_names_its_pictures(tmp_path, shipped):
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for index in range(3):
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(photos / f"{index}.png")
    card = build_codebook([photos], shipped, Silence(), centroids=20)
    assert card["images"] == {"photos": 3}
    assert load_codebook().shape == (20, 128)
    (photos / "1.png").write_bytes((photos / "1.png").read_bytes()[:200])
    with pytest.raises(ImageError, match=r"1\.png"):
        build_codebook([photos], shipped, Silence(), centroids=20)


@pytest.mark.parametrize("card", ["{", "{}", "[]"])
def test_a_damaged_card_is_a_clear_error(shipped, card):
    (shipped / "codebook_fast.json").write_text(card)
    with pytest.raises(BundleError, match="states no SHA-256"):
        load_codebook()


def test_too_few_photos_are_refused(tmp_path):
    with pytest.raises(DataError, match="No photos in"):
        build_codebook([tmp_path], tmp_path, Silence())
    for index in range(2):
        Image.new("RGB", (40, 60)).save(tmp_path / f"{index}.png")
    with pytest.raises(DataError, match=r"2 photos in .* are too few"):
        build_codebook([tmp_path], tmp_path, Silence())


def test_as_a_program_it_says_what_is_wrong_in_a_line(tmp_path):
    words = [sys.executable, "-m", "baad.learn.codebook", str(tmp_path / "none")]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 1 and "Traceback" not in told.stderr
    assert "none is not a folder" in told.stderr.splitlines()[-1]
