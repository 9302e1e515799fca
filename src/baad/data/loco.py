"""Layout of MVTec LOCO AD -> Category.

    train/good/000.png                                normal pictures
    validation/good/000.png                           more of them, of a session of their own
    test/good, test/logical_anomalies, test/structural_anomalies
    ground_truth/logical_anomalies/000/000.png ...    one mask for each defect of picture 000
    defects_config.json                               what the values in the masks stand for; not read

A mask's value names the type of defect, such as 250; all that is not 0 is defect.

Source: Bergmann et al., "Beyond Dents and Scratches", IJCV 2022.
"""

import os
from pathlib import Path

from baad.data.files import find_images
from baad.data.mvtec import kind_of_folder, list_kinds, note_unread, place_in, read_normals, read_validation
from baad.data.results import leave_out_results, note_results
from baad.data.sample import Category, LabelledImage

LAYOUT = "MVTec LOCO"
CONFIG = "defects_config.json"
KINDS = ("logical_anomalies", "structural_anomalies")
LOOKED_FOR = f"{CONFIG}, test/{KINDS[0]} or test/{KINDS[1]}"


def is_loco(root: Path) -> bool:
    """Whether the folder holds defects_config.json, or one of LOCO's two kinds of defects."""
    return os.path.isfile(root / CONFIG) or any(os.path.isdir(root / "test" / kind) for kind in KINDS)


def read_loco(root: Path) -> Category:
    """Read a category in LOCO's layout. A picture whose masks are missing names one, as read_mvtec says."""
    test: list[LabelledImage] = []
    results: list[Path] = []
    kinds, truth = list_kinds(root / "test", root)
    for folder in kinds:
        mask_folder = truth / folder.name
        kind = kind_of_folder(folder)
        masked = kind != "good" and os.path.isdir(mask_folder)
        for path in leave_out_results(find_images(folder, recursive=True), results.append):
            own = mask_folder / place_in(path, folder)
            found = tuple(find_images(own)) if masked and os.path.isdir(own) else ()
            test.append(LabelledImage(path, kind, found or ((own / "000.png",) if masked else ())))
    train = read_normals(root / "train" / "good", results.append) + read_validation(root, results.append)
    notes = (*note_unread(root, "good"), *note_results(results))
    return Category(root.resolve().name, root, LAYOUT, train, tuple(test), notes)
