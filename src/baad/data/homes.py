"""Where pictures and masks belong in each layout: remedies that a user can follow."""

from dataclasses import dataclass

from baad.data import coco, folder, labelme, loco, manifest, mvtec, visa


@dataclass(frozen=True)
class Homes:
    """What to do to add something to a category; KIND stands for a kind of defect, STEM for a picture's name."""

    normal: str  # good pictures to learn from
    test_normal: str  # good pictures to test on
    defective: str
    masks: str


def _tree(normal: str, test_normal: str, defective: str, masks: str) -> Homes:
    put = "Put {} into {}".format
    return Homes(
        put("good pictures", normal), put("some", test_normal), put("some", defective), f"Add masks to {masks}"
    )


_DRAWN = Homes(
    "Put good pictures into train",
    "Put some into test",
    "Put some into test, with outlines",
    "Draw outlines, and export the annotations again",
)
_MVTEC = _tree("train/good", "test/good", "test/KIND", "ground_truth/KIND")

HOMES = {  # by Category.layout
    manifest.LAYOUT: Homes(
        "List good pictures with the label good",
        "List some with the label good and the split test",
        "List some with their kind as label",
        "Name their masks in the column mask",
    ),
    mvtec.LAYOUT_2: _tree("train/good", "test_public/good", "test_public/KIND", "test_public/ground_truth/KIND"),
    loco.LAYOUT: _tree("train/good", "test/good", "test/KIND", "ground_truth/KIND/STEM"),
    mvtec.LAYOUT_BTAD: _tree("train/ok", "test/ok", "test/ko", "ground_truth/ko"),
    mvtec.LAYOUT: _MVTEC,
    visa.LAYOUT: _tree("Data/Images/Normal", "Data/Images/Normal", "Data/Images/Anomaly", "Data/Masks/Anomaly"),
    coco.LAYOUT: _DRAWN,
    labelme.LAYOUT: _DRAWN,
    folder.LAYOUT: Homes("Put good pictures into the folder", *[_MVTEC.test_normal, _MVTEC.defective, _MVTEC.masks]),
}


def homes_of(layout: str, kind: str = "KIND") -> Homes:
    """The remedies of a layout, `Category.layout`, with the name of a defect in place of KIND."""
    homes = HOMES.get(layout, _MVTEC)
    return Homes(
        homes.normal, homes.test_normal, *(text.replace("KIND", kind) for text in (homes.defective, homes.masks))
    )
