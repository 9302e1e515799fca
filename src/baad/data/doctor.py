"""What is wrong with a category, found before training: all problems at once, each with its file and a remedy."""

import hashlib
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from baad.data.decode import Samples, UnreadableFile, open_samples, read_content, show_path, to_picture
from baad.data.homes import homes_of
from baad.data.masks import explain_mismatch, mask_file, read_marks
from baad.data.part_masks import NOTHING, find_part_masks, list_unused, mark_nothing
from baad.data.sample import Category, LabelledImage, Mask, Outlines
from baad.errors import DataError
from baad.progress import Progress

CHECK_SIZE = 64  # px: JPEGs are decoded no larger than that, which finds damage all the same
DARK = 32  # of 255: pictures whose brightest level is below were stored in another range
NEARLY_ALL = 0.95  # share of its picture above which a mask of defects looks inverted, or has two levels but for edges
SOFT = 16  # of 255: by how much JPEG moves a mask's levels
LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif")
ADDED = re.compile(r"(.+)[_\-. ][a-z]+", re.I)  # a picture's name and a word, as in 000_seg
MASK_NAME = re.compile(r"(.+)[_\-. ](?:mask|gt|label)", re.I)  # 000_mask beside 000
MASK_PLACE = re.compile(r"masks?|labels?|gt|ground[_\- ]?truth", re.I)  # a folder's name

Severity = Literal["error", "warning"]
_Job = TypeVar("_Job")
_Fact = TypeVar("_Fact")


@dataclass(frozen=True)
class Finding:
    """One problem. `file` is relative to the category where it lies inside; an "error" forbids training."""

    severity: Severity
    file: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}. {self.remedy}."


@dataclass(frozen=True)
class _Picture:
    """What was found in a picture file; `shape` is (height, width), `brightest` a level of 255."""

    path: Path
    shape: tuple[int, int]
    colour: str
    pages: int
    brightest: int
    digest: bytes
    two_levels: bool  # no more of them, as in a mask
    nearly_two: bool  # far apart, all but a few pixels near one: as in a mask with soft edges, or stored as JPEG


@dataclass(frozen=True)
class _Pairing:
    """A mask and the picture it belongs to; it marks a "defect" or the "part"."""

    picture: Path
    mask: Mask
    marks: Literal["defect", "part"]

    @property
    def file(self) -> Path:
        return mask_file(self.mask)

    def name(self, root: Path) -> str:
        """The mask's file; one that holds the outlines of many pictures says of which."""
        name = _name(self.file, root)
        return f"{name} (for {self.picture.name})" if isinstance(self.mask, Outlines) else name


def check_category(category: Category, progress: Progress, *, part_masks: Path | None = None) -> list[Finding]:
    """Check a category before training: every picture and mask of both halves is decoded. Errors come first.

    `part_masks` is the user's folder of masks of the part, if any. A foreground/ folder is not read. Whether pictures
    are enough for the false-alarm rate asked for, `verdict.enough` says.
    """
    root = category.root
    paths = [image.path for image in category.train] + [image.path for image in category.test]
    pictures, findings = _read_pictures(paths, root, progress)
    pairings = _pair_defects(category.test)
    if part_masks is not None:
        found = find_part_masks(part_masks, [image.path for image in category.train])
        pairings += [_Pairing(picture, mask, "part") for picture, mask in found.items()]
        findings += [Finding("error", _name(part_masks, root), *NOTHING)] if mark_nothing(found.values()) else []
        unused = list_unused(part_masks, paths)
        remedy = "Call a mask of the part as its picture, STEM.png"
        findings += _one_for_all(unused, root, "it is a mask of no picture, and not read", remedy)
    findings += _check_masks(pairings, pictures, root, progress)
    train = [pictures[image.path] for image in category.train if image.path in pictures]
    test = [pictures[image.path] for image in category.test if image.path in pictures]
    findings += _check_number(category)
    findings += _check_copies(train, test, root) + _check_mixture(train, test, root)
    findings += _check_strays(train + test, root)
    findings += _check_pages(train + test, root) + _check_darkness(category.name, train)
    return _errors_first(findings + _check_kinds(category))


def check_test(category: Category, progress: Progress) -> list[Finding]:
    """Check the test half before evaluation, its outlines of the part included. Errors come first."""
    root = category.root
    pictures, findings = _read_pictures([image.path for image in category.test], root, progress)
    outlines = [_Pairing(image.path, image.foreground, "part") for image in category.test if image.foreground]
    findings += _check_masks(_pair_defects(category.test) + outlines, pictures, root, progress)
    there = list(pictures.values())
    findings += _check_strays(there, root) + _check_pages(there, root)
    if not category.test:
        homes = homes_of(category.layout)
        remedy = f"{homes.test_normal}, and defective ones as well: {homes.defective[0].lower()}{homes.defective[1:]}"
        findings.append(Finding("error", category.name, "it has no test pictures", remedy))
    return _errors_first(findings + _check_kinds(category) + _check_truth(category))


def require_usable(findings: Sequence[Finding]) -> list[Finding]:
    """The warnings, if there is no error. Raises DataError that lists every error, one to a line."""
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise DataError("\n".join(errors))
    return list(findings)


def _errors_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.severity)  # stable, and "error" < "warning"


def _pair_defects(test: Sequence[LabelledImage]) -> list[_Pairing]:
    return [_Pairing(image.path, mask, "defect") for image in test for mask in image.masks]


def _each(read: Callable[[_Job], _Fact], jobs: Sequence[_Job]) -> Iterator[tuple[_Job, _Fact | UnreadableFile]]:
    """Read in parallel, answer in order; decoding leaves Python's lock."""

    def attempt(job: _Job) -> _Fact | UnreadableFile:
        try:
            return read(job)
        except UnreadableFile as error:
            return error

    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")  # decoders warn of odd metadata, which does no harm
        yield from zip(jobs, pool.map(attempt, jobs))


def _read_pictures(paths: Sequence[Path], root: Path, progress: Progress) -> tuple[dict[Path, _Picture], list[Finding]]:
    pictures: dict[Path, _Picture] = {}
    findings = []
    with progress.task("checking pictures", len(paths)) as task:
        for path, fact in _each(_read_picture, paths):
            if isinstance(fact, UnreadableFile):
                findings.append(Finding("error", _name(path, root), fact.problem, fact.remedy))
            else:
                pictures[path] = fact
            task.advance()
    return pictures, findings


def _read_picture(path: Path) -> _Picture:
    samples = open_samples(read_content(path), path, reduce_to=CHECK_SIZE)
    picture = to_picture(samples, path)
    low, high = int(picture.min()), int(picture.max())
    two_levels = all(
        bool(((seen == low) | (seen == high)).all()) for seen in (picture[::8, ::8], picture)
    )  # soon known
    sample = picture[::4, ::4]
    near = (sample < low + SOFT) | (sample > high - SOFT)
    nearly_two = high - low > 4 * SOFT and bool(near.mean() >= NEARLY_ALL)
    digest = _digest(samples)
    return _Picture(path, samples.shape, samples.colour, samples.pages, high, digest, two_levels, nearly_two)


def _digest(samples: Samples) -> bytes:
    """What is seen: a copy with other metadata is the same picture."""
    digest = hashlib.sha256(f"{samples.shape} {samples.values.dtype.str}".encode())
    digest.update(samples.values.tobytes())
    return digest.digest()


def _check_masks(
    pairings: Sequence[_Pairing], pictures: dict[Path, _Picture], root: Path, progress: Progress
) -> list[Finding]:
    """Missing, damaged and mismatched masks are errors; odd ones warn."""
    findings, whole = [], []
    there = [pairing for pairing in pairings if os.path.exists(pairing.file)]
    for pairing in pairings:
        if not os.path.exists(pairing.file):
            problem = f"it has no mask {pairing.name(root)}, though others of its kind have theirs"
            remedy = "Add the mask, or move the picture away"
            findings.append(Finding("error", _name(pairing.picture, root), problem, remedy))
    with progress.task("checking masks", len(there)) as task:
        for pairing, fact in _each(lambda pairing: _describe_mask(read_marks(pairing.mask)), there):
            name, picture = pairing.name(root), pictures.get(pairing.picture)
            if isinstance(fact, UnreadableFile):
                findings.append(Finding("error", name, fact.problem, fact.remedy))
            elif picture is not None and fact[0] != picture.shape:
                findings.append(Finding("error", name, *explain_mismatch(fact[0], picture.shape)))
            else:
                findings += _check_marks(name, fact[1], pairing.marks)
                whole += [pairing.file] if fact[1] == 1.0 and pairing.marks == "part" else []
            task.advance()
    lossy = [pairing.file for pairing in there if pairing.file.suffix.lower() in LOSSY]
    problem = "the mask is a JPEG, whose noise around edges counts as marked"
    findings += _one_for_all(lossy, root, problem, "Save masks as PNG")
    remedy = "Give masks with 0 for background, and not the pictures themselves"
    return findings + _one_for_all(whole, root, "the mask marks all of its picture as part", remedy)


def _describe_mask(marked: np.ndarray) -> tuple[tuple[int, ...], float]:
    """Shape, and the marked share of the area."""
    return marked.shape, float(marked.mean())


def _check_marks(name: str, share: float, marks: str) -> list[Finding]:
    if share == 0.0:
        return [Finding("warning", name, "the mask marks nothing", f"Paint the {marks} with any value above 0")]
    if share > NEARLY_ALL and marks == "defect":
        problem = f"the mask marks {share:.0%} of its picture as defect"
        return [Finding("warning", name, problem, "Invert it if the defect is black in it")]
    return []


def _check_number(category: Category) -> list[Finding]:
    """Training needs pictures to learn from and one to set the threshold with."""
    normals = len(category.train)
    if normals >= 2:
        return []
    problem = "there are no normal pictures" if normals == 0 else "there is only one normal picture"
    remedy = f"{homes_of(category.layout).normal}, or give a folder of good pictures; 100 is good"
    return [Finding("error", category.name, problem, remedy)]


def _check_copies(train: Sequence[_Picture], test: Sequence[_Picture], root: Path) -> list[Finding]:
    """The same picture twice, by what is seen: in both halves, or within one."""
    findings = []
    alike = Counter(picture.digest for picture in (*train, *test))
    in_train, in_test = _by_digest(train, alike), _by_digest(test, alike)
    for digest in in_train.keys() & in_test.keys():
        problem = f"it is also in the test half, as {_name(in_test[digest][0], root)}"
        remedy = "Remove it from one of them: figures on seen pictures are too good"
        findings.append(Finding("warning", _name(in_train[digest][0], root), problem, remedy))
    for paths in (*in_train.values(), *in_test.values()):
        if len(paths) > 1:
            others = ", ".join(_name(path, root) for path in paths[1:4]) + (" ..." if len(paths) > 4 else "")
            remedy = "Keep one of them: a copy tells nothing new"
            findings.append(Finding("warning", _name(paths[0], root), f"the same picture as {others}", remedy))
    return sorted(findings, key=lambda finding: finding.file)


def _by_digest(pictures: Iterable[_Picture], alike: Counter[bytes]) -> dict[bytes, list[Path]]:
    """JPEGs that were alike when they were read small are read whole."""
    groups: dict[bytes, list[Path]] = {}
    for picture in pictures:
        whole = alike[picture.digest] > 1 and picture.path.suffix.lower() in LOSSY
        digest = _digest(open_samples(read_content(picture.path), picture.path)) if whole else picture.digest
        groups.setdefault(digest, []).append(picture.path)
    return groups


def _check_mixture(train: Sequence[_Picture], test: Sequence[_Picture], root: Path) -> list[Finding]:
    """Sizes and colour modes that differ within the normals, or between them and the test half."""
    findings = []
    for what, seen in (
        ("size", lambda picture: f"{picture.shape[1]} x {picture.shape[0]} px"),
        ("colour mode", lambda picture: picture.colour),
    ):
        counts = Counter(map(seen, train)).most_common()
        remedy = f"Use one {what} unless the line delivers several too"
        if len(counts) > 1:
            odd = next(picture for picture in train if seen(picture) == counts[-1][0])
            problem = f"the normal pictures have {len(counts)} {what}s: {counts[0][1]} of {len(train)} are "
            problem += f"{counts[0][0]}, this one is {counts[-1][0]}"
            findings.append(Finding("warning", _name(odd.path, root), problem, remedy))
        elif counts:
            other = [picture.path for picture in test if seen(picture) != counts[0][0]]
            problem = f"its {what} is not that of the normal pictures, {counts[0][0]}"
            findings += _one_for_all(other, root, problem, remedy)
    return findings


def _check_strays(pictures: Sequence[_Picture], root: Path) -> list[Finding]:
    """Masks that were taken for pictures: they lie among those they belong to, or in a folder beside them, and have two
    levels and the name of a picture that has more, or that name and a word; or a mask's name, or place."""
    named = {(picture.path.parent, picture.path.stem) for picture in pictures}
    many = [picture for picture in pictures if not (picture.two_levels or picture.nearly_two)]
    pictured = {picture.path.stem for picture in many}  # silhouettes are like masks

    def is_stray(picture: _Picture) -> bool:
        path = picture.path
        if MASK_PLACE.fullmatch(path.parent.name):
            return picture.two_levels or (picture.nearly_two and path.stem in pictured)
        if picture.two_levels and picture.nearly_two and {path.stem, _match(ADDED, path)} & pictured:
            return True
        return picture.two_levels and (path.parent, _match(MASK_NAME, path)) in named

    strays = [picture.path for picture in pictures if is_stray(picture)]
    remedy = "Move masks where this layout has them, and no pictures, such as ground_truth/KIND"
    remedy += ", or rename it if it is a picture"
    return [Finding("error", _name(path, root), "it is a mask, taken for a picture", remedy) for path in strays]


def _match(name: re.Pattern[str], mask: Path) -> str | None:
    """The name of the picture that a file would be the mask of by its own: 000_mask -> 000."""
    match = name.fullmatch(mask.stem)
    return match[1] if match else None


def _check_pages(pictures: Sequence[_Picture], root: Path) -> list[Finding]:
    paged = [picture.path for picture in pictures if picture.pages > 1]
    return _one_for_all(paged, root, "it has several pages, of which the first is used", "Save pages separately")


def _check_darkness(name: str, train: Sequence[_Picture]) -> list[Finding]:
    """Pictures stored in a range that makes them black, as 12-bit values in a 16-bit file."""
    brightest = max((picture.brightest for picture in train), default=255)
    if brightest >= DARK:
        return []
    problem = f"the brightest level in all normal pictures is {brightest} of 255"
    remedy = "Spread 10- or 12-bit values over the 16 bits of the file (times 64 or 16), or light the scene"
    return [Finding("warning", name, problem, remedy)]


def _check_kinds(category: Category) -> list[Finding]:
    """A test half without normals or without defects, and kinds without masks beside kinds with them."""
    name, kinds, homes = category.name, {image.kind for image in category.test}, homes_of(category.layout)
    findings = []
    if kinds and "good" not in kinds:
        problem = "the test half has no normal pictures, so false alarms cannot be counted"
        findings.append(Finding("warning", name, problem, homes.test_normal))
    if kinds == {"good"}:
        problem = "the test half has no defective pictures, so misses cannot be counted"
        findings.append(Finding("warning", name, problem, homes.defective))
    masked = {image.kind for image in category.test if image.masks}
    for kind in sorted(kinds - masked - {"good"}) if masked else ():
        problem = f"the kind {kind} has no masks, though others have; its pictures count for image figures only"
        findings.append(Finding("warning", name, problem, homes_of(category.layout, kind).masks))
    return findings


def _check_truth(category: Category) -> list[Finding]:
    """A test half whose defective pictures have no masks at all: they may lie where nobody looks for them."""
    defective = [image for image in category.test if image.defective]
    if not defective or any(image.masks for image in defective):
        return []
    problem = "no defective picture has a mask, so the figures per pixel are left empty"
    return [Finding("warning", category.name, problem, homes_of(category.layout).masks)]


def _one_for_all(files: Sequence[Path], root: Path, problem: str, remedy: str) -> list[Finding]:
    """One warning under the first file's name, with the number of the others that share it."""
    if not files:
        return []
    others = f" (and {len(files) - 1} more files like it)" if len(files) > 1 else ""
    return [Finding("warning", _name(files[0], root), problem + others, remedy)]


def _name(path: Path, root: Path) -> str:
    return show_path(path.relative_to(root).as_posix() if path.is_relative_to(root) else path)
