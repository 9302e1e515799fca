"""Plain folder of good pictures, at any depth -> Category without a test half.

Sub-folders count as recording sessions when there are at least five of them; with fewer, a whole one could not be
held out without losing too much to learn from.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from baad.data.files import find_images, walk_folders
from baad.data.results import leave_out_results, note_results
from baad.data.sample import Category, GoodImage

LAYOUT = "folder of good pictures"
PART_FOLDERS = ("foreground", "fg_mask")  # hold masks or outlines of the part
MASK_FOLDERS = (*PART_FOLDERS, "ground_truth")  # hold masks, never pictures
SESSIONS_FROM = 5  # sub-folders


def read_folder(root: Path | str) -> Category:
    """Take every picture below `root` as normal, except in folders named foreground, fg_mask or ground_truth, and
    except results of BAAD, which the notes count.

    Without pictures the category is empty, which check_category reports. Raises DataError where the folder is missing
    or cannot be listed.
    """
    root = Path(root)
    results: list[Path] = []
    files = leave_out_results(leave_out_masks(find_images(root, recursive=True), root), results.append)
    return Category(root.resolve().name, root, LAYOUT, name_sessions(files, root), notes=note_results(results))


def leave_out_masks(files: Sequence[Path], root: Path) -> list[Path]:
    """The files below `root` that lie in none of MASK_FOLDERS: good pictures are never taken from there."""
    return [path for path in files if not hold_masks(path.relative_to(root).parts[:-1])]


def walk_outside_part(root: Path, aside: Path | None = None) -> Iterator[tuple[Path, list[str]]]:
    """As `walk_folders` does, but for folders named for masks or outlines of the part, and what lies in them."""
    for place, names in walk_folders(root, aside=aside):
        if not hold_masks(Path(place).relative_to(root).parts, PART_FOLDERS):
            yield Path(place), names


def hold_masks(folders: Iterable[str], names: Sequence[str] = MASK_FOLDERS) -> bool:
    """Whether one of some folders is named for masks, in small or in capital letters: by one of the `names`."""
    return any(folder.lower() in names for folder in folders)


def name_sessions(files: Sequence[Path], root: Path) -> tuple[GoodImage, ...]:
    """Normal pictures with their sub-folder as session, or with none where there are fewer than five sub-folders.

    What lies outside of `root`, as a list may name it, is of the session of its whole folder.
    """
    homes = [path.parent for path in files]
    folders = [(home.relative_to(root) if home.is_relative_to(root) else home).as_posix() for home in homes]
    named = len(set(folders)) >= SESSIONS_FROM
    return tuple(GoodImage(path, folder if named else "") for path, folder in zip(files, folders))
