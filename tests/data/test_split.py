import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.data.folder import read_folder
from baad.data.sample import GoodImage
from baad.data.split import find_bursts, number_near_copies, split_held_out
from baad.errors import DataError, ImageError, SettingError
from baad.progress import Silence
from tests.factory import draw_picture, save_picture, write_bursts, write_folder


def of_sessions(sizes):
    """Pictures which are never opened, for all have a session."""
    return [GoodImage(Path(f"{name}/{index}.png"), name) for name, size in sizes.items() for index in range(size)]


def test_a_tenth_of_unrelated_pictures_is_held_out_and_nothing_lost(tmp_path):
    images = read_folder(write_folder(tmp_path, normals=40, size=(24, 24))).train
    split = split_held_out(images, 0.1, seed=0)
    assert len(split.held_out) == 4
    assert sorted(split.fit + split.held_out, key=lambda image: image.path) == list(images)
    assert split.note == "Held out 4 of 40 normal pictures."


def test_the_seed_and_nothing_else_decides(tmp_path):
    images = read_folder(write_folder(tmp_path, normals=20, size=(24, 24))).train
    first = split_held_out(images, 0.25, seed=3)
    assert split_held_out(images[::-1], 0.25, seed=3) == first
    assert split_held_out(images, 0.25, seed=4) != first


@given(
    sizes=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9), min_size=2),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_no_session_is_ever_on_both_sides(sizes, share, seed):
    images = of_sessions(sizes)
    split = split_held_out(images, share, seed)
    assert split.fit and split.held_out
    assert len(split.fit) + len(split.held_out) == len(images)
    assert not {image.session for image in split.fit} & {image.session for image in split.held_out}
    smallest, wanted = min(sizes.values()), round(share * len(images))
    assert len(split.held_out) <= max(wanted, smallest, len(images) // 2)


def test_sessions_are_taken_while_they_fit():
    split = split_held_out(of_sessions({name: 10 for name in "abcdefghij"}), 0.2, seed=0)
    assert len(split.held_out) == 20
    first, second = sorted({image.session for image in split.held_out})
    assert split.note == (
        f"Held out 20 of 100 normal pictures ({first}, {second}); 10 recording sessions were kept whole."
    )


def test_where_no_session_fits_the_smallest_is_taken():
    split = split_held_out(of_sessions({"a": 30, "b": 12, "c": 20}), 0.1, seed=0)
    assert {image.session for image in split.held_out} == {"b"}


def test_of_sessions_that_are_all_too_large_the_seed_draws_one():
    images = of_sessions({"a": 30, "b": 30, "c": 30, "d": 31})
    drawn = {split_held_out(images, 0.1, seed).held_out[0].session for seed in range(12)}
    assert drawn == {"a", "b", "c"}


def test_where_too_few_fit_into_the_share_one_session_more_is_held_out_if_most_are_still_learnt_from():
    few = {split_held_out(of_sessions({"a": 40, "b": 2, "c": 20, "d": 38}), 0.1, seed).held_out for seed in range(4)}
    assert {tuple(sorted({image.session for image in held_out})) for held_out in few} == {("b", "c")}
    split = split_held_out(of_sessions({"a": 40, "b": 2, "c": 41}), 0.2, seed=0)
    assert {image.session for image in split.held_out} == {"b"} and len(split.fit) == 81


def test_a_single_session_is_split_all_the_same(tmp_path):
    images = [GoodImage(image.path, "monday") for image in read_folder(write_folder(tmp_path, normals=10)).train]
    split = split_held_out(images, 0.2, seed=0)
    assert len(split.held_out) == 2
    assert "all are of one recording session" in split.note


def test_a_burst_is_kept_together(tmp_path):
    write_bursts(tmp_path, 8)
    split = split_held_out(read_folder(tmp_path).train, 0.25, seed=0)
    held_out = {image.path.name[0] for image in split.held_out}
    assert len(split.held_out) == 8 and len(held_out) == 2
    assert not held_out & {image.path.name[0] for image in split.fit}
    assert "32 nearly identical pictures were kept in 8 groups" in split.note


def test_identical_pictures_are_kept_together_wherever_they_stand(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(10):
        image = draw_picture((32, 32), rng).image
        save_picture(tmp_path / f"{index}.png", image)
        save_picture(tmp_path / f"copy of {index}.png", image)
    for seed in range(5):
        split = split_held_out(read_folder(tmp_path).train, 0.3, seed)
        assert not {image.path.name[-5] for image in split.fit} & {image.path.name[-5] for image in split.held_out}


def test_a_part_in_a_fixed_frame_is_not_one_long_burst():
    rng = np.random.default_rng(0)
    still = rng.uniform(0, 255, (16, 16)) + rng.normal(0, 1, (30, 16, 16))  # all alike, neighbours no more than others
    assert len(set(find_bursts(still.astype(np.float32), seed=0))) == 30


@pytest.mark.parametrize(("distance", "groups"), [(2.0, 10), (5.0, 20)])
def test_neighbours_are_a_burst_only_if_nearer_than_is_usual(distance, groups):
    levels = np.repeat(np.arange(10) * 10.0, 2)  # ten pairs, usually 30 grey levels apart
    levels[1::2] += distance
    shuffled = levels.reshape(10, 2)[np.random.default_rng(0).permutation(10)].reshape(-1)
    thumbnails = np.repeat(shuffled.astype(np.float32)[:, None], 256, axis=1)
    assert len(set(find_bursts(thumbnails, seed=0))) == groups


def test_at_least_one_picture_is_left_to_learn_from():
    assert len(split_held_out(of_sessions({"a": 1, "b": 1}), 0.9, 0).fit) == 1


def test_bursts_are_joined_by_copies_between_them():
    far = np.random.default_rng(0).uniform(0, 255, (8, 16, 16)).astype(np.float32)
    near = far[:2] + 1.0
    groups = find_bursts(np.stack([far[0], near[0], far[1], near[1], *far[2:], near[0], far[1]]), seed=0)
    assert groups[0] == groups[1] == groups[-2]
    assert groups[2] == groups[3] == groups[-1]
    assert len(set(groups)) == 8


@pytest.mark.parametrize("count", [2, 5])
def test_pictures_that_are_all_the_same_are_split_all_the_same(tmp_path, count):
    for index in range(count):
        save_picture(tmp_path / f"{index}.png", np.full((8, 8), 77, np.uint8))
    split = split_held_out(read_folder(tmp_path).train, 0.5, seed=0)
    assert split.fit and split.held_out


def test_too_few_pictures_and_a_foolish_share_are_refused(tmp_path):
    images = of_sessions({"a": 2, "b": 2})
    with pytest.raises(DataError, match="1 normal pictures cannot be split"):
        split_held_out(images[:1], 0.1, 0)
    for share in (0.0, 1.0, 10.0):
        with pytest.raises(SettingError, match="held-out share"):
            split_held_out(images, share, 0)


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    write_folder(tmp_path, normals=3)
    (tmp_path / "001.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"001\.png: the file is empty"):
        split_held_out(read_folder(tmp_path).train, 0.3, 0)


def test_a_file_that_lies_in_several_sessions_is_learnt_from_and_never_on_both_sides(tmp_path):
    root = write_folder(tmp_path, normals=30, size=(24, 24), sessions=tuple("abcdef"))
    for session in "abc":  # the same file in half of the sessions, and one of equal size but other content in the rest
        shutil.copy(root / "a" / "000.png", root / session / "copy.png")
    images = read_folder(root).train
    for seed in range(8):
        split = split_held_out(images, 0.4, seed)
        sides = [{image.path.read_bytes() for image in side} for side in (split.fit, split.held_out)]
        assert not sides[0] & sides[1]
        assert len(split.fit) + len(split.held_out) == len(images) and split.held_out
        left = [image for image in images if image.session in {held.session for held in split.held_out}]
        moved = len(left) - len(split.held_out)
        assert (f"{moved} copies of pictures to learn from are not held out" in split.note) == (moved > 0)


def test_files_of_equal_size_and_other_content_are_no_copies(tmp_path):
    for session in "ab":
        (tmp_path / session).mkdir()
        (tmp_path / session / "0.bmp").write_bytes(session.encode() * 100)
    images = [GoodImage(tmp_path / session / "0.bmp", session) for session in "ab"]
    assert "copies" not in split_held_out(images, 0.5, 0).note


def test_of_many_sessions_the_first_are_named():
    split = split_held_out(of_sessions({name: 1 for name in "abcdefghij"}), 0.6, seed=0)
    names = sorted(image.session for image in split.held_out)
    assert f"({', '.join(names[:4])} and 2 more)" in split.note


def test_held_out_pictures_are_numbered_by_the_burst_that_they_belong_to(tmp_path):
    write_bursts(tmp_path, 8)
    images = read_folder(tmp_path).train
    split = split_held_out(images, 0.25, seed=0)
    bursts = [image.path.name[0] for image in split.held_out]
    assert len(set(split.near_copies)) == len(set(bursts)) == len(set(zip(bursts, split.near_copies))) == 2
    mixed = [images[int(index)] for index in np.random.default_rng(0).permutation(len(images))]
    numbers = number_near_copies(mixed, 0, Silence())
    assert len(set(numbers)) == len(set(zip(numbers, [image.path.name[0] for image in mixed]))) == 8


def test_pictures_that_nothing_ties_together_have_a_number_each(tmp_path):
    images = read_folder(write_folder(tmp_path, normals=20, size=(24, 24))).train
    assert len(set(split_held_out(images, 0.5, seed=0).near_copies)) == 10
    assert len(set(split_held_out(of_sessions({"a": 5, "b": 4}), 0.5, 0).near_copies)) == 4
    assert number_near_copies((), 0, Silence()) == ()


def test_copies_of_one_file_have_one_number_also_in_recording_sessions_and_where_all_are_copies(tmp_path):
    root = write_folder(tmp_path, normals=20, size=(24, 24), sessions=tuple("abcde"))
    images = read_folder(root).train
    for session in "ac":
        shutil.copy(images[0].path, root / session / "copy.png")
    numbers = number_near_copies(read_folder(root).train, 0, Silence())
    assert (len(numbers), len(set(numbers))) == (22, 20)
    same = [GoodImage(Path(shutil.copy(images[0].path, tmp_path / f"{index}.png"))) for index in range(5)]
    assert len(set(number_near_copies(same, 0, Silence()))) == 1
