import errno
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from baad.errors import DataError, ImageError, InputError, OutputError, SettingError
from baad.learn import targets as room
from baad.learn.targets import TargetSettings, cache_targets, count_held_out, find_photos, fit_components, fit_pooling
from baad.progress import Silence
from tests.learn.photos import channels_last_teacher, colour_teacher, write_photos

SETTINGS = TargetSettings(teacher="colours", image_size=64, held_out_share=0.2)
PAIR = 64 * 64 * 3 + 16 * 16 * 8 * 2  # bytes, with 8 channels


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "load_teacher", colour_teacher)
    return find_photos([write_photos(tmp_path / "photos")])


class Warnings(Silence):
    def __init__(self):
        self.said = []

    def warn(self, text):
        self.said.append(text)


def cache(photos, work, progress=None, **changes):
    return cache_targets(photos, 8, work, replace(SETTINGS, **changes), "cpu", progress or Silence())


def test_photos_are_found_at_any_depth_each_once_and_folders_without_others_read_as_before(tmp_path):
    folder, other = tmp_path / "photos", write_photos(tmp_path / "photos" / "b" / "deep", 2)
    write_photos(tmp_path / "photos" / "a", 11)
    for name in ("z.png", "10.JPG", "2.jpg", "note.txt"):
        (folder / name).write_bytes(b"")
    flat = ["0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"]  # as text: the caches' keys follow from the order
    found = [file.relative_to(folder).as_posix() for file in find_photos([folder, other, folder])]
    assert found == ["10.JPG", "2.jpg", *(f"a/{name}.png" for name in flat), "b/deep/0.png", "b/deep/1.png", "z.png"]
    assert [file.stem for file in find_photos([folder / "a"])] == flat
    assert find_photos([other, folder])[:2] == [other / "0.png", other / "1.png"]


def test_every_photo_gives_a_pair_and_the_last_are_held_out(photos, tmp_path):
    found = cache(photos, tmp_path / "work", crops=2)
    assert found.images.shape == (8 * 2 + 2, 64, 64, 3)
    assert found.targets.shape == (18, 16, 16, 8)
    assert found.held_out == 2
    assert found.about["name"] == "colours"
    assert len(found.about["weights_sha256"]) == 64


def test_the_reduction_learns_from_no_photo_that_is_held_out(photos, tmp_path, monkeypatch):
    learnt, sample = [], room._sample_patches

    def listen(teacher, given, settings):
        learnt.extend(given)
        return sample(teacher, given, settings)

    monkeypatch.setattr(room, "_sample_patches", listen)
    found = cache(photos, tmp_path / "work")
    assert set(learnt) == set(found.photos[: -found.held_out])
    assert set(learnt).isdisjoint(found.photos[-found.held_out :])


def test_a_second_call_reads_what_is_there_and_needs_no_teacher(photos, tmp_path, monkeypatch):
    first = cache(photos, tmp_path / "work")
    monkeypatch.setattr(room, "load_teacher", lambda *_: pytest.fail("asked again"))
    again = cache(photos, tmp_path / "work")
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.targets, again.targets)


@pytest.mark.parametrize("cut", [(3 * 64 * 64 * 3 + 5, 0), (10**9, 7), (10**9, 9 * 16 * 16 * 8 * 2)])
def test_a_cache_that_was_cut_short_is_completed_to_the_same(photos, tmp_path, cut):
    whole = cache(photos, tmp_path / "whole")
    cache(photos, tmp_path / "cut")
    for pattern, size in zip(("images-*", "targets-*"), cut):
        (file,) = (tmp_path / "cut").glob(pattern)
        os.truncate(file, min(size, file.stat().st_size))
    completed = cache(photos, tmp_path / "cut")
    assert np.array_equal(whole.images, completed.images)
    assert np.array_equal(whole.targets, completed.targets)


def test_other_photos_or_settings_do_not_take_another_ones_pairs(photos, tmp_path):
    keys = {
        cache(photos, tmp_path / "work").key,
        cache(photos[1:], tmp_path / "work").key,
        cache(photos, tmp_path / "work", grey_share=1.0).key,
        cache(photos, tmp_path / "work", reduction="pooled").key,
    }
    assert len(keys) == 4


def test_photos_of_equal_names_and_sizes_are_told_apart_by_what_they_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "load_teacher", colour_teacher)
    keys = []
    for level in (10, 200):
        folder = tmp_path / str(level) / "good"
        folder.mkdir(parents=True)
        for index in range(4):
            Image.fromarray(np.full((80, 80, 3), level + index, np.uint8)).save(folder / f"{index}.bmp")
        keys.append(cache(find_photos([folder]), tmp_path / "work").key)
    assert keys[0] != keys[1]


def test_half_of_the_crops_are_mirrored_before_the_teacher_sees_them(tmp_path):
    slope = np.tile(np.arange(80, dtype=np.uint8)[None, :, None] * 3, (80, 1, 3))
    Image.fromarray(slope).save(tmp_path / "slope.png")
    crops = [room.read_crop(tmp_path / "slope.png", SETTINGS, index) for index in range(40)]
    mirrored = sum(int(crop[0, 0, 0]) > int(crop[0, -1, 0]) for crop in crops)
    assert 10 <= mirrored <= 30


def test_grey_crops_have_no_colour(photos, tmp_path):
    found = cache(photos, tmp_path / "work", grey_share=1.0)
    assert (found.images.max(-1) == found.images.min(-1)).all()


def test_a_bound_on_the_cache_is_kept_and_said(photos, tmp_path):
    progress = Warnings()
    bounded = cache(photos, tmp_path / "work", progress, cache_gb=6.5 * PAIR / 2**30)
    assert len(bounded.images) == 6
    assert bounded.held_out == 1  # a fifth of what fits
    assert sum(file.stat().st_size for file in (tmp_path / "work").glob("*-*.[uf]*")) == 6 * PAIR
    assert [text for text in progress.said if "6 of 10 crops are used" in text] == progress.said != []
    whole = cache(photos, tmp_path / "work")
    assert len(whole.images) == 10
    assert np.array_equal(whole.images[:4], bounded.images[:4])


def test_a_bound_too_small_to_learn_and_measure_with_is_refused_and_the_least_one_told_is_taken(photos, tmp_path):
    with pytest.raises(SettingError, match=r"at least --cache [0-9.]+\.$") as refused:
        cache(photos, tmp_path / "work", cache_gb=1.5 * PAIR / 2**30)
    least = float(str(refused.value).split()[-1].rstrip("."))
    assert len(cache(photos, tmp_path / "work", cache_gb=least).images) >= 2


@pytest.mark.parametrize(
    "photos, room, held_out",
    [(3090, 20696, 93), (2, 13797, 1), (100_000, 13797, 300), (440_000, 13797, 300), (5000, 1000, 30), (5000, 0, 1)],
    ids=["the shipped networks", "two", "many", "more than fit by far", "a small cache", "no cache"],
)
def test_photos_held_out_are_a_share_of_those_that_fit_and_three_hundred_at_most(photos, room, held_out):
    assert count_held_out(photos, room, TargetSettings().held_out_share) == held_out


def test_too_little_room_is_said_before_the_work(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(room, "load_teacher", lambda *_: pytest.fail("work began"))
    with pytest.raises(OutputError, match=r"GB left.*--cache"):
        cache(photos, tmp_path / "work")


def test_a_disk_that_fills_up_meanwhile_is_said_and_the_run_goes_on_later(photos, tmp_path, monkeypatch):
    whole = cache(photos, tmp_path / "whole")
    genuine, calls = room.append_bytes, []

    def full(file, content):
        calls.append(1)
        if len(calls) == 4:  # the targets of the second chunk
            genuine(file, content[:1000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        genuine(file, content)

    monkeypatch.setattr(room, "append_bytes", full)
    with pytest.raises(OutputError, match=r"No space left.*goes on from here"):
        cache(photos, tmp_path / "full")
    monkeypatch.setattr(room, "append_bytes", genuine)
    assert np.array_equal(cache(photos, tmp_path / "full").targets, whole.targets)


def test_components_are_uncorrelated_and_the_strongest_comes_first():
    patches = torch.randn(4000, 6) @ torch.randn(6, 6)
    fitted = fit_components(patches, 4)
    found = (patches - fitted["mean"]) @ fitted["axes"]
    covariance = torch.cov(found.T)
    assert covariance.diagonal().mean() == pytest.approx(1.0, abs=0.01)
    assert (covariance.diagonal().diff() <= 0).all()
    own = torch.linalg.eigvalsh(torch.corrcoef(patches.T)).flip(0)[:4]  # the components' variances
    assert torch.allclose(covariance.diagonal() / covariance[0, 0], (own / own[0]).sqrt(), atol=1e-2)
    assert torch.allclose(covariance, covariance.diagonal().diag(), atol=1e-2)


def test_pooling_averages_neighbouring_channels_and_scales_them():
    patches = torch.randn(1000, 6) * 3 + 5
    fitted = fit_pooling(patches, 3)
    found = (patches - fitted["mean"]) @ fitted["axes"]
    pairs = patches.reshape(1000, 3, 2).mean(2)
    expected = (pairs - pairs.mean(0)) / pairs.std(0)
    assert torch.allclose(found, expected, atol=1e-4)


def test_more_components_than_the_teacher_has_channels_are_refused(photos, tmp_path):
    with pytest.raises(SettingError, match=r"140 channels, the network 141.*--reduction pooled"):
        cache_targets(photos, 141, tmp_path / "work", SETTINGS, "cpu", Silence())
    pooled = replace(SETTINGS, reduction="pooled")
    assert cache_targets(photos, 141, tmp_path / "work", pooled, "cpu", Silence()).targets.shape[-1] == 141


def test_no_photos_no_folder_and_a_broken_photo_are_clear_errors(photos, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="No photos"):
        find_photos([tmp_path / "empty"])
    with pytest.raises(DataError, match="is not a folder"):
        find_photos([tmp_path / "absent"])
    photos[3].write_bytes(b"no picture")
    with pytest.raises(ImageError, match=photos[3].name):
        cache(photos, tmp_path / "work")


def test_all_photos_that_cannot_be_read_are_named_before_the_teacher_works(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_describe", lambda *_: pytest.fail("the teacher worked"))
    for index in (8, 1, 5):
        photos[index].write_bytes(photos[index].read_bytes()[:100])
    with pytest.raises(ImageError, match=r"^3 of 10 photos cannot be read\..*1\.png: .*for .*5\.png, .*8\.png\.$"):
        cache(photos, tmp_path / "work")
    for photo in photos:
        photo.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"^10 of 10 .*5\.png and 4 more\.$"):
        cache(photos, tmp_path / "work")


def test_photos_that_have_their_pair_already_are_not_read_again(photos, tmp_path, monkeypatch):
    cache(photos, tmp_path / "work")
    (images,) = (tmp_path / "work").glob("images-*")
    os.truncate(images, 8 * 64 * 64 * 3)
    read = []
    monkeypatch.setattr(room, "_find_problem", lambda photo: read.append(photo) or "")
    assert len(cache(photos, tmp_path / "work").images) == 10
    assert len(read) == 2


def test_a_teacher_whose_maps_are_laid_out_otherwise_is_refused_before_it_works(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "load_teacher", channels_last_teacher)
    with pytest.raises(InputError, match=r"^last gives maps \[\[1, 16, 16, 70\], .* of pictures of 128 px"):
        cache(photos, tmp_path / "work")
