"""Layout of MVTec LOCO AD -> Category.

    train/good/000.png                                normal pictures
    validation/good/000.png                           more of them, of a session of their own
    test/good, test/logical_anomalies, test/structural_anomalies
    ground_truth/logical_anomalies/000/000.png ...    one mask for each defect of picture 000
    defects_config.json                               what the values in the masks stand for

A mask's value names the type of defect, such as 250; all that is not 0 is defect.

Source: Bergmann et al., "Beyond Dents and Scratches", IJCV 2022.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from baad.data.decode import find_images, list_folders
from baad.data.jsonfile import read_json, refuse
from baad.data.mvtec import place_in, read_normals, read_validation
from baad.data.sample import Category, LabelledImage

LAYOUT = "MVTec LOCO"
CONFIG = "defects_config.json"
KINDS = ("logical_anomalies", "structural_anomalies")
LOOKED_FOR = f"{CONFIG}, test/{KINDS[0]} or test/{KINDS[1]}"


@dataclass(frozen=True)
class DefectType:
    """One type of defect: how much of it must be found for all of it to count as found.

    `saturation` is in px, or, where `relative`, a share of the defect's area in 0..1.
    """

    name: str
    pixel_value: int
    saturation: float
    relative: bool


def is_loco(root: Path) -> bool:
    """Whether the folder holds defects_config.json, or one of LOCO's two kinds of defects."""
    return os.path.isfile(root / CONFIG) or any(os.path.isdir(root / "test" / kind) for kind in KINDS)


def read_loco(root: Path) -> Category:
    """Read a category in LOCO's layout. A picture whose masks are missing names one, as read_mvtec says."""
    test: list[LabelledImage] = []
    for folder in list_folders(root / "test"):
        mask_folder = root / "ground_truth" / folder.name
        masked = folder.name != "good" and os.path.isdir(mask_folder)
        for path in find_images(folder, recursive=True):
            own = mask_folder / place_in(path, folder)
            found = tuple(find_images(own)) if masked and os.path.isdir(own) else ()
            test.append(LabelledImage(path, folder.name, found or ((own / "000.png",) if masked else ())))
    train = read_normals(root / "train" / "good") + read_validation(root)
    return Category(root.resolve().name, root, LAYOUT, train, tuple(test))


def read_defect_types(path: Path) -> dict[int, DefectType]:
    """Read defects_config.json: pixel value -> type of defect. Raises DataError where it is not such a file."""
    records = read_json(path)
    types: dict[int, DefectType] = {}
    for number, record in enumerate(records if isinstance(records, list) else [None]):
        try:
            name, value = str(record["defect_name"]), int(record["pixel_value"])
            each = DefectType(name, value, float(record["saturation_threshold"]), bool(record["relative_saturation"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            wanted = "defect_name, pixel_value, saturation_threshold and relative_saturation"
            raise refuse(path, f"entry {number} does not tell {wanted}", "Copy it again from the data set") from error
        if not 0 < each.pixel_value <= 255 or not each.saturation > 0 or each.pixel_value in types:
            problem = f"entry {number} ({name}) has pixel value {value} and saturation {each.saturation:g}"
            raise refuse(path, problem, "Give each type a value of its own from 1 to 255, and a saturation above 0")
        types[value] = each
    return types
