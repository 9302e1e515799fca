"""Layout of MVTec AD -> Category.

    train/good/000.png                    normal pictures
    test/good/000.png                     normal test pictures
    test/scratch/000.png                  test pictures of one kind of defect
    ground_truth/scratch/000_mask.png     or 000.png: its mask, any non-zero value = defect
    foreground/test/scratch/000.png       optional: the true outline of the part, for evaluation only

Source: Bergmann et al., "The MVTec Anomaly Detection Dataset", IJCV 2021.
"""

import os
from pathlib import Path

from baad.data.decode import find_images, list_folders
from baad.data.folder import name_sessions
from baad.data.sample import Category, LabelledImage

LAYOUT = "MVTec AD"
LOOKED_FOR = "train/good, test/good, or test beside ground_truth"


def is_mvtec(root: Path | str) -> bool:
    """Whether the folder holds train/good, test/good, or test beside ground_truth."""
    root = Path(root)
    alternatives = (("train/good",), ("test/good",), ("test", "ground_truth"))
    return any(all(os.path.isdir(root / place) for place in places) for places in alternatives)


def read_mvtec(root: Path | str) -> Category:
    """Read a category in MVTec AD's layout; either half may be missing.

    A kind without a folder of masks counts for image figures only. Where the folder is there but lacks the mask of a
    picture, `masks` names the file that ought to be there, so that nobody takes the picture for one without defect
    pixels: check_category reports it and read_mask refuses it.

    Raises DataError where a folder cannot be listed.
    """
    root = Path(root)
    good = root / "train" / "good"
    train = name_sessions(find_images(good, recursive=True), good) if os.path.isdir(good) else ()
    test = [image for folder in list_folders(root / "test") for image in _read_kind(root, folder.name)]
    return Category(root.resolve().name, root, LAYOUT, train, tuple(test))


def _read_kind(root: Path, kind: str) -> list[LabelledImage]:
    """The test pictures of one kind, with their masks and outlines."""
    folder, mask_folder = root / "test" / kind, root / "ground_truth" / kind
    masks = _by_place(mask_folder) if kind != "good" else {}
    outlines = _by_place(root / "foreground" / "test" / kind)
    images = []
    for path in find_images(folder, recursive=True):
        place = _place(path, folder)
        found: tuple[Path, ...] = ()
        if masks:
            expected = mask_folder / f"{place}_mask.png"
            found = (masks.get(f"{place}_mask") or masks.get(place) or expected,)
        images.append(LabelledImage(path, kind, found, outlines.get(place)))
    return images


def _by_place(folder: Path) -> dict[str, Path]:
    return {_place(path, folder): path for path in find_images(folder, recursive=True)} if os.path.isdir(folder) else {}


def _place(path: Path, folder: Path) -> str:
    """Where a file lies in a folder, without its suffix."""
    return path.relative_to(folder).with_suffix("").as_posix()
