import json
import os

import numpy as np
import pytest

from baad.data.checksum import hash_file
from baad.data.masks import read_mask
from baad.data.part_masks import drop_unchanged
from baad.synthesis.scene import draw_scene
from tests.factory import save_picture, write_folder

mask_folder = pytest.importorskip("baad.report.mask_folder")
gate = pytest.importorskip("baad.foreground.gate")


@pytest.fixture
def found(monkeypatch):
    """Let the search find what the test says: bool [S, S] for every picture, or nothing."""

    def set_result(mask):
        def find_foreground(images, progress, painted, empty_scene):
            if mask is None:
                return gate.Gate(False, "none", 0.1, "the recipes disagree", None, suggested=(2, 0))
            masks, given = np.repeat(mask[None].astype(np.float32), len(images), 0), tuple(painted.index)
            masks[painted.index] = painted.masks
            quality = np.linspace(0.9, 0.5, len(images))
            recipe = "taught" if given else "shared"
            return gate.Gate(True, recipe, 0.9, "clear", masks, quality, ((recipe, 0.9),), (len(images) - 1,), given)

        monkeypatch.setattr("baad.learn.foreground_masks.find_foreground", find_foreground)

    return set_result


@pytest.fixture
def folders(tmp_path):
    """Six pictures of parts, 000.png to 005.png; where painted masks lie; where masks come to."""
    return write_folder(tmp_path / "parts", normals=6), tmp_path / "mine", tmp_path / "out"


def ask(parts, out, *more):
    """The call that finds masks for parts, at 64 px."""
    return ("masks", parts, "-o", out, "--set", "image_size=64", *more)


def test_each_picture_gets_a_mask_of_its_own_size(baad, found, tmp_path):
    left = np.zeros((64, 64), bool)
    left[:, :32] = True
    found(left)
    parts = write_folder(tmp_path / "parts", normals=6, size=(48, 80))
    told = baad("masks", parts, "-o", tmp_path / "out", "--set", "image_size=64")
    assert told.code == 0
    assert "found by shared, quality 0.90" in told.out
    mask = read_mask(tmp_path / "out" / "003.png", (48, 80))
    assert mask[:, :39].all() and not mask[:, 41:].any()
    assert (tmp_path / "out" / "sheet.png").stat().st_size > 1000
    said = json.loads((tmp_path / "out" / "masks.json").read_text())
    assert (said["gate"], said["recipe"], said["quality"], said["tried"]) == (
        "background",
        "shared",
        0.9,
        {"shared": 0.9},
    )
    assert said["quality_needed"] < 0.9 and said["paint_next"] == ["005.png"]
    assert [each["image"] for each in said["images"]] == [f"00{index}.png" for index in range(6)]
    assert said["images"][5] | {"sha256": ""} == {
        **{"image": "005.png", "mask": "005.png", "source": "proposed", "quality": 0.5, "area": 0.5, "sha256": ""}
    }
    assert "paint the part in 005.png" in told.out


def test_a_sheet_beside_a_list_that_says_that_nothing_was_found_is_somebodys(baad, found, folders):
    found(None)
    parts, _, out = folders
    assert baad(*ask(parts, out)).code == 0
    assert baad(*ask(parts, out)).code == 0
    save_picture(out / "sheet.png", LEFT)
    told = baad(*ask(parts, out))
    assert told.code == 2 and f"{out / 'sheet.png'} would be overwritten" in told.err and (out / "sheet.png").exists()


def test_where_nothing_is_found_no_mask_is_written_and_the_reason_is(baad, found, tmp_path):
    found(None)
    told = baad("masks", write_folder(tmp_path / "parts", normals=6), "-o", tmp_path / "out")
    assert told.code == 0
    assert "no masks: the recipes disagree" in told.out
    assert "paint the part in 002.png, 000.png" in told.out
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["masks.json"]
    assert json.loads((tmp_path / "out" / "masks.json").read_text())["gate"] == "none"


def test_sub_folders_are_kept_so_that_equal_names_have_masks_of_their_own(baad, found, tmp_path):
    found(np.ones((64, 64), bool))
    parts = write_folder(tmp_path / "parts", normals=4, sessions=("mon", "tue"))
    for name in ("mon", "tue"):
        for index, picture in enumerate(sorted((parts / name).iterdir())):
            picture.rename(picture.with_name(f"same{index}.png"))
    told = baad("masks", parts, "-o", tmp_path / "out", "--set", "image_size=64")
    assert told.code == 0
    places = sorted(file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("same*.png"))
    assert places == ["mon/same0.png", "mon/same1.png", "tue/same0.png", "tue/same1.png"]
    said = json.loads((tmp_path / "out" / "masks.json").read_text())
    assert [each["image"] for each in said["images"]] == places  # which of two same0.png is meant
    assert said["paint_next"] == ["tue/same1.png"] and "paint the part in tue/same1.png" in told.out


def test_two_pictures_that_would_share_a_mask_are_refused(baad, found, tmp_path):
    found(None)
    parts = write_folder(tmp_path / "parts", normals=4)
    write_folder(parts, normals=1, seed=1, suffix=".bmp")
    told = baad("masks", parts, "-o", tmp_path / "out")
    assert told.code == 2
    assert "would share the mask of the part 000.png" in told.err


LEFT = np.tile(np.arange(64) < 32, (64, 1))


def test_what_was_changed_in_the_folder_teaches_and_the_rest_is_found_anew(baad, found, folders):
    found(LEFT)
    parts, _, out = folders
    assert baad(*ask(parts, out)).code == 0
    save_picture(out / "002.png", ~LEFT)
    told = baad(*ask(parts, out, "--fg-masks", out))
    assert told.code == 0 and "found by taught" in told.out
    images = json.loads((out / "masks.json").read_text())["images"]
    assert [each["source"] for each in images] == ["taught", "taught", "user", "taught", "taught", "taught"]
    assert np.array_equal(read_mask(out / "002.png", (64, 64)), ~LEFT)
    assert np.array_equal(read_mask(out / "001.png", (64, 64)), LEFT)


def test_outlines_beside_the_pictures_teach_and_no_picture_is_a_mask(baad, found, tmp_path):
    found(LEFT)
    parts = write_folder(tmp_path / "parts", normals=4)
    shape = {"label": "part", "points": [[0, 0], [32, 0], [32, 64], [0, 64]], "shape_type": "polygon"}
    record = {"shapes": [shape], "imagePath": "002.png", "imageHeight": 64, "imageWidth": 64}
    (parts / "002.json").write_text(json.dumps(record))
    told = baad("masks", parts, "--fg-masks", parts, "-o", tmp_path / "out", "--set", "image_size=64")
    assert told.code == 0 and "found by taught" in told.out
    images = json.loads((tmp_path / "out" / "masks.json").read_text())["images"]
    assert [each["source"] for each in images] == ["taught", "taught", "user", "taught"]


def test_what_somebody_painted_is_not_overwritten(baad, found, folders):
    found(LEFT)
    parts, _, out = folders
    assert baad(*ask(parts, out)).code == 0
    save_picture(out / "002.png", ~LEFT)
    told = baad(*ask(parts, out))
    assert told.code == 2
    assert f"{out / '002.png'} would be overwritten" in told.err and "--fg-masks" in told.err


@pytest.mark.parametrize("name", ["masks.json", "sheet.png"])
def test_a_list_or_a_sheet_that_this_program_did_not_write_is_not_lost(baad, found, folders, name):
    found(LEFT)
    parts, _, out = folders
    out.mkdir()
    (out / name).write_text('{"images": [], "annotations": [], "categories": []}')  # as COCO's outlines are
    told = baad(*ask(parts, out))
    assert told.code == 2
    assert f"{out / name} would be overwritten" in told.err and "another folder with -o" in told.err
    assert [file.name for file in out.iterdir()] == [name] and (out / name).read_text().startswith("{")


def test_a_refusal_takes_earlier_proposals_away(baad, found, folders):
    found(LEFT)
    parts, _, out = folders
    assert baad(*ask(parts, out)).code == 0
    found(None)
    assert baad(*ask(parts, out)).code == 0
    assert [file.name for file in out.iterdir()] == ["masks.json"]


def test_proposals_for_pictures_that_are_gone_go_too_and_what_was_painted_stays(baad, found, folders):
    found(LEFT)
    parts, _, out = folders
    assert baad(*ask(parts, out)).code == 0
    save_picture(out / "004.png", ~LEFT)
    for name in ("004.png", "005.png"):
        (parts / name).unlink()
    assert baad(*ask(parts, out)).code == 0
    assert sorted(file.stem for file in out.glob("00?.png")) == ["000", "001", "002", "003", "004"]
    assert np.array_equal(read_mask(out / "004.png", (64, 64)), ~LEFT)


def test_nothing_outside_the_folder_is_removed_whatever_its_list_says(baad, found, folders, tmp_path):
    found(LEFT)
    parts, _, out = folders
    save_picture(tmp_path / "other.png", LEFT)
    record = {"mask": "../other.png", "sha256": hash_file(tmp_path / "other.png"), "source": "proposed"}
    out.mkdir()
    (out / "masks.json").write_text(json.dumps({"quality_needed": 0.5, "images": [record]}))
    assert baad(*ask(parts, out)).code == 0
    assert (tmp_path / "other.png").exists()


@pytest.mark.parametrize("option", ["--fg-masks", "--empty-scene"])
def test_what_is_shown_must_be_there(baad, option, tmp_path):
    told = baad("masks", write_folder(tmp_path / "parts", normals=4), "-o", tmp_path / "out", option, tmp_path / "none")
    assert told.code == 2
    assert f"Check the name after {option}" in told.err


def test_masks_that_the_user_painted_come_to_another_folder_pixel_by_pixel(baad, found, tmp_path):
    found(LEFT)
    parts = write_folder(tmp_path / "parts", normals=4, size=(96, 160))
    fine = np.indices((96, 160)).sum(axis=0) % 2 == 0  # nothing that a smaller copy could hold
    save_picture(tmp_path / "mine" / "002.png", fine)
    out = tmp_path / "out"
    assert baad("masks", parts, "--fg-masks", tmp_path / "mine", "-o", out, "--set", "image_size=64").code == 0
    assert np.array_equal(read_mask(out / "002.png", (96, 160)), fine)


def test_the_same_call_again_takes_what_was_mended_and_added_meanwhile(baad, found, folders):
    found(LEFT)
    parts, mine, out = folders
    call = ask(parts, out, "--fg-masks", mine)
    save_picture(mine / "002.png", ~LEFT)
    assert baad(*call).code == 0
    assert baad(*call).code == 0
    mended = np.zeros_like(LEFT)
    mended[10:20, 10:20] = True
    save_picture(mine / "002.png", mended)
    save_picture(mine / "005.png", ~LEFT)
    assert baad(*call).code == 0
    assert np.array_equal(read_mask(out / "002.png", (64, 64)), mended)
    assert np.array_equal(read_mask(out / "005.png", (64, 64)), ~LEFT)
    save_picture(out / "002.png", LEFT)  # by hand, beside what is handed in
    told = baad(*call)
    assert told.code == 2 and "002.png would be overwritten" in told.err
    assert np.array_equal(read_mask(out / "002.png", (64, 64)), LEFT)


def test_a_copy_whose_picture_has_no_mask_any_more_is_not_overwritten(baad, found, folders):
    found(LEFT)
    parts, mine, out = folders
    call = ask(parts, out, "--fg-masks", mine)
    save_picture(mine / "002.png", ~LEFT)
    save_picture(mine / "003.png", ~LEFT)
    assert baad(*call).code == 0
    (mine / "002.png").unlink()
    assert baad(*call).code == 2
    assert np.array_equal(read_mask(out / "002.png", (64, 64)), ~LEFT)


def test_no_mask_lies_where_the_sheet_does(baad, found, tmp_path):
    found(LEFT)
    parts = write_folder(tmp_path / "parts", normals=4)
    (parts / "000.png").rename(parts / "sheet.png")
    told = baad("masks", parts, "-o", tmp_path / "out", "--set", "image_size=64")
    assert told.code == 2 and "Rename it" in told.err


def test_after_a_refusal_training_with_the_folder_goes_on(baad, found, tmp_path):
    found(None)
    parts, out = write_folder(tmp_path / "parts", normals=12), tmp_path / "out"
    assert baad(*ask(parts, out)).code == 0
    quick = ("steps=1", "image_size=64", "batch_size=2", "threads=1", "device=cpu")
    told = baad(
        *("train", parts, "-o", tmp_path / "m.baad", "--fg-masks", out), *(w for each in quick for w in ("--set", each))
    )
    assert told.code == 0 and "the whole picture counts as part" in told.err
    assert "found no background" in told.err
    (out / "0.png").touch()  # masks under other names than the pictures'
    assert baad("train", parts, "-o", tmp_path / "m.baad", "--fg-masks", out).code == 2


def test_a_picture_of_the_empty_scene_tells_part_from_background(baad, tmp_path):
    rng = np.random.default_rng(0)
    scene = draw_scene(256, rng)
    y, x = np.mgrid[0:256, 0:256]
    for index in range(6):
        row, column = rng.integers(70, 186, 2)
        part = (y - row) ** 2 + (x - column) ** 2 < 45**2
        picture = np.where(part[..., None], rng.integers(150, 200, (256, 256, 1)) * np.array([1.0, 0.5, 0.3]), scene)
        save_picture(tmp_path / "parts" / f"{index}.png", picture.astype(np.uint8))
        save_picture(tmp_path / "true" / f"{index}.png", part)
    save_picture(tmp_path / "empty.png", scene)
    out = tmp_path / "out"
    told = baad("masks", tmp_path / "parts", "--empty-scene", tmp_path / "empty.png", "-o", out)
    assert told.code == 0, told.err
    assert json.loads((out / "masks.json").read_text())["recipe"] == "empty"
    for index in range(6):
        seen, true = (read_mask(folder / f"{index}.png", (256, 256)) for folder in (out, tmp_path / "true"))
        assert (seen & true).sum() > 0.9 * (seen | true).sum()


def test_an_original_that_was_painted_in_the_folder_itself_is_no_copy(baad, found, folders):
    found(LEFT)
    parts, mine, out = folders
    call = ask(parts, out)
    assert baad(*call).code == 0
    save_picture(out / "002.png", ~LEFT)
    assert baad(*call, "--fg-masks", out).code == 0  # listed as the user's now
    save_picture(mine / "002.png", LEFT)
    told = baad(*call, "--fg-masks", mine)
    assert told.code == 2 and "002.png would be overwritten" in told.err
    assert np.array_equal(read_mask(out / "002.png", (64, 64)), ~LEFT)


def test_copies_are_known_again_after_a_refusal(baad, found, folders):
    parts, mine, out = folders
    call = ask(parts, out, "--fg-masks", mine)
    save_picture(mine / "002.png", ~LEFT)
    for result in (LEFT, None, LEFT):
        found(result)
        assert baad(*call).code == 0
    assert sorted(file.name for file in out.glob("00?.png")) == [f"00{index}.png" for index in range(6)]


@pytest.mark.parametrize("at", ["write_mask", "contact_sheet", "write_text", "replacing"])
def test_proposals_of_a_stopped_call_never_pass_for_what_the_user_painted(baad, found, folders, monkeypatch, at):
    parts, _, out = folders
    found(np.ones((64, 64), bool))
    assert baad(*ask(parts, out)).code == 0
    found(np.tri(64, dtype=bool))
    real, calls = getattr(mask_folder, at), []

    def stop_at_the_second(*given):
        calls.append(given)
        if len(calls) == 2 or at in ("contact_sheet", "write_text"):
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patched:
        patched.setattr(mask_folder, at, stop_at_the_second)
        assert baad(*ask(parts, out)).code == 130
    assert calls and not [path.name for path in out.iterdir() if path.name.startswith(".")]
    there = {path: path for path in out.glob("0*.png")}
    assert drop_unchanged(out, there) == {}
    assert len(there) == {"write_mask": 6, "contact_sheet": 6, "write_text": 0, "replacing": 1}[at]
    assert baad(*ask(parts, out)).code == 0
    assert len(list(out.glob("0*.png"))) == 6


def test_what_a_killed_process_of_the_same_number_left_is_never_laid_over_the_users_work(baad, found, folders):
    parts, _, out = folders
    found(np.ones((64, 64), bool))
    left = save_picture(out / f".{os.getpid()}.partial" / "000.png", np.zeros((64, 64), np.uint8))
    found(None)
    assert baad(*ask(parts, out)).code == 0
    assert [path.name for path in out.iterdir()] == ["masks.json"] and not left.exists()
