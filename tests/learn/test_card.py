import io
from pathlib import Path

import numpy as np
from PIL import Image

from baad.learn.card import WORST, name_highest, name_worst, sample_pictures


def grey(count):
    """Grey pictures whose left half is part."""
    masks = np.zeros((count, 32, 32), bool)
    masks[:, :, :16] = True
    return np.full((count, 32, 32, 3), 200, np.uint8), masks


def test_samples_show_the_background_dark():
    pictures, masks = grey(2)
    files = sample_pictures(pictures, masks)
    assert sorted(files) == ["samples/0.jpg", "samples/1.jpg"]
    shown = np.asarray(Image.open(io.BytesIO(files["samples/0.jpg"])))
    assert shown[16, 4].mean() > 190 > 80 > shown[16, 28].mean()


def test_the_worst_masks_are_named_and_shown_worst_first():
    pictures, masks = grey(3)
    quality = np.array([0.9, 0.2, 0.5])
    told = name_worst(quality, [Path("mon/a.png"), Path("tue/a.png"), Path("tue/c.png")])
    assert [(each["image"], each["quality"]) for each in told] == [
        ("tue/a.png", 0.2),
        ("tue/c.png", 0.5),
        ("mon/a.png", 0.9),
    ]
    assert {each["sample"] for each in told} <= set(sample_pictures(pictures, masks, quality))


def test_no_more_masks_are_kept_than_a_person_looks_at():
    assert len(name_worst(np.zeros(100), [Path(f"{index}.png") for index in range(100)])) == WORST
    assert name_worst(None, []) == []


def test_the_highest_held_out_pictures_are_named_so_that_somebody_looks_at_them():
    pictures = [Path(f"mon/{index}.png") for index in range(4)] + [Path("tue/0.png")]
    assert name_highest([1.0, 3.0, 2.0, 0.5, 3.0], pictures) == [
        {"image": "mon/1.png", "score": 3.0},
        {"image": "tue/0.png", "score": 3.0},
        {"image": "mon/2.png", "score": 2.0},
    ]
    assert len(name_highest([1.0], pictures[:1])) == 1
