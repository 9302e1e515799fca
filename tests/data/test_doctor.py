import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from baad.data.doctor import Finding, check_category, check_test, require_usable
from baad.data.homes import HOMES
from baad.data.reading import LAYOUTS, read_category
from baad.data.sample import Category, GoodImage, LabelledImage, Outlines, Shape
from baad.errors import DataError
from baad.progress import Silence
from tests.factory import (
    draw_picture,
    draw_set,
    save_picture,
    write_category,
    write_folder,
    write_layout,
    write_truncated,
)


def check(root, **options):
    return check_category(read_category(root), Silence(), **options)


def said(findings, severity, file):
    return [finding.problem for finding in findings if (finding.severity, finding.file) == (severity, file)]


def test_a_tidy_category_has_no_findings(tmp_path):
    root = write_category(tmp_path, foreground=True)
    assert check(root) == []
    assert check_test(read_category(root), Silence()) == []


def test_all_problems_are_found_at_once_errors_first(tmp_path):
    root = write_category(tmp_path)
    write_truncated(root / "train" / "good" / "000.png")
    (root / "train" / "good" / "001.png").write_bytes(b"")
    (root / "test" / "good" / "002.png").write_text("I am no picture")
    save_picture(root / "ground_truth" / "spot" / "000_mask.png", np.ones((64, 65), bool))
    (root / "ground_truth" / "spot" / "001_mask.png").unlink()
    write_truncated(root / "ground_truth" / "scratch" / "000_mask.png")
    shutil.copy(root / "train" / "good" / "003.png", root / "train" / "good" / "x.png")
    findings = check(root)
    errors = [finding for finding in findings if finding.severity == "error"]
    assert findings[: len(errors)] == errors
    assert {(finding.file, finding.problem.split(" (")[0]) for finding in errors} == {
        ("train/good/000.png", "the picture is truncated or damaged"),
        ("train/good/001.png", "the file is empty"),
        ("test/good/002.png", "it is text, not a picture"),
        ("ground_truth/spot/000_mask.png", "it is 65 x 64 px, but its picture is 64 x 64 px"),
        ("test/spot/001.png", "it has no mask ground_truth/spot/001_mask.png, though others of its kind have theirs"),
        ("ground_truth/scratch/000_mask.png", "the picture is truncated or damaged"),
    }
    assert said(findings, "warning", "train/good/003.png") == ["the same picture as train/good/x.png"]
    assert all(finding.remedy for finding in findings)


def test_an_oversized_picture_is_an_error(tmp_path, monkeypatch):
    root = write_category(tmp_path)
    save_picture(root / "train" / "good" / "large.png", np.zeros((64, 80), np.uint8))
    monkeypatch.setenv("BAAD_MAX_PIXELS", str(64 * 64))
    findings = check(root)
    assert [finding.file for finding in findings if finding.severity == "error"] == ["train/good/large.png"]
    assert "BAAD_MAX_PIXELS=5120" in findings[0].remedy


@pytest.mark.parametrize("count", [0, 1])
def test_no_normals_or_a_single_one_are_an_error(tmp_path, count):
    root = write_category(tmp_path / "disc", normals=count)
    assert [(finding.severity, finding.file) for finding in check(root)] == [("error", "disc")]


def test_masks_of_the_part_given_for_training_must_fit(tmp_path):
    root = write_folder(tmp_path / "pictures", normals=3)
    save_picture(tmp_path / "masks" / "000.png", as_mask())
    save_picture(tmp_path / "masks" / "train" / "good" / "001.png", np.ones((32, 64), bool))
    findings = check(root, part_masks=tmp_path / "masks")
    assert [(finding.severity, Path(finding.file).name) for finding in findings] == [("error", "001.png")]


def test_before_training_the_foreground_folder_is_not_read_and_before_evaluation_it_is(tmp_path):
    root = write_category(tmp_path, foreground=True)
    for outline in (root / "foreground").rglob("*.png"):
        outline.write_bytes(b"")
    assert check(root) == []
    findings = check_test(read_category(root), Silence())
    assert {finding.file.split("/")[1] for finding in findings} == {"test"}
    assert {finding.severity for finding in findings} == {"error"}


def test_a_picture_in_both_halves_warns_though_its_bytes_differ(tmp_path):
    root = write_category(tmp_path)
    image = draw_picture((64, 64), np.random.default_rng(9)).image
    save_picture(root / "train" / "good" / "x.png", image)
    save_picture(root / "test" / "good" / "y.bmp", image)
    assert said(check(root), "warning", "train/good/x.png") == ["it is also in the test half, as test/good/y.bmp"]


@pytest.mark.parametrize("half", ["train", "test"])
def test_another_size_or_colour_mode_warns(tmp_path, half):
    root = write_category(tmp_path)
    save_picture(root / half / "good" / "small.png", draw_picture((64, 48), np.random.default_rng(9)).image)
    save_picture(root / half / "good" / "grey.png", draw_picture((64, 64), np.random.default_rng(8)).image[..., 0])
    findings = check(root)
    assert {finding.severity for finding in findings} == {"warning"}
    assert "48 x 64 px" in str(findings) or "not that of the normal pictures, 64 x 64 px" in str(findings)
    assert len(said(findings, "warning", f"{half}/good/small.png")) == 1
    assert len(said(findings, "warning", f"{half}/good/grey.png")) == 1


def test_a_test_half_of_one_sort_warns(tmp_path):
    assert "no normal pictures" in str(check(write_category(tmp_path / "a", good=0)))
    assert "no defective pictures" in str(check(write_category(tmp_path / "b", defective=0)))


def test_a_kind_without_masks_beside_kinds_with_them_warns(tmp_path):
    root = write_category(tmp_path)
    shutil.rmtree(root / "ground_truth" / "spot")
    assert [str(finding) for finding in check(root)] == [
        f"{root.name}: the kind spot has no masks, though others have; its pictures count for image figures only. "
        "Add masks to ground_truth/spot."
    ]
    shutil.rmtree(root / "ground_truth")
    assert check(root) == []


@pytest.mark.parametrize(
    ("layout", "remedy"),
    [
        ("mvtec2", "Put some into test_public/bad"),
        ("btad", "Put some into test/ko"),
        ("visa", "Put some into Data/Images/Anomaly"),
        ("manifest", "List some with their kind as label"),
        ("coco", "Put some into test, with outlines"),
    ],
)
def test_remedies_name_the_places_of_the_layout(tmp_path, layout, remedy):
    root = write_layout(layout, tmp_path / "disc", draw_set(normals=4, good=2, defective=0))
    assert said(check(root), "warning", "disc") == [
        "the test half has no defective pictures, so misses cannot be counted"
    ]
    assert remedy.replace("bad", "KIND") in str(check(root))


def test_every_layout_has_remedies_of_its_own(tmp_path):
    pictures = draw_set(normals=4, good=2, defective=2)
    layouts = {read_category(write_layout(name, tmp_path / name / "disc", pictures)).layout for name in LAYOUTS}
    assert layouts == set(HOMES)


def test_odd_masks_warn(tmp_path):
    root = write_category(tmp_path, kinds=("spot",))
    masks = root / "ground_truth" / "spot"
    save_picture(masks / "000_mask.png", np.zeros((64, 64), bool))
    save_picture(masks / "001_mask.png", np.ones((64, 64), bool))
    (masks / "002_mask.png").unlink()
    save_picture(masks / "002_mask.jpg", draw_picture((64, 64), np.random.default_rng(0)).part)
    findings = check(root)
    assert {finding.severity for finding in findings} == {"warning"}
    assert said(findings, "warning", "ground_truth/spot/000_mask.png") == ["the mask marks nothing"]
    assert "100%" in said(findings, "warning", "ground_truth/spot/001_mask.png")[0]
    assert "JPEG" in said(findings, "warning", "ground_truth/spot/002_mask.jpg")[-1]


def test_several_pages_warn_once_for_all(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(3):
        pages = np.stack([draw_picture((32, 32), rng).image for _ in range(2)])
        tifffile.imwrite(tmp_path / f"{index}.tif", pages, photometric="rgb")
    assert [str(finding) for finding in check(tmp_path)] == [
        "0.tif: it has several pages, of which the first is used (and 2 more files like it). Save pages separately."
    ]


def test_twelve_bits_in_a_sixteen_bit_file_warn(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(4):
        tifffile.imwrite(tmp_path / f"{index}.tif", rng.integers(0, 4096, (32, 32), np.uint16))
    assert "brightest level in all normal pictures is 16 of 255" in str(check(tmp_path))


def test_errors_are_refused_one_to_a_line_and_warnings_handed_on():
    warning = Finding("warning", "a.png", "it is odd", "Look at it")
    errors = [Finding("error", f"{name}.png", "it is bad", "Mend it") for name in "bc"]
    assert require_usable([warning]) == [warning]
    with pytest.raises(DataError) as caught:
        require_usable([*errors, warning])
    assert str(caught.value) == "b.png: it is bad. Mend it.\nc.png: it is bad. Mend it."


def test_a_vanished_picture_is_an_error(tmp_path):
    category = Category("x", tmp_path, "folder", (GoodImage(tmp_path / "a.png"), GoodImage(tmp_path / "b.png")))
    findings = check_category(category, Silence())
    assert [(finding.file, finding.problem) for finding in findings] == [
        ("a.png", "there is no such file"),
        ("b.png", "there is no such file"),
    ]


def test_evaluation_needs_a_test_half(tmp_path):
    findings = check_test(read_category(write_folder(tmp_path / "plain")), Silence())
    assert [str(finding) for finding in findings] == [
        "plain: it has no test pictures. Put some into test/good, and defective ones as well: put some into test/KIND."
    ]


def test_every_step_is_reported_to_the_progress(tmp_path):
    class Counting(Silence):
        totals, done = 0, 0

        def task(self, name, total):
            self.totals += total
            return super().task(name, total)

        def advance(self, count=1, note=""):
            self.done += count

    progress = Counting()
    check_category(read_category(write_category(tmp_path, normals=3, good=2, defective=2)), progress)
    assert progress.done == progress.totals == 3 + 2 + 2 + 2


def test_outlines_of_another_size_than_their_picture_are_an_error_under_the_files_name(tmp_path):
    root = write_category(tmp_path)
    category = read_category(root)
    ring = ((1.0, 1.0), (9.0, 1.0), (9.0, 9.0))
    fitting, wide = (Outlines(root / "all.json", size, (Shape(rings=(ring,)),)) for size in ((64, 64), (64, 65)))
    (root / "all.json").write_text("{}")
    test = [LabelledImage(image.path, image.kind, (fitting,)) for image in category.test if image.defective]
    test[0] = LabelledImage(test[0].path, test[0].kind, (wide,))
    findings = check_test(Category("disc", root, "COCO", category.train, tuple(test)), Silence())
    assert said(findings, "error", f"all.json (for {test[0].path.name})") == [
        "it is 65 x 64 px, but its picture is 64 x 64 px"
    ]
    assert len([finding for finding in findings if finding.severity == "error"]) == 1


def as_mask(size=(64, 64)):
    return np.eye(*size, dtype=bool)


@pytest.mark.parametrize("name", ["test/spot/000_mask.png", "train/good/000-gt.png", "test/masks/000.png"])
def test_a_mask_among_the_pictures_is_an_error(tmp_path, name):
    root = write_category(tmp_path)
    save_picture(root / name, as_mask())
    assert said(check(root), "error", name) == ["it is a mask, taken for a picture"]
    before_evaluation = check_test(read_category(root), Silence())
    assert bool(said(before_evaluation, "error", name)) == name.startswith("test")


@pytest.mark.parametrize("name", ["test/spot/000_mask.png", "test/masks/000.png", "test/spot/lonely_mask.png"])
def test_a_picture_may_be_named_as_a_mask_and_a_lonely_black_and_white_one_too(tmp_path, name):
    root = write_category(tmp_path)
    drawn = as_mask() if "lonely" in name else draw_picture((64, 64), np.random.default_rng(9), "spot").image
    save_picture(root / name, drawn)
    assert [finding for finding in check(root) if "taken for a picture" in finding.problem] == []


@pytest.mark.parametrize("name", ["part_masks/000.png", "images/000_seg.png", "segmentation/001-part.png"])
def test_masks_of_pictures_are_known_whatever_their_folder_or_name_is_called(tmp_path, name):
    root = write_folder(tmp_path / "parts" / "images", normals=2, size=(96, 96)).parent
    for number in range(2):
        save_picture(
            root / "more" / f"00{number}_left.png", draw_picture((96, 96), np.random.default_rng(number)).image
        )
        save_picture(root / "dark" / f"00{number}.png", np.zeros((96, 96), np.uint8))
        save_picture(root / "faint" / f"00{number}.png", as_mask((96, 96)).astype(np.uint8) * 40 + 100)
        save_picture(root / "alone" / f"caps{number}.png", as_mask((96, 96)).astype(np.uint8) * 40 + 100)
    assert not [finding for finding in check(root) if "taken for a picture" in finding.problem]
    save_picture(root / name, as_mask((96, 96)))
    assert said(check(root), "error", name) == ["it is a mask, taken for a picture"]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_masks_with_soft_edges_in_a_folder_of_their_own_are_no_pictures(tmp_path, suffix):
    root = write_folder(tmp_path / "parts" / "images", normals=2, size=(96, 96)).parent
    assert not said(check(root), "error", f"masks/000{suffix}")
    rows, columns = np.mgrid[:96, :96]
    edge = np.clip(40 - np.hypot(rows - 48, columns - 48) + 0.5, 0, 1)
    save_picture(root / "masks" / f"000{suffix}", np.rint(255 * edge).astype(np.uint8))
    assert said(check(root), "error", f"masks/000{suffix}") == ["it is a mask, taken for a picture"]


def test_silhouettes_in_two_folders_are_pictures(tmp_path):
    rows, columns = np.mgrid[:96, :96]
    for place, radius in (("caps", 40), ("labels", 30)):
        edge = np.clip(radius - np.hypot(rows - 48, columns - 48) + 0.5, 0, 1)
        for number in range(2):
            save_picture(
                tmp_path / "parts" / place / f"00{number}.png", np.rint(200 * edge + 20 + number).astype(np.uint8)
            )
    assert not [finding for finding in check(tmp_path / "parts") if "taken for a picture" in finding.problem]


def test_defects_without_any_mask_warn_before_evaluation_with_the_place_for_them(tmp_path):
    root = write_category(tmp_path)
    shutil.move(root / "ground_truth", root / "masks")
    (finding,) = check_test(read_category(root), Silence())
    assert "no defective picture has a mask" in finding.problem and "ground_truth/KIND" in finding.remedy
    assert check(root) == []


def test_pictures_given_as_masks_of_the_part_warn(tmp_path):
    root, copies = write_folder(tmp_path / "parts", normals=2), write_folder(tmp_path / "copies", normals=2)
    assert not check(root, part_masks=root)  # a picture is never its own mask
    (finding,) = check(root, part_masks=copies)
    assert finding.problem == "the mask marks all of its picture as part (and 1 more files like it)"


def test_masks_of_the_part_that_are_all_black_are_an_error_and_a_single_one_warns(tmp_path):
    root = write_folder(tmp_path / "parts", normals=2)
    for name in ("000.png", "001.png"):
        save_picture(tmp_path / "masks" / name, np.zeros((64, 64), bool))
    error, *warnings = check(root, part_masks=tmp_path / "masks")
    assert (error.severity, error.problem) == ("error", "none of the masks of the part marks anything")
    assert {finding.severity for finding in warnings} == {"warning"}
    save_picture(tmp_path / "masks" / "001.png", as_mask())
    (finding,) = check(root, part_masks=tmp_path / "masks")
    assert (finding.severity, finding.problem) == ("warning", "the mask marks nothing")


def test_several_pages_are_said_before_evaluation_too(tmp_path):
    root = write_category(tmp_path)
    (root / "test" / "good" / "000.png").unlink()
    pages = np.stack([draw_picture((64, 64), np.random.default_rng(9)).image] * 2)
    tifffile.imwrite(root / "test" / "good" / "000.tif", pages, photometric="rgb")
    findings = check_test(read_category(root), Silence())
    assert said(findings, "warning", "test/good/000.tif") == ["it has several pages, of which the first is used"]


def test_jpegs_that_differ_only_in_what_a_small_reading_leaves_out_are_no_copies(tmp_path):
    plain = np.full((512, 512), 128, np.uint8)
    fine = plain + (np.indices((512, 512)).sum(0) % 2 * 40 - 20).astype(np.int8).astype(np.uint8)
    for name, picture in (("a", plain), ("b", plain), ("c", fine)):
        save_picture(tmp_path / "parts" / f"{name}.jpg", picture)
    copies = [(each.file, each.problem) for each in check(tmp_path / "parts") if "same picture" in each.problem]
    assert copies == [("a.jpg", "the same picture as b.jpg")]


def test_masks_of_the_part_that_nobody_reads_are_told_of(tmp_path):
    root = write_category(tmp_path / "disc", normals=2, good=1, defective=2)
    mine = tmp_path / "mine"
    for name in ("000.png", "001.png"):
        save_picture(mine / name, as_mask())
    assert not check(root, part_masks=mine)
    for name in ("train/good/000_mask.png", "0O0.png", "001.bmp"):
        save_picture(mine / name, as_mask())
    (finding,) = check(root, part_masks=mine)
    assert finding.problem == "it is a mask of no picture, and not read (and 2 more files like it)"
    (mine / "coco.json").write_text('{"images": [], "annotations": [], "categories": []}')  # and what it is about
    assert not check(root, part_masks=mine)
