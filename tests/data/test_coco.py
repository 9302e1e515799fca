import json

import numpy as np
import pytest

from baad.data.coco import is_coco, read_coco, unpack_runs
from baad.data.masks import unite_masks
from baad.errors import DataError
from tests.factory import draw_set, save_picture, save_result, write_layout

PACKED = "V_1h8d000000nY3lGVnL00000000000000000dj2"
SQUARE = [[1, 1, 4, 1, 4, 3, 1, 3]]  # 3 x 2 px


def write(root, annotations, names=("a.png",), place="annotations.json", draw=True):
    """An annotation file, and its black pictures of 8 x 6 px (width x height)."""
    images = [{"id": number, "file_name": name, "height": 6, "width": 8} for number, name in enumerate(names)]
    categories = [{"id": 1, "name": "dent"}, {"id": 2, "name": "scratch"}, {"id": 3, "name": "OK"}]
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    for name in names if draw else ():
        picture(root / name)
    return file


def picture(path):
    return save_picture(path, np.zeros((6, 8), np.uint8))


def annotation(segmentation, image=0, category=1):
    return {"image_id": image, "category_id": category, "segmentation": segmentation}


def test_pictures_with_annotations_are_defective_and_the_others_good(tmp_path):
    pictures = draw_set(normals=3, good=1, defective=2)
    root = write_layout("coco", tmp_path / "disc", pictures)
    category = read_coco(root)
    assert is_coco(root)
    assert (category.name, category.layout, len(category.train)) == ("disc", "COCO", 3)
    assert [image.kind for image in category.test] == ["good", "spot", "scratch"]
    assert (unite_masks(category.test[1].masks, (64, 64)) == pictures[4].drawn.defect).all()
    assert read_coco(root / "annotations.json") == category


def test_polygons_and_runs_mark_the_same(tmp_path):
    runs = [7, 2, 4, 2, 4, 2, 27]  # column by column: rows 1 and 2 of columns 1, 2 and 3
    for segmentation in (SQUARE, {"size": [6, 8], "counts": runs}, {"size": [6, 8], "counts": "724000g0"}):
        write(tmp_path, [annotation(segmentation)])
        mask = unite_masks(read_coco(tmp_path).test[0].masks, (6, 8))
        assert np.argwhere(mask).tolist() == [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]]


def test_packed_runs_are_those_of_the_reference():
    """The text is pycocotools' for a mask of 300 x 40 px with two rectangles."""
    expected = (1510, 280, 20, 280, 20, 280, 20, 280, 3410, *(20, 280) * 9, 20, 3180)
    assert unpack_runs(PACKED) == expected and sum(expected) == 300 * 40
    for damaged in ("o", "724000g0P", "!", "é", "oooooooooooooooooooo0"):
        with pytest.raises(ValueError, match=r"cannot stand there|ends amidst"):
            unpack_runs(damaged)


def test_several_annotations_of_a_picture_are_united_and_ok_marks_nothing(tmp_path):
    far = [[6, 4, 8, 4, 8, 6, 6, 6]]
    write(
        tmp_path,
        [annotation(SQUARE), annotation(far, category=2), annotation(SQUARE, 1, 3)],
        names=("a.png", "b.png"),
    )
    category = read_coco(tmp_path)
    assert [image.kind for image in category.test] == ["dent+scratch"]
    assert unite_masks(category.test[0].masks, (6, 8)).sum() == 6 + 4
    assert [image.path.name for image in category.train] == ["b.png"]


def test_a_defect_with_a_box_alone_has_no_mask_and_the_notes_say_so(tmp_path):
    write(tmp_path, [annotation([]), annotation(SQUARE)])
    category = read_coco(tmp_path)
    assert category.test[0].masks == ()
    assert category.notes == ("1 pictures have defects with a box alone: they count for image figures only",)


def test_the_name_of_the_annotation_file_tells_the_half(tmp_path):
    write(tmp_path, [], ["images/a.png"], "annotations/instances_train.json")
    write(tmp_path, [annotation(SQUARE)], ["images/b.png", "images/c.png"], "annotations/instances_val.json")
    category = read_coco(tmp_path)
    assert [image.path.name for image in category.train] == ["a.png"]
    assert [(image.path.name, image.kind) for image in category.test] == [("b.png", "dent"), ("c.png", "good")]


def test_each_split_may_have_its_own_folder_and_file(tmp_path):
    for split, defects in (("train", []), ("test", [annotation(SQUARE)])):
        write(tmp_path / split, defects, place="_annotations.coco.json")
    category = read_coco(tmp_path)
    assert [image.path.parent.name for image in (*category.train, *category.test)] == ["train", "test"]


@pytest.mark.parametrize("kinds", [(1, 2), (2, 1)])
def test_what_several_files_say_of_a_picture_counts_together(tmp_path, kinds):
    for person, kind, corner in zip(("ann", "bob"), kinds, (0, 4)):
        square = [[corner, 0, corner + 2, 0, corner + 2, 2, corner, 2]]
        write(tmp_path, [annotation(square, category=kind)], ["a.png", "b.png"], f"annotations/{person}.json")
    category = read_coco(tmp_path)
    assert [image.path.name for image in category.train] == ["b.png"]
    assert [image.kind for image in category.test] == ["dent+scratch"]
    assert unite_masks(category.test[0].masks, (6, 8)).sum() == 4 + 4


def test_a_file_that_lists_a_picture_twice_says_both_of_it(tmp_path):
    write(tmp_path, [annotation(SQUARE), annotation([[6, 4, 8, 4, 8, 6, 6, 6]], image=1)], ["a.png", "a.png"])
    assert unite_masks(read_coco(tmp_path).test[0].masks, (6, 8)).sum() == 6 + 4


def test_a_box_alone_in_one_of_several_files_leaves_the_picture_without_a_mask(tmp_path):
    write(tmp_path, [annotation([])], place="annotations/ann.json")
    write(tmp_path, [annotation(SQUARE)], place="annotations/bob.json")
    category = read_coco(tmp_path)
    assert category.test[0].masks == () and category.notes[0].startswith("1 pictures have defects with a box alone")


@pytest.mark.parametrize("names", [("1_train", "2_test"), ("1_test", "2_train")])
def test_a_picture_is_for_testing_if_one_of_several_files_is(tmp_path, names):
    for name in names:
        write(tmp_path, [], place=f"annotations/{name}.json")
    category = read_coco(tmp_path)
    assert category.train == () and [image.kind for image in category.test] == ["good"]


def test_pictures_that_are_not_listed_are_left_aside_unless_their_folder_says_good(tmp_path):
    write(tmp_path, [annotation(SQUARE)])
    picture(tmp_path / "x.png")
    picture(tmp_path / "good" / "y.png")
    category = read_coco(tmp_path)
    assert [image.path.name for image in category.train] == ["y.png"]
    assert category.notes == ("1 pictures left aside: the annotations do not list them",)


def test_masks_are_neither_learnt_from_nor_meant_by_a_name(tmp_path):
    write(tmp_path, [annotation(SQUARE)])
    for name in ("fg_mask/a.png", "fg_mask/good/y.png"):
        picture(tmp_path / name)
    category = read_coco(tmp_path)
    assert category.train == () and [image.path for image in category.test] == [tmp_path / "a.png"]
    write(tmp_path, [], ["fg_mask/good/y.png"])  # named with its folder, it is a picture
    assert [image.path.name for image in read_coco(tmp_path).train] == ["y.png"]


def test_overlays_are_neither_learnt_from_nor_meant_by_a_name(tmp_path):
    write(tmp_path / "set", [annotation(SQUARE)], ["x/a.png"], "annotations/all.json")
    picture(tmp_path / "set" / "good" / "b.png")
    for name in ("a.png", "b.png"):
        save_result(tmp_path / "set" / "seen" / "good" / "x" / name, np.zeros((4, 4, 3), np.uint8))
        save_result(tmp_path / "set" / "seen" / "good" / name, np.zeros((4, 4, 3), np.uint8))
    category = read_coco(tmp_path / "set")
    assert [image.path.relative_to(tmp_path).as_posix() for image in category.train] == ["set/good/b.png"]
    assert [image.path.relative_to(tmp_path).as_posix() for image in category.test] == ["set/x/a.png"]
    assert category.notes == ("4 pictures left aside: the annotations do not list them",)


def test_pictures_that_are_listed_but_missing_are_an_error(tmp_path):
    write(tmp_path, [], names=("a.png", "b.png"), draw=False)
    with pytest.raises(DataError) as refused:
        read_coco(tmp_path)
    first, second, remedy = str(refused.value).splitlines()
    assert "annotations.json: its picture a.png is not in" in first and "b.png" in second and "Copy" in remedy


@pytest.mark.parametrize("name", ["NG/a.png", "test/NG/a.png"])
def test_a_picture_in_a_folder_of_defects_is_defective_without_annotations(tmp_path, name):
    write(tmp_path, [annotation(SQUARE)], names=("NG/b.png", name, "good/c.png"))
    category = read_coco(tmp_path)
    assert [image.path.name for image in category.train] == ["c.png"]
    assert sorted((image.path.name, image.kind) for image in category.test) == [("a.png", "NG"), ("b.png", "dent")]


def test_annotations_among_pictures_are_meant_of_those_there(tmp_path):
    write(tmp_path / "train", [], place="_annotations.coco.json")
    write(tmp_path / "test", [annotation(SQUARE)], ["a.png", "b.png"], place="_annotations.coco.json", draw=False)
    picture(tmp_path / "test" / "b.png")
    with pytest.raises(DataError, match=r"test/_annotations\.coco\.json: its picture a\.png is not in"):
        read_coco(tmp_path)


def test_a_picture_beside_an_annotation_file_that_does_not_list_it_changes_nothing(tmp_path):
    write(tmp_path, [annotation(SQUARE)], place="annotations/all.json", draw=False)
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "annotations" / "preview.png")
    assert [image.path.name for image in read_coco(tmp_path).test] == ["a.png"]


def test_a_name_that_fits_two_pictures_is_refused(tmp_path):
    write(tmp_path, [], names=("a.png",), draw=False)
    for folder in ("one", "two"):
        picture(tmp_path / folder / "a.png")
    with pytest.raises(DataError, match=r"a\.png may be .*one.* or .*two.*Give file_name with its folder"):
        read_coco(tmp_path)


@pytest.mark.parametrize(
    ("segmentation", "problem"),
    [
        ("x", "annotation 0 has no polygon"),
        ([[]], "annotation 0 has no polygon"),
        ([[1, 2, 3]], "not pairs of numbers"),
        ([[0, 0, 1, 1, 90, 90]], "a point at"),
        ({"size": [8, 6], "counts": [48]}, "not of the size of a.png"),
        ({"size": [6, 8], "counts": [47]}, "do not add up"),
        ({"size": [6, 8], "counts": "o"}, "ends amidst a number"),
        ({"size": [6, 8], "counts": [None]}, "cannot be read"),
    ],
)
def test_a_damaged_annotation_is_named_with_its_problem(tmp_path, segmentation, problem):
    write(tmp_path, [annotation(segmentation)])
    with pytest.raises(DataError, match=rf"annotations\.json: .*{problem}"):
        read_coco(tmp_path)


@pytest.mark.parametrize(
    "record",
    [
        [],
        {"images": {}, "annotations": [], "categories": []},
        {"images": [1], "annotations": [], "categories": []},
        {"images": [{"id": [1]}], "annotations": [], "categories": []},
        {"images": [], "annotations": [{"image_id": 3}], "categories": []},
    ],
)
def test_a_damaged_file_is_named(tmp_path, record):
    (tmp_path / "coco.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"coco\.json"):
        read_coco(tmp_path / "coco.json")


def test_two_pictures_of_one_id_are_refused(tmp_path):
    file = write(tmp_path, [annotation(SQUARE)], names=("a.png", "b.png"))
    record = json.loads(file.read_text())
    record["images"][1]["id"] = 0
    file.write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"a\.png and b\.png have the same id, 0"):
        read_coco(tmp_path)
