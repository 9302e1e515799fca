"""List of labelled pictures -> Category: for layouts which name pictures one by one, rather than by their folder."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from baad.data.files import natural_order
from baad.data.sample import Category, GoodImage, LabelledImage, Mask

Half = Literal["train", "test", ""]  # "" where nothing says which half a picture is for

GOOD_WORDS = {"good", "normal", "nominal", "ok"}
DEFECT_WORDS = {
    *("anomaly", "anomalies", "anomalous", "bad", "broken", "damaged", "defect", "defective", "defects"),
    *("fail", "failed", "faulty", "ko", "ng", "nio", "nok", "reject", "rejected", "rejects", "scrap"),
}
NOT_WORDS = {"free", "no", "non", "not", "without", "zero"}  # no_defects
TRAIN_WORDS = {"train", "training"}
TEST_WORDS = {"test", "testing", "val", "valid", "validation", "eval"}
HALF_FOLDER = re.compile(  # train, val2017, test-images; not test_cell_3 or training_line, which name a place
    rf"(?:images|instances)?[_\- ]?({'|'.join(sorted(TRAIN_WORDS | TEST_WORDS))})"
    r"[_\- ]?(?:set|images|data|public)?[_\- ]?\d*"
)


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

    Defective pictures are for testing, whatever half they are listed in; the notes say how many were moved.
    """
    ordered = sorted(entries, key=lambda entry: natural_order(entry.path))
    train = [entry for entry in ordered if entry.kind == "good" and entry.half != "test"]
    test = [entry for entry in ordered if entry.kind != "good" or entry.half == "test"]
    moved = sum(entry.half == "train" for entry in test)
    if moved:
        notes = [*notes, f"{moved} defective pictures of the training half are for testing only"]
    return Category(
        name,
        root,
        layout,
        tuple(GoodImage(entry.path, entry.session) for entry in train),
        tuple(LabelledImage(entry.path, entry.kind, entry.masks) for entry in test),
        tuple(notes),
    )


def half_of(text: str) -> Half:
    """The half that a split or the name of a file speaks of: "instances_val2017" -> "test"."""
    words = _words(text)
    return "train" if words & TRAIN_WORDS else "test" if words & TEST_WORDS else ""


def half_of_folders(names: Sequence[str]) -> Half:
    """The half that the innermost folder named for one speaks of: "line_1", "test", "good" -> "test"."""
    for name in reversed(names):
        match = HALF_FOLDER.fullmatch(name.lower())
        if match:
            return half_of(match[1])
    return ""


def is_named_good(folder: str) -> bool:
    """Whether a folder's name is one of the words for good."""
    return folder.lower() in GOOD_WORDS


def is_named_for_defects(folder: str) -> bool:
    """Whether one of the words in a folder's name means defective, and none turns it round: "defect_parts"."""
    words = _words(folder)
    return bool(words & DEFECT_WORDS) and not words & NOT_WORDS


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
