"""Layouts of MVTec AD and MVTec AD 2, and of BTAD, which has the same tree with other names -> Category.

    MVTec AD and BTAD                   MVTec AD 2
    train/good/000.png                  train/good/000.png              normal pictures
    validation/good/000.png             validation/good/000.png         more of them, of a session of their own
    test/good/000.png                   test_public/good/000.png        normal test pictures
    test/scratch/000.png                test_public/bad/000.png         test pictures of one kind of defect
    ground_truth/scratch/000_mask.png   test_public/ground_truth/bad/   its mask: 000_mask.png or 000.png
    foreground/test/scratch/000.png                                     optional: the part's outline, for evaluation

BTAD calls its normals ok and its defective pictures ko. In both the masks may lie in test/ground_truth, too. MVTec AD 2
has further test pictures without truth in test_private and test_private_mixed, which are left aside.

Sources: Bergmann et al., "The MVTec Anomaly Detection Dataset", IJCV 2021; Heckler-Kram et al., "The MVTec AD 2
Dataset", 2025; Mishra et al., "VT-ADL", 2021 (BTAD).
"""

import os
from collections.abc import Callable
from pathlib import Path

from baad.data.entries import is_named_good
from baad.data.files import find_images, list_folders
from baad.data.folder import hold_masks, leave_out_masks, name_sessions
from baad.data.results import leave_out_results, note_results
from baad.data.sample import Category, GoodImage, LabelledImage

LAYOUT, LAYOUT_2, LAYOUT_BTAD = "MVTec AD", "MVTec AD 2", "BTAD"
LOOKED_FOR = "train/good, test/good, or test beside ground_truth"
LOOKED_FOR_2 = "test_public"
LOOKED_FOR_BTAD = "train/ok, test/ok or test/ko"
TRUTH = "ground_truth"
PRIVATE = ("test_private", "test_private_mixed")

Tell = Callable[[Path], object]  # is told of each overlay or map of BAAD that is left aside


def is_mvtec(root: Path | str) -> bool:
    """Whether the folder holds train/good, test/good, or test beside ground_truth."""
    root = Path(root)
    alternatives = (("train/good",), ("test/good",), ("test", "ground_truth"))
    return any(all(os.path.isdir(root / place) for place in places) for places in alternatives)


def is_mvtec_2(root: Path) -> bool:
    """Whether the folder holds test_public."""
    return os.path.isdir(root / "test_public")


def is_btad(root: Path) -> bool:
    """Whether the folder holds train/ok, test/ok or test/ko, and no train/good."""
    places = ("train/ok", "test/ok", "test/ko")
    return any(os.path.isdir(root / place) for place in places) and not os.path.isdir(root / "train" / "good")


def read_mvtec(root: Path | str) -> Category:
    """Read a category in MVTec AD's layout; either half may be missing.

    A kind without a folder of masks counts for image figures only. Where the folder is there but lacks the mask of a
    picture, `masks` names the file that ought to be there, so that nobody takes the picture for one without defect
    pixels: check_category reports it and read_mask refuses it.

    Raises DataError where a folder cannot be listed.
    """
    return _read_tree(Path(root), LAYOUT, "good")


def read_btad(root: Path) -> Category:
    """Read a product in BTAD's layout, as read_mvtec does; "ok" becomes "good"."""
    return _read_tree(root, LAYOUT_BTAD, "ok")


def read_mvtec_2(root: Path) -> Category:
    """Read an object in MVTec AD 2's layout; the normals of validation/ are a session beside those of train/."""
    public, results = root / "test_public", list[Path]()
    test: list[LabelledImage] = []
    kinds, truth = list_kinds(public, root)
    for folder in kinds:
        test += read_kind(folder, truth / folder.name, kind_of_folder(folder), results.append)
    private = [name for name in PRIVATE if os.path.isdir(root / name)]
    told = (f"{' and '.join(private)} left aside: no truth comes with them",) if private else ()
    train = read_normals(root / "train" / "good", results.append) + read_validation(root, results.append)
    notes = (*told, *note_unread(root, "good"), *note_results(results))
    return Category(root.resolve().name, root, LAYOUT_2, train, tuple(test), notes)


def read_normals(folder: Path, tell: Tell) -> tuple[GoodImage, ...]:
    """Every picture below a folder of normals, but masks in their folders and results; none where it is missing."""
    if not os.path.isdir(folder):
        return ()
    files = leave_out_masks(find_images(folder, recursive=True), folder)
    return name_sessions(leave_out_results(files, tell), folder)


def read_validation(root: Path, tell: Tell, good: str = "good") -> tuple[GoodImage, ...]:
    """The normals of validation/good, a recording session of their own: none is on both sides of a split."""
    return tuple(GoodImage(image.path, "validation") for image in read_normals(root / "validation" / good, tell))


def list_kinds(half: Path, root: Path) -> tuple[list[Path], Path]:
    """The folders of test pictures, one for each kind, and the folder of their masks: `half`/ground_truth, in small or
    in capital letters, if folders lie in it, else `root`/ground_truth."""
    folders = list_folders(half)
    truth = [folder for folder in folders if hold_masks([folder.name], (TRUTH,))]
    filled = [folder for folder in truth if list_folders(folder)]
    return [folder for folder in folders if folder not in truth], next(iter(filled), root / TRUTH)


def kind_of_folder(folder: Path) -> str:
    """What a folder of test pictures holds: "good" by whatever word for it, else the kind of defect."""
    return "good" if is_named_good(folder.name) else folder.name


def note_unread(root: Path, good: str) -> tuple[str, ...]:
    """What the notes say of pictures that lie where the layout has none, such as right in train/ or in train/other."""
    halves, tests = [root / "train", root / "validation"], [root / "test", root / "test_public"]
    found = [path for place in (root, *halves, *tests) if os.path.isdir(place) for path in find_images(place)]
    beside = (folder for half in halves for folder in list_folders(half) if folder.name != good)
    found += [path for folder in beside for path in find_images(folder, recursive=True)]
    left = len(leave_out_results(leave_out_masks(found, root), lambda path: None))
    return (f"{left} pictures left aside, which lie in none of this layout's places",) if left else ()


def read_kind(
    folder: Path, mask_folder: Path, kind: str, tell: Tell, outline_folder: Path | None = None
) -> list[LabelledImage]:
    """The test pictures of one kind, with the mask of each, and the part's outline where there is one."""
    masks = _by_place(mask_folder) if kind != "good" else {}
    outlines = _by_place(outline_folder) if outline_folder else {}
    images = []
    for path in leave_out_results(find_images(folder, recursive=True), tell):
        place = place_in(path, folder)
        found: tuple[Path, ...] = ()
        if masks:
            expected = mask_folder / f"{place}_mask.png"
            found = (masks.get(f"{place}_mask") or masks.get(place) or expected,)
        images.append(LabelledImage(path, kind, found, outlines.get(place)))
    return images


def place_in(path: Path, folder: Path) -> str:
    """Where a file lies in a folder, without its suffix."""
    return path.relative_to(folder).with_suffix("").as_posix()


def _read_tree(root: Path, layout: str, good: str) -> Category:
    """The normals of train/ and all kinds below test/; `good` is the name of the normal one."""
    results: list[Path] = []
    train = read_normals(root / "train" / good, results.append) + read_validation(root, results.append, good)
    test: list[LabelledImage] = []
    kinds, truth = list_kinds(root / "test", root)
    for folder in kinds:
        outlines = root / "foreground" / "test" / folder.name
        test += read_kind(folder, truth / folder.name, kind_of_folder(folder), results.append, outlines)
    notes = (*note_unread(root, good), *note_results(results))
    return Category(root.resolve().name, root, layout, train, tuple(test), notes)


def _by_place(folder: Path) -> dict[str, Path]:
    if not os.path.isdir(folder):
        return {}
    return {place_in(path, folder): path for path in find_images(folder, recursive=True)}
