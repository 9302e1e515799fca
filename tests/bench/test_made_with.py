import os
from dataclasses import replace

import pytest

from baad.bench import made_with
from baad.bench.job import Job
from baad.bench.made_with import fingerprint, hash_pictures, hash_tested
from baad.data.reading import read_category
from baad.data.sample import Outlines, Shape
from baad.settings import TrainSettings
from tests.factory import write_category

SETTINGS = TrainSettings(image_size=64)


@pytest.fixture
def category(tmp_path):
    return read_category(write_category(tmp_path / "disc", normals=3, good=1, defective=1, foreground=True))


def change_a_bit(file):
    """The file has the size and the times that it had before, but for a billionth of a second."""
    content, times = bytearray(file.read_bytes()), file.stat()
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns + 1))


def test_a_changed_bit_of_a_training_picture_changes_the_fingerprint_and_new_times_alone_do_not(category):
    before, picture = fingerprint(category, SETTINGS), category.train[1].path
    os.utime(picture, (1, 1))
    assert fingerprint(category, SETTINGS) == before
    change_a_bit(picture)
    assert fingerprint(category, SETTINGS) != before


def test_test_pictures_are_not_of_the_fingerprint(category):
    before = fingerprint(category, SETTINGS)
    change_a_bit(category.test[0].path)
    assert fingerprint(category, SETTINGS) == before


def test_what_is_tested_on_is_known_by_pictures_masks_outlines_and_kinds(category):
    defective = next(image for image in category.test if image.defective)
    good = next(image for image in category.test if image.foreground is not None)
    seen = [hash_tested(category), hash_tested(replace(category, test=category.test[1:]))]
    renamed = tuple(replace(image, kind="other") if image is defective else image for image in category.test)
    seen.append(hash_tested(replace(category, test=renamed)))
    for file in (defective.path, defective.masks[0], good.foreground):
        change_a_bit(file)
        seen.append(hash_tested(category))
    assert len(set(seen)) == 6 and hash_tested(replace(category, test=category.test[::-1])) == seen[-1]


def test_drawn_masks_are_known_by_their_outlines(category):
    def drawn(corner):
        shape = Shape(rings=(((0, 0), (corner, 0), (corner, corner)),))
        masks = (Outlines(category.root / "all.json", (64, 64), (shape,)),)
        return replace(category, test=(replace(category.test[0], kind="scratch", masks=masks),))

    assert hash_tested(drawn(3)) == hash_tested(drawn(3)) != hash_tested(drawn(4))


def test_each_picture_is_read_once_whatever_methods_and_seeds_ask(category, monkeypatch):
    read, name_content = [], made_with.name_content
    monkeypatch.setattr(made_with, "name_content", lambda file: read.append(file) or name_content(file))
    assert hash_pictures(category) == hash_pictures(category)
    assert read == [image.path for image in category.train]


def test_true_outlines_are_of_the_fingerprint_of_what_they_teach_alone(category):
    jobs = [Job(category, method, SETTINGS) for method in ("baad", "true_outlines")]
    before = [job.made_with()["fingerprint"] for job in jobs]
    change_a_bit(category.root / "foreground" / "train" / "good" / "001.png")
    after = [job.made_with()["fingerprint"] for job in jobs]
    assert before[0] == after[0] and len({*before, *after}) == 3


def test_rows_that_differ_in_nothing_but_the_seed_are_alike(category):
    first, second = (Job(category, "baad", replace(SETTINGS, seed=seed)).made_with() for seed in (0, 1))
    assert first["fingerprint"] != second["fingerprint"] and first["alike"] == second["alike"]
    assert Job(category, "baad", replace(SETTINGS, steps=9)).made_with()["alike"] != first["alike"]


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ({"BASELINES": 0}, ["padim", "draem+mask"]),
        ({"RECIPE": 0}, ["baad", "background_off", "draem+mask"]),
        ({"hash_codebook": lambda: "another"}, ["baad", "draem+mask"]),
    ],
    ids=["baselines", "recipe", "codebook"],
)
def test_changed_code_makes_the_rows_anew_that_it_makes_and_no_others(category, monkeypatch, changed, anew):
    jobs = [Job(category, method, SETTINGS) for method in ("baad", "background_off", "padim", "draem+mask")]
    before = {job.method: job.made_with()["fingerprint"] for job in jobs}
    for name, value in changed.items():
        monkeypatch.setattr(made_with, name, value)
    assert [job.method for job in jobs if job.made_with()["fingerprint"] != before[job.method]] == anew
