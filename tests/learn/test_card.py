import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baad.bundle import CARD, SIZE_LIMITS
from baad.data.sample import GoodImage
from baad.errors import BundleError
from baad.learn.card import WORST, describe_model, name_highest, name_worst, sample_pictures, shorten_findings
from baad.verdict.calibration import fit_calibration

MANIFEST = {
    **{"input_shape": [64, 96], "findings": ["two are alike"], "n_train": 10, "steps": 3, "seed": 0, "size": "fast"},
    **{"parameters": 1_250_000, "macs": 1_500_000_000, "gate": {"accepted": False, "reason": "all is part"}},
}


def goods(*names):
    return [GoodImage(Path(name)) for name in names]


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
    told = name_worst(quality, goods("mon/a.png", "tue/a.png", "tue/c.png"))
    assert [(each["image"], each["quality"]) for each in told] == [
        ("tue/a.png", 0.2),
        ("tue/c.png", 0.5),
        ("mon/a.png", 0.9),
    ]
    assert {each["sample"] for each in told} <= set(sample_pictures(pictures, masks, quality))


def test_no_more_masks_are_kept_than_a_person_looks_at():
    assert len(name_worst(np.zeros(100), goods(*(f"{index}.png" for index in range(100))))) == WORST
    assert name_worst(None, []) == []


def test_the_highest_held_out_pictures_are_named_so_that_somebody_looks_at_them():
    pictures = goods(*(f"mon/{index}.png" for index in range(4)), "tue/0.png")
    assert name_highest([1.0, 3.0, 2.0, 0.5, 3.0], pictures) == [
        {"image": "mon/1.png", "score": 3.0},
        {"image": "tue/0.png", "score": 3.0},
        {"image": "mon/2.png", "score": 2.0},
    ]
    assert len(name_highest([1.0], pictures[:1])) == 1


def test_pictures_are_named_apart_from_all_that_were_given():
    fit, held_out = goods("mon/0.png", "mon/1.png"), goods("tue/0.png", "tue/1.png")
    assert [each["image"] for each in name_highest([1.0, 2.0], held_out, fit)] == ["tue/1.png", "tue/0.png"]
    assert [each["image"] for each in name_worst(np.array([0.2, 0.1]), fit, held_out)] == ["mon/1.png", "mon/0.png"]


def test_names_that_are_no_utf8_are_told_with_signs_that_are():
    pictures = goods("mon/pr\udcfcf.png", "tue/b.png")
    named = [name_highest([2.0, 1.0], pictures), name_worst(np.array([0.1, 0.2]), pictures)]
    assert [[each["image"] for each in told] for told in named] == [["mon/pr\ufffdf.png", "tue/b.png"]] * 2


def test_the_card_tells_what_the_manifest_does():
    card = describe_model(MANIFEST, fit_calibration([0.0, 1.0], [0.0, 1.0], ["", ""], 0.05))
    assert card.startswith("# BAAD model\n") and "10 normal pictures, 3 steps, seed 0" in card
    assert "`fast` at 96x64 px: 1.25 million parameters" in card
    assert "everything counts as part (all is part)" in card and "- two are alike\n" in card


def test_of_thousands_of_findings_the_first_hundred_are_kept_and_the_others_counted():
    found = [f"{index:05d} {'long name ' * 20}" for index in range(10_000)]
    kept = shorten_findings(found)
    assert kept == [*found[:100], "... and 9900 more"]
    assert shorten_findings(found[:100]) == found[:100] and shorten_findings([]) == []
    card = describe_model({**MANIFEST, "findings": kept}, fit_calibration([0.0, 1.0], [0.0, 1.0], ["", ""], 0.05))
    assert len(card.encode()) < SIZE_LIMITS[CARD] and "- ... and 9900 more\n" in card


@pytest.mark.parametrize("absent", [*MANIFEST, "reason"])
def test_what_the_card_tells_and_the_manifest_lacks_is_named(absent):
    manifest = {name: value for name, value in MANIFEST.items() if name != absent}
    if absent == "reason":
        manifest["gate"] = {"accepted": False}
    with pytest.raises(BundleError, match=f"no '{absent}'"):
        describe_model(manifest, fit_calibration([0.0, 1.0], [0.0, 1.0], ["", ""], 0.05))
