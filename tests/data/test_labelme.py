import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from baad.data.labelme import is_labelme, read_labelme, read_labelme_folder
from baad.data.masks import unite_masks
from baad.errors import DataError
from tests.factory import draw_set, save_picture, write_layout


def write(path, *shapes, size=(8, 8), **more):
    record = {"shapes": list(shapes), "imagePath": path.stem + ".png", "imageHeight": size[0], "imageWidth": size[1]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**record, **more}))
    return path


def shape(kind, *points, label="dent", **more):
    return {"label": label, "shape_type": kind, "points": [list(point) for point in points], **more}


def picture(path):
    return save_picture(path, np.zeros((8, 8), np.uint8))


def marked(path):
    return unite_masks([read_labelme(path).outlines], (8, 8))


def test_pictures_with_outlines_are_defective_and_the_others_good(tmp_path):
    pictures = draw_set(normals=3, good=1, defective=2)
    root = write_layout("labelme", tmp_path / "disc", pictures)
    category = read_labelme_folder(root)
    assert is_labelme(root)
    assert (category.name, category.layout, len(category.train)) == ("disc", "labelme", 3)
    assert [image.kind for image in category.test] == ["good", "spot", "scratch"]
    assert (unite_masks(category.test[1].masks, (64, 64)) == pictures[4].drawn.defect).all()


def test_each_way_of_drawing_marks_what_it_looks_like(tmp_path):
    file = tmp_path / "a.json"
    assert marked(write(file, shape("rectangle", (5, 6), (1, 2)))).sum() == 4 * 4
    assert marked(write(file, shape("polygon", (1, 2), (5, 2), (5, 6), (1, 6)))).sum() == 4 * 4
    assert marked(write(file, shape("oriented_rectangle", (1, 2), (5, 2), (5, 6), (1, 6)))).sum() == 4 * 4
    assert marked(write(file, shape("circle", (4, 4), (6, 4)))).sum() == 12  # centres within 2 px of a corner
    assert marked(write(file, shape("linestrip", (0.5, 0.5), (3.5, 0.5), (3.5, 2.5)))).sum() == 4 + 2
    assert marked(write(file, shape("point", (3.5, 2.5))))[2, 3]
    assert marked(write(file, {**shape(None, (0, 0), (2, 0), (2, 2)), "label": "x"})).any()


def test_labelmes_own_masks_lie_where_their_corner_says(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).save(buffer, "PNG")
    mask = base64.b64encode(buffer.getvalue()).decode()
    found = marked(write(tmp_path / "a.json", shape("mask", (5, 3), (6, 4), mask=mask)))
    assert np.argwhere(found).tolist() == [[3, 6], [4, 5], [4, 6]]
    found = marked(write(tmp_path / "a.json", shape("mask", (-1, 7), (0, 8), mask=mask)))
    assert np.argwhere(found).tolist() == [[7, 0]]


def test_several_kinds_are_joined_and_what_is_called_good_marks_nothing(tmp_path):
    for name in "abc":
        picture(tmp_path / f"{name}.png")
    outlines = [shape("rectangle", (0, 0), (2, 2), label=label) for label in ("scratch", "dent", "dent", "OK")]
    write(tmp_path / "a.json", *outlines)
    write(tmp_path / "b.json", outlines[3])
    category = read_labelme_folder(tmp_path)
    assert [image.kind for image in category.test] == ["dent+scratch"]
    assert [image.path.name for image in category.train] == ["b.png", "c.png"]


def test_a_picture_in_a_folder_of_defects_is_defective_without_outlines(tmp_path):
    write(tmp_path / "test" / "ng" / "a.json", shape("point", (1, 1)))
    for name in ("test/ng/a.png", "test/ng/b.png", "test/c.png", "d.png"):
        picture(tmp_path / name)
    category = read_labelme_folder(tmp_path)
    assert [(image.path.name, image.kind) for image in category.test] == [
        ("c.png", "good"),
        ("a.png", "dent"),
        ("b.png", "ng"),
    ]
    assert category.test[2].masks == ()
    assert [image.path.name for image in category.train] == ["d.png"]


def test_masks_are_never_taken_for_pictures(tmp_path):
    for name in ("a.png", "b.png", "fg_mask/a.png", "fg_mask/b.png", "monday/ground_truth/c.png"):
        picture(tmp_path / name)
    write(tmp_path / "a.json", shape("point", (1, 1)))
    category = read_labelme_folder(tmp_path)
    assert [image.path for image in category.train] == [tmp_path / "b.png"]
    assert [image.path for image in category.test] == [tmp_path / "a.png"]
    assert category.notes == ("3 masks left aside",)


def test_the_picture_may_lie_in_another_folder(tmp_path):
    picture(tmp_path / "pictures" / "a.png")
    write(tmp_path / "labels" / "x.json", shape("point", (1, 1)), imagePath="..\\pictures\\a.png")
    write(tmp_path / "labels" / "y.json", shape("point", (1, 1)), imagePath="gone.png")
    category = read_labelme_folder(tmp_path)
    assert [image.kind for image in category.test] == ["dent"]
    assert category.notes == ("1 labelme files have no picture",)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "no labelme file"),
        ('{"shapes": []}', "height and width"),
        ('{"shapes": [], "imageHeight": 1000000, "imageWidth": 1000000}', "over the limit"),
        ('{"shapes": [1], "imageHeight": 8, "imageWidth": 8}', "shape 0 has no label"),
        ('{"shapes": [{"label": "a"}], "imageHeight": 8, "imageWidth": 8}', "not pairs of numbers"),
        ('{"shapes": [{"label": "a", "points": []}], "imageHeight": 8, "imageWidth": 8}', "no points"),
        ('{"shapes": [{"label": "a", "points": [[0, 1]]}], "imageHeight": 8, "imageWidth": 8}', "encloses nothing"),
        ('{"shapes": [{"label": "a", "points": [[0, 1e9], [0, 0], [1, 1]]}], "imageHeight": 8, "imageWidth": 8}', "1e"),
    ],
)
def test_a_damaged_file_is_named_with_its_problem(tmp_path, content, problem):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=rf"a\.json.*{problem}"):
        read_labelme(tmp_path / "a.json")


def test_a_mask_that_is_no_picture_is_refused(tmp_path):
    for mask in (None, "no base 64!", base64.b64encode(b"no picture").decode()):
        with pytest.raises(DataError, match="the mask of shape 0 cannot be read"):
            read_labelme(write(tmp_path / "a.json", shape("mask", (0, 0), (1, 1), mask=mask)))


def test_files_in_a_linked_folder_are_found_as_their_pictures_are(tmp_path):
    there = tmp_path / "disk" / "mon"
    picture(there / "a.png")
    write(there / "a.json", shape("point", (1, 1)))
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "mon").symlink_to(there)
    (there / "again").symlink_to(there)
    assert [image.kind for image in read_labelme_folder(tmp_path / "parts").test] == ["dent"]


def test_outlines_whose_picture_lies_elsewhere_than_they_say_are_refused(tmp_path):
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "json" / "a.json", shape("point", (1, 1), label="ok"))
    assert read_labelme_folder(tmp_path).notes == ("1 labelme files have no picture",)
    write(tmp_path / "json" / "a.json", shape("point", (1, 1)))
    with pytest.raises(DataError, match=r"a\.json: it outlines defects, .* may be meant of a picture a elsewhere"):
        read_labelme_folder(tmp_path)


def test_outlines_in_a_tree_of_their_own_are_refused_though_names_are_not_unique_and_the_format_is_another(tmp_path):
    for day in ("mon", "tue"):
        picture(tmp_path / "images" / day / "0.png")
    for named in ("0.jpg", "IMG_4711.jpg", ""):
        write(tmp_path / "labels" / "mon" / "0.json", shape("point", (1, 1)), imagePath=named)
        with pytest.raises(DataError, match=r"0\.json: it outlines defects, .* may be meant of a picture 0 elsewhere"):
            read_labelme_folder(tmp_path)


def test_two_files_of_one_picture_are_refused(tmp_path):
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    write(tmp_path / "a.json")
    write(tmp_path / "b.json", shape("point", (1, 1)), imagePath="a.png")
    with pytest.raises(DataError, match=r"b\.json: it says that it is for .*a\.png, as .*a\.json does"):
        read_labelme_folder(tmp_path)


def test_outlines_of_a_picture_that_is_gone_are_none_of_another_one_of_its_name(tmp_path):
    for place in "ab":
        picture(tmp_path / place / "0.png")
        write(tmp_path / place / "0.json")
    write(tmp_path / "c" / "0.json", shape("point", (1, 1)))
    category = read_labelme_folder(tmp_path)
    assert (len(category.train), category.notes) == (2, ("1 labelme files have no picture",))
