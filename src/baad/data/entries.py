"""List of labelled pictures -> Category: for layouts which name pictures one by one, rather than by their folder."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from baad.data.files import natural_order
from baad.data.folder import name_sessions
from baad.data.sample import Category, GoodImage, LabelledImage, Mask

Half = Literal["train", "test", ""]  # "" where nothing says which half a picture is for

GOOD_WORDS = {"good", "normal", "nominal", "ok"}
DEFECT_WORDS = {
    *("anomaly", "anomalies", "anomalous", "bad", "broken", "damaged", "defect", "defective", "defects"),
    *("fail", "failed", "faulty", "ko", "ng", "nio", "nok", "reject", "rejected", "rejects", "scrap"),
}
PLAIN_WORDS = {  # that may stand beside a word for a half, or for defects, and change nothing
    *("annotations", "data", "dataset", "image", "images", "img", "imgs", "instances", "item", "items", "jpegimages"),
    *("lot", "part", "parts", "picture", "pictures", "piece", "pieces", "public", "sample", "samples", "set", "split"),
}
TURNING_WORDS = {"detection", "detector", "free", "inspection", "no", "non", "not", "without", "zero"}  # no_defects
TRAIN_WORDS = {"train", "training"}
TEST_WORDS = {"test", "testing", "val", "valid", "validation", "eval"}


@dataclass(frozen=True)
class Entry:
    """One picture as a list names it: `kind` is "good" or the name of the defect, `session` its recording session."""

    path: Path
    kind: str
    half: Half = ""
    masks: tuple[Mask, ...] = ()
    session: str = ""


def make_category(name: str, root: Path, layout: str, entries: Iterable[Entry], notes: Sequence[str] = ()) -> Category:
    """Sort pictures into the halves, in natural order: good ones are learnt from unless they are for testing.

    Defective pictures are for testing, whatever half they are listed in; the notes say how many were moved. Where no
    picture to learn from has a session, sub-folders are sessions as in a folder of good pictures.
    """
    ordered = sorted(entries, key=lambda entry: natural_order(entry.path))
    train = [entry for entry in ordered if entry.kind == "good" and entry.half != "test"]
    test = [entry for entry in ordered if entry.kind != "good" or entry.half == "test"]
    moved = sum(entry.half == "train" for entry in test)
    if moved:
        notes = [*notes, f"{moved} defective pictures of the training half are for testing only"]
    if any(entry.session for entry in train):
        learnt = tuple(GoodImage(entry.path, entry.session) for entry in train)
    else:
        learnt = name_sessions([entry.path for entry in train], root)
    return Category(
        name,
        root,
        layout,
        learnt,
        tuple(LabelledImage(entry.path, entry.kind, entry.masks) for entry in test),
        tuple(notes),
    )


def half_of(text: str) -> Half:
    """The half that a split or the name of a file speaks of: "instances_val2017" -> "test"."""
    words = _words(text)
    return "train" if words & TRAIN_WORDS else "test" if words & TEST_WORDS else ""


def half_of_folders(names: Sequence[str]) -> Half:
    """The half that the innermost folder named for one speaks of: "line_1", "val2017", "good" -> "test". One that is
    named for something else besides, as "test_cell_3" is for a place, is none."""
    return next((half_of(name) for name in reversed(names) if _says_only(name, TRAIN_WORDS | TEST_WORDS)), "")


def defects_of_folders(names: Sequence[str]) -> str:
    """The innermost folder named for defects and for nothing else: "lot_3", "NG parts" -> "NG parts"; "" where there is
    none, or one named good lies inside of it."""
    for name in reversed(names):
        if is_named_good(name):
            return ""
        if _says_only(name, DEFECT_WORDS):
            return name
    return ""


def is_named_good(folder: str) -> bool:
    """Whether a folder's name is one of the words for good."""
    return folder.lower() in GOOD_WORDS


def may_hold_defects(folder: str) -> bool:
    """Whether one of the words in a folder's name means defective, and none turns it round: "rejected_on_monday"."""
    words = _words(folder)
    return bool(words & DEFECT_WORDS) and not words & TURNING_WORDS


def _says_only(name: str, wanted: set[str]) -> bool:
    """Whether a name has one of the words that are wanted, and no others but those that change nothing."""
    words = {word for word in _words(name) if len(word) > 1}
    return bool(words & wanted) and words <= wanted | GOOD_WORDS | DEFECT_WORDS | PLAIN_WORDS


def kind_of_label(label: str) -> str:
    """ "good" for the words that mean it, else the label itself without what a folder's name must not hold."""
    plain = re.sub(r"[/\\\s]+", " ", label).strip()
    return "good" if plain.lower() in GOOD_WORDS else plain


def join_kinds(labels: Iterable[str]) -> str:
    """The kind of a picture from the labels of its shapes: "good" without any; several in order of the alphabet."""
    kinds = sorted({kind_of_label(label) or "defect" for label in labels} - {"good"})
    return "+".join(kinds) or "good"


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
