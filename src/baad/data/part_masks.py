"""A folder of masks of the part: where each picture's mask lies in it, painted or outlined.

STEM.png              painted, 255 = part; in sub-folders as the pictures lie in some
STEM.json             outlined in labelme; every shape is part, whatever its label
annotations.json      COCO, any name; every annotation is part
masks.json            of `baad masks`: which of the masks were proposed
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from baad.data import coco
from baad.data.checksum import hash_file
from baad.data.decode import show_path
from baad.data.files import find_images, find_json
from baad.data.jsonfile import mentions, read_json
from baad.data.labelme import KEYS, read_labelme
from baad.data.masks import read_marks
from baad.data.sample import Mask
from baad.errors import DataError, ImageError

LIST, SHEET = "masks.json", "sheet.png"
MARK = "quality_needed"  # a key that stands in every masks.json of ours
NOTHING = "none of the masks of the part marks anything", "Paint the part with any value above 0, such as 255"


def name_pictures(pictures: Sequence[Path]) -> dict[Path, str]:
    """What to call pictures, so that no two are called alike: a.png, or mon/a.png where they lie in sub-folders.

    Sub-folders count from the deepest folder that holds all of them; where there is none, as on two drives of Windows,
    names are whole paths.
    """
    try:
        common = os.path.commonpath([os.path.abspath(picture.parent) for picture in pictures]) if pictures else ""
    except ValueError:
        return {picture: Path(os.path.abspath(picture)).as_posix() for picture in pictures}
    return {picture: Path(os.path.relpath(os.path.abspath(picture), common)).as_posix() for picture in pictures}


def lay_below(path: PurePath) -> PurePath:
    """A path that leads from whatever folder it is joined to: D/mon/a.png for D:/mon/a.png."""
    if not path.is_absolute():
        return path
    return type(path)(path.drive.replace(":", "").strip("/\\"), *path.parts[1:])


def place_part_masks(pictures: Sequence[Path]) -> dict[Path, Path]:
    """Where the mask of the part of each picture lies in a folder of them: STEM.png, in the picture's sub-folder.

    Sub-folders count as in name_pictures. Raises DataError where two pictures would share a mask, as a.jpg and a.png
    would.
    """
    places: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    for picture, name in name_pictures(pictures).items():
        place = Path(lay_below(Path(name))).with_suffix(".png")
        other = owners.setdefault(place, picture)
        if other != picture:
            shown = f"{show_path(other)} and {show_path(picture)} would share the mask of the part {show_path(place)}"
            raise DataError(f"{shown}. Rename one of them.")
        places[picture] = place
    return places


def find_part_masks(folder: Path, pictures: Sequence[Path]) -> dict[Path, Mask]:
    """The user's masks of the part for those training pictures that have one.

    A mask lies as place_part_masks says, or, for a picture whose name no other one has, at STEM.png,
    train/good/STEM.png or train/ok/STEM.png; a painted one comes before outlines, but for a proposal of `baad masks`
    that nobody changed. Where labelme's files lie beside the pictures, a picture is not taken for its own mask. Raises
    DataError as place_part_masks does, and for an annotation file that is damaged.
    """
    named = Counter(picture.stem for picture in pictures)
    outlined = _read_coco_files(folder, pictures)
    digests = _read_digests(folder)
    found: dict[Path, Mask] = {}
    for picture, place in place_part_masks(pictures).items():
        loose = [Path(*folders, f"{picture.stem}.png") for folders in ((), ("train", "good"), ("train", "ok"))]
        candidates = [place, *(loose if named[picture.stem] == 1 else ())]
        painted = [file for each in candidates if _is_painted(file := folder / each, picture)]
        drawn = [file for each in candidates if _is_labelme(file := (folder / each).with_suffix(".json"))]
        if painted and not ((drawn or picture in outlined) and _is_proposal(painted[0], folder, digests)):
            found[picture] = painted[0]
        elif drawn:
            found[picture] = read_labelme(drawn[0], all_labels=True).outlines
        elif picture in outlined:
            found[picture] = outlined[picture]
    return found


def list_unused(folder: Path, pictures: Sequence[Path]) -> list[Path]:
    """Pictures in a folder of masks that are called as none of some pictures, or are no PNG: nobody reads them.

    Looked at are the folder itself and those for the normals of MVTec AD's layout and BTAD's. None where labelme's
    files or COCO's lie there: copies of the pictures may, too.
    """
    there = [each for each in (folder, folder / "train" / "good", folder / "train" / "ok") if os.path.isdir(each)]
    if any(mentions(file, *KEYS) or mentions(file, *coco.KEYS) for place in there for file in find_json(place)):
        return []
    stems = {picture.stem for picture in pictures}
    files = [file for place in there for file in find_images(place)]
    unused = [file for file in files if file.suffix != ".png" or file.stem not in stems]
    ours = folder / SHEET if mentions(folder / LIST, MARK) else None
    return [file for file in unused if file != ours]


def mark_nothing(masks: Iterable[Mask]) -> bool:
    """Whether there are masks, and none of them marks anything; of one that cannot be read it is not said."""
    given = list(masks)
    try:
        return bool(given) and not any(read_marks(mask).any() for mask in given)  # mostly known after the first
    except ImageError:
        return False


def drop_unchanged(folder: Path, found: Mapping[Path, Mask]) -> dict[Path, Mask]:
    """The masks that a person made or changed: without proposals in masks.json whose files are still the same."""
    digests = _read_digests(folder)
    return {
        picture: mask
        for picture, mask in found.items()
        if not (isinstance(mask, Path) and _is_proposal(mask, folder, digests))
    }


def list_unchanged(folder: Path) -> list[Path]:
    """Proposals that a folder's masks.json lists and nobody has changed since, whatever pictures are there now."""
    root = folder.resolve()
    files = [(folder / place, digest) for place, digest in _read_digests(folder).items()]
    inside = [(file, digest) for file, digest in files if file.resolve().is_relative_to(root) and file.is_file()]
    return [file for file, digest in inside if hash_file(file) == digest]


def list_copies(folder: Path) -> set[Path]:
    """Masks that a folder's masks.json lists as copies of the user's, which lie elsewhere, and nobody changed since."""
    copies = {folder / str(each.get("mask")): each.get("sha256") for each in _read_records(folder) if each.get("copy")}
    return {file for file, digest in copies.items() if os.path.isfile(file) and hash_file(file) == digest}


def was_refused(folder: Path) -> bool:
    """Whether all that a folder holds is a masks.json which says that there is nothing beside the part."""
    alone = os.path.isdir(folder) and [name for name in os.listdir(folder) if name[0] != "."] == [LIST]
    return alone and says_nothing_found(folder)


def says_nothing_found(folder: Path) -> bool:
    """Whether a folder's masks.json says that there is nothing beside the part; with it neither masks nor a sheet are
    written."""
    return _read_list(folder).get("gate") == "none"


def _is_proposal(mask: Path, folder: Path, digests: Mapping[str, str | None]) -> bool:
    """Whether a painted mask in the folder is a proposal that nobody changed."""
    digest = digests.get(mask.relative_to(folder).as_posix())
    return digest is not None and digest == hash_file(mask)


def _read_digests(folder: Path) -> dict[str, str | None]:
    """SHA-256 of each mask that masks.json lists as proposed; nothing where there is no such list."""
    return {str(each.get("mask")): each.get("sha256") for each in _read_records(folder) if each.get("source") != "user"}


def _read_records(folder: Path) -> list[dict[str, Any]]:
    images = _read_list(folder).get("images")
    return [each for each in images if isinstance(each, dict)] if isinstance(images, list) else []


def _read_list(folder: Path) -> dict[str, Any]:
    listed = read_json(folder / LIST) if os.path.isfile(folder / LIST) else {}
    return listed if isinstance(listed, dict) else {}


def _is_painted(file: Path, picture: Path) -> bool:
    return os.path.isfile(file) and not os.path.samefile(file, picture)


def _is_labelme(file: Path) -> bool:
    return os.path.isfile(file) and mentions(file, *KEYS)


def _read_coco_files(folder: Path, pictures: Sequence[Path]) -> Mapping[Path, Mask]:
    """Outlines in files of COCO's format that lie in the folder itself."""
    files = [file for file in find_json(folder) if mentions(file, *coco.KEYS)]
    return coco.outline_pictures(files, pictures)
