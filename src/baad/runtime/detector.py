"""Detector.load(bundle).predict(image) -> Verdict: bundle + picture in, decision out, without PyTorch."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from baad.bundle import read_bundle
from baad.data.decode import NO_MEMORY, UnreadableFile, open_samples, read_content, to_picture
from baad.data.geometry import resize_map
from baad.errors import BaadError, BundleError, ImageError, InputMismatch
from baad.runtime.frame import Frame
from baad.runtime.session import RawMaps, Session
from baad.runtime.stream import AHEAD, Judged, read_ahead, require_many
from baad.runtime.tiles import Scorer, as_trained
from baad.runtime.zoned import TOP_CELLS, find_box, score_zones
from baad.verdict.calibration import Calibration, at_rate, at_threshold
from baad.verdict.decide import Verdict, decide
from baad.verdict.drawn import IGNORE, RULES, DrawnZones, Rule, paint_rules, parse_zones
from baad.verdict.regions import find_regions, find_ruled_regions, find_strangest
from baad.verdict.zones import ZoneShares, border_width, share_alarm

SLACK = 1.05  # times beyond what training showed, in aspect or along the side, before a picture is not judged
FRAMING_TOLERANCE = (
    2.0  # times less than the least odds of the picture's area that the part filled, or more than the most
)
PLACE_TOLERANCE = 0.1  # of the picture's side beyond the training parts' centres
NO_ZONES = DrawnZones()
NOWHERE = ZoneShares(0.0, 0.0, 0.0)
COLOUR_GRID = 256  # rows and columns, about, that are looked at for colour

Opened = tuple[np.ndarray, tuple[str, ...]]  # uint8 [H, W, 3], and what makes a verdict on it doubtful
Picture = str | os.PathLike[str] | np.ndarray | Frame  # a file; uint8 [H, W, 3], red first, or [H, W], grey; a frame


@dataclass(frozen=True, eq=False)
class Detector:
    """A model ready to judge. Holds no state that a picture could change; may be shared between threads.

    from baad import Detector
    detector = Detector.load("model.baad")
    print(detector.predict("part.png").label)
    """

    session: Scorer
    calibration: Calibration
    manifest: Mapping[str, Any]
    zones: DrawnZones = NO_ZONES
    any_size: bool = False  # judge pictures of another size or aspect than in training, with a note
    caveats: tuple[str, ...] = ()  # notes of every verdict

    @classmethod
    def load(
        cls, path: Path | str, threads: int = 0, provider: str = "cpu", pin: bool = False, tiles: int | None = None
    ) -> "Detector":
        """Read and verify a model file.

        `threads`: 0 takes every core; `pin` ties those that the runtime starts, not the caller's, to cores, for a
        machine that does nothing else. `provider`: "cpu" and "cuda" are ONNX Runtime's, "openvino" is OpenVINO.
        `tiles`: side in px of the tiles that pictures are judged in, 0 for whole pictures; None: as the model was
        trained. Raises BundleError, see `read_bundle`.
        """
        bundle = read_bundle(Path(path))
        manifest = bundle.manifest
        drawn = manifest.get("zones")
        zones = NO_ZONES if drawn is None else parse_zones(drawn, bundle.path)
        trained = int(manifest.get("tile_px", 0))
        side = trained if tiles is None else tiles
        usual = None if side else usual_shape(manifest)
        session = as_trained(Session(bundle.onnx, threads, provider, pin=pin, usual=usual), manifest, side)
        return cls(session, bundle.calibration, manifest, zones, caveats=doubt_tiles(side, trained))

    def warm_up(self) -> "Detector":
        """Judge an empty picture, so that the first real one takes no longer than the others."""
        whole = isinstance(self.session, Session)  # in tiles the network never sees a picture of the usual size
        height, width = (whole and usual_shape(self.manifest)) or self.manifest.get("input_shape", (256, 256))
        self.session.run(np.zeros((int(height), int(width), 3), np.uint8))
        return self

    def with_false_alarms(self, rate: float) -> "Detector":
        """The same model at another false-alarm rate, a share between 0 and 1; the network is not loaded again."""
        return replace(self, calibration=at_rate(self.calibration, rate))

    def with_threshold(self, threshold: float) -> "Detector":
        """The same model with a threshold of the raw score set by hand."""
        return replace(self, calibration=at_threshold(self.calibration, threshold))

    def with_zones(self, zones: DrawnZones) -> "Detector":
        """The same model with other drawn zones, see `baad.verdict.drawn.read_zones`; DrawnZones() has none."""
        return replace(self, zones=zones)

    def for_any_size(self) -> "Detector":
        """The same model, which judges pictures of any size and aspect and says so in the verdict's notes."""
        return replace(self, any_size=True)

    def predict(self, image: Picture) -> Verdict:
        """Judge a picture: a file, uint8 [H, W, 3] in the order red, green, blue, or uint8 [H, W] grey.

        Maps come back at the size of the picture. OpenCV reads blue first: turn its arrays with `image[:, :, ::-1]`.
        Raises ImageError for files that cannot be read and for other arrays, InputMismatch for a picture whose size or
        aspect lies outside what training showed, BundleError where the network gives no numbers on it.
        """
        return self._judge(*open_picture(image))

    def predict_batch(self, images: Sequence[Picture]) -> list[Verdict]:
        """Judge pictures, all in memory, together; on a processor no faster than one by one. Raises as `predict`.

        SettingError for one picture in place of many.
        """
        require_many(images, "predict_batch")
        opened = [open_picture(image) for image in images]
        for pixels, _ in opened:
            self._require_fit(pixels)
        raws = self.session.run_batch([pixels for pixels, _ in opened])
        return [self.decide_on(raw, pixels, notes) for raw, (pixels, notes) in zip(raws, opened)]

    def stream(
        self,
        images: Iterable[Any],
        ahead: int = AHEAD,
        read: Callable[[Any], Opened] | None = None,
        whole: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Iterator[Judged]:
        """Judge any number of pictures, in their order, in bounded memory; the next are read while one is judged.

        Where `predict` would raise ImageError or BundleError, `error` comes in the place of `verdict`. `images` is
        drawn from another thread, at most `ahead` before they are asked for; 0 is for a camera, whose frames would grow
        old. They are what `predict` takes, arrays copied when they are drawn, so that a camera may fill one buffer
        again and again; or anything that `read` makes pixels and notes of, or raises ImageError for. `whole` is entered
        before a picture is judged and left when the next one is asked for, as for `Stop.held`.

        for judged in detector.stream(sorted(Path("new").glob("*.png"))):
            print(judged.source, judged.verdict.label if judged.verdict else judged.error)
        """

        if read is None:
            require_many(images, "stream")

        def prepare() -> None:
            with suppress(BaadError):  # what cannot be run is said of each picture
                self.warm_up()

        for source, opened in read_ahead(images, read or _open_own, ahead, prepare):
            with whole():
                yield self._answer(source, opened)

    def _answer(self, source: Any, opened: Opened | ImageError) -> Judged:
        if isinstance(opened, ImageError):
            return Judged(source, None, None, opened)
        try:
            return Judged(source, opened[0], self._judge(*opened))
        except (ImageError, BundleError) as error:
            return Judged(source, opened[0], None, error)
        except MemoryError:
            told = f"There is not enough memory to judge {opened[0].shape[1]} x {opened[0].shape[0]} px."
            return Judged(source, opened[0], None, ImageError(f"{told} Judge smaller pictures, or free memory."))

    def _judge(self, pixels: np.ndarray, notes: tuple[str, ...]) -> Verdict:
        self._require_fit(pixels)
        return self.decide_on(self.session.run(pixels), pixels, notes)

    def _require_fit(self, pixels: np.ndarray) -> None:
        misfits = check_input((pixels.shape[0], pixels.shape[1]), self.manifest)
        if misfits and not self.any_size:
            raise InputMismatch(f"{misfits[0]}. Take pictures as in training, or train again with such pictures.")

    def decide_on(self, raw: RawMaps, pixels: np.ndarray, notes: tuple[str, ...] = ()) -> Verdict:
        """The verdict on uint8 [H, W, 3] of which `score` gave the raw maps, whatever its size. `notes` come last."""
        shape = (pixels.shape[0], pixels.shape[1])
        notes = (*self.doubts(pixels, raw), *self.caveats, *notes)
        return judge(raw, shape, self.calibration, notes, self.zones)

    def doubts(self, pixels: np.ndarray, raw: RawMaps) -> tuple[str, ...]:
        """What makes a verdict on uint8 [H, W, 3] doubtful, and on what the network saw in it: `Verdict.notes`."""
        shape, manifest = (pixels.shape[0], pixels.shape[1]), self.manifest
        return check_input(shape, manifest) + check_colour(pixels, manifest) + check_framing(raw.foreground, manifest)

    def score(self, image: Picture) -> RawMaps:
        """The network's raw maps, score and reconstruction for a picture, at the network's size, without a decision."""
        return self.session.run(open_picture(image)[0])


def judge(
    raw: RawMaps,
    shape: tuple[int, int],
    calibration: Calibration,
    notes: tuple[str, ...] = (),
    zones: DrawnZones = NO_ZONES,
) -> Verdict:
    """Decide on raw maps: what follows the network, for a picture of `shape` (H, W)."""
    anomaly_map = resize_map(raw.anomaly, shape)  # float32 [H, W]
    rules: np.ndarray | None = None  # uint8 [H, W], where zones are drawn
    foreground = resize_map(raw.foreground, shape)  # float32 [H, W]
    network_pixel = math.ceil(shape[0] * shape[1] / raw.anomaly.size)  # px; smaller regions come from interpolation
    part, border_px, threshold = foreground > 0.5, border_width(shape), calibration.pixel_threshold
    alarmed, score, rejecting = anomaly_map > threshold, raw.score, None
    if zones:
        box = find_box(foreground)
        rules = paint_rules(zones, shape, box)
        scores = score_zones(raw, zones)
        score, rejecting = scores.counting, scores.rejecting
        alarmed &= rules != IGNORE
        regions = find_ruled_regions(anomaly_map, threshold, network_pixel, part, border_px, rules)
        if box is None and zones.follow_part:
            notes = (*notes, "no part is seen: zones that follow it are left out, the strictest rules elsewhere")
        if (rules == IGNORE).all():
            notes = (*notes, "zones ignore the whole picture: nothing in it can reject it")
    else:
        regions = find_regions(anomaly_map, threshold, network_pixel, part, border_px)
    verdict = decide(
        score=score,
        calibration=calibration,
        regions=regions,
        zones=share_alarm(alarmed, part, border_px),
        anomaly_map=anomaly_map,
        foreground=foreground,
        notes=notes,
        rejecting=rejecting,
    )
    return with_place(verdict, 4 * TOP_CELLS * network_pixel, part, border_px, rules)


def with_place(verdict: Verdict, area_px: int, part: np.ndarray, border_px: int, rules: np.ndarray | None) -> Verdict:
    """The same verdict, with a place to look at where the picture is not good and no region says why.

    Scores and maps have thresholds of their own, so that the score can lie above its own where no pixel does. `area_px`
    is what the score looks at in the picture; part: bool [H, W]; rules: uint8 [H, W] of places in RULES, or None.
    Where drawn zones leave the rule that spoke a gap that holds a cell's centre and no pixel's, the place is the
    strangest that counts, or the strangest of all. Where nothing that counts lies above the pixel threshold, the zones
    are those of the place.
    """
    rule: Rule = "warn" if verdict.label == "warn" else "reject"
    if verdict.label == "ok" or any(region.rule == rule for region in verdict.regions):
        return verdict
    among = None if rules is None else rules == RULES.index(rule)
    if rules is not None and among is not None and not among.any():
        if any(region.rule != "ignore" for region in verdict.regions):
            return verdict
        among = rules != IGNORE if (rules != IGNORE).any() else None
    place = find_strangest(verdict.anomaly_map, area_px, part, border_px, among)
    if place is None:
        return verdict
    place = replace(place, rule=rule, below=place.peak <= verdict.pixel_threshold)
    regions = tuple(sorted((*verdict.regions, place), key=lambda region: -region.peak))
    return replace(verdict, regions=regions, zones=place.zones if verdict.zones == NOWHERE else verdict.zones)


def _open_own(image: Picture) -> Opened:
    """As `open_picture`; of an array, a copy."""
    return open_picture(image.copy() if isinstance(image, np.ndarray) else image)


def open_picture(image: Picture) -> Opened:
    """A picture as a person has it -> uint8 [H, W, 3], and what makes a verdict on it doubtful.

    Raises ImageError for a file that cannot be read, and for other arrays; it says how to convert them.
    """
    if isinstance(image, Frame):
        if image.pixels is None:
            raise ImageError(image.problem)
        return image.pixels, image.notes
    if isinstance(image, (str, os.PathLike)):
        path = Path(image)
        try:
            samples = open_samples(read_content(path), path)
            notes = (f"the first of {samples.pages} pages",) if samples.pages > 1 else ()
            return to_picture(samples, path), notes
        except MemoryError as error:
            raise UnreadableFile(path, *NO_MEMORY) from error
    return to_pixels(image), ()


def to_pixels(image: np.ndarray) -> np.ndarray:
    """An array as a person has it -> uint8 [H, W, 3]. Raises ImageError, which says how to convert."""
    if not isinstance(image, np.ndarray):
        raise ImageError(f"A picture is a file name or a numpy array, not {type(image).__name__}: use np.asarray(...).")
    if image.dtype != np.uint8:
        raise ImageError(f"The picture is an array of {image.dtype}: {_conversion(image)}.")
    pixels = image[:, :, None] if image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.size == 0:
        raise ImageError(f"The picture is an array of shape {list(image.shape)}: give [H, W, 3], or [H, W] for grey.")
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[:, :, :3]  # a fourth channel is alpha


def _conversion(image: np.ndarray) -> str:
    if image.dtype == bool:
        return "give uint8, with image.astype('uint8') * 255"
    if image.dtype.kind == "f":
        return "give uint8 in 0..255; values in 0..1 become that with (image * 255).round().astype('uint8')"
    if image.dtype == np.uint16:
        return "give uint8 in 0..255, as files are read: np.rint(image / 257).astype('uint8')"
    return "give uint8 in 0..255"


def check_input(shape: tuple[int, int], manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a picture of `shape` (H, W) is none that the model was trained for; empty where all is well."""
    nearest, aspect, side = _compare_shape(shape, manifest)
    notes = []
    if aspect > SLACK:
        notes.append(f"{nearest}: another aspect, the network sees parts squashed")
    if side > SLACK:
        notes.append(f"{nearest}: another resolution, fine detail differs")
    return tuple(notes)


def _known_shapes(manifest: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(H, W) of training pictures, each once."""
    return [(int(height), int(width)) for height, width in manifest.get("image_shapes", ())]


def usual_shape(manifest: Mapping[str, Any]) -> tuple[int, int] | None:
    """(H, W) of all training pictures; None where they differ, or were cut into tiles."""
    known = _known_shapes(manifest)
    return known[0] if len(known) == 1 and not manifest.get("tile_px") else None


def _compare_shape(shape: tuple[int, int], manifest: Mapping[str, Any]) -> tuple[str, float, float]:
    """How near the training pictures come to (H, W), for people; how many times beyond theirs aspect and side are.

    Where training pictures differ, further ones will differ more than a few of them did: half as far again is theirs.
    """
    known = _known_shapes(manifest)
    if not known:
        return "", 1.0, 1.0
    nearest = min(known, key=lambda other: _ratio(shape[0], other[0]) * _ratio(shape[1], other[1]))
    told = f"the picture is {shape[1]}x{shape[0]} px, the nearest training picture {nearest[1]}x{nearest[0]} px"
    aspect = _beyond(shape[1] / shape[0], [width / height for height, width in known])
    area = _beyond(shape[0] * shape[1], [height * width for height, width in known])
    return told, aspect, math.sqrt(area)


def check_colour(pixels: np.ndarray, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """A note for a grey picture where all training pictures were in colour, or the other way round."""
    known = manifest.get("image_colours", ())
    if not known or len(known) > 1 or (found := name_colour(pixels)) in known:
        return ()
    return (f"the picture is in {found}, all training pictures are in {known[0]}: another camera or setting",)


def doubt_tiles(side: int, trained: int) -> tuple[str, ...]:
    """A note where tiles are other ones than in training, whose held-out pictures set the threshold. 0: none."""
    if side == trained:
        return ()
    seen, then = (f"in tiles of {px} px" if px else "whole" for px in (side, trained))
    return (f"judged {seen}, in training {then}: the threshold promises nothing",)


def check_framing(foreground: np.ndarray, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Notes where the part fills far more or less of the picture than in training, or lies where it never lay.

    foreground: [h, w] in 0..1.
    """
    part, notes = foreground > 0.5, []
    if "part_share" in manifest:
        share, (low, high) = float(part.mean()), manifest["part_share"]
        if not _odds(low) / FRAMING_TOLERANCE <= _odds(share) <= _odds(high) * FRAMING_TOLERANCE:
            said = f"the part fills {share:.0%} of the picture, in training {low:.0%} to {high:.0%}"
            notes.append(f"{said}: another framing, product, or no part")
    if "part_centre" in manifest and part.any():
        rows, columns = np.nonzero(part)
        centre = (float(columns.mean() + 0.5) / part.shape[1], float(rows.mean() + 0.5) / part.shape[0])
        usual = manifest["part_centre"]
        if any(not low - PLACE_TOLERANCE <= at <= high + PLACE_TOLERANCE for at, (low, high) in zip(centre, usual)):
            there = " and ".join(f"{low:.0%} to {high:.0%}" for low, high in usual)
            said = f"the part's centre lies at {centre[0]:.0%} of the width and {centre[1]:.0%} of the height"
            notes.append(f"{said}, in training at {there}: another framing, or something else is taken for the part")
    return tuple(notes)


def name_colour(pixels: np.ndarray) -> str:
    """uint8 [H, W, 3] -> "grey" where the three channels are equal all over, else "colour"."""
    for cells in (COLOUR_GRID // 8, COLOUR_GRID):  # most pictures in colour show it at the first look
        grid = pixels[:: max(1, pixels.shape[0] // cells), :: max(1, pixels.shape[1] // cells)]
        red, green, blue = grid[..., 0], grid[..., 1], grid[..., 2]
        if not (np.array_equal(red, green) and np.array_equal(red, blue)):
            return "colour"
    return "grey"


def _odds(share: float) -> float:
    """A share of the picture by the rest of it: part and background count alike, however large the part is."""
    return share / (1.0 - share) if share < 1.0 else math.inf


def _beyond(value: float, known: Sequence[float]) -> float:
    """How many times a value lies below the least or above the most of those known, beyond the root of their ratio.

    At most 1 where it does not.
    """
    return max(min(known) / value, value / max(known)) / math.sqrt(max(known) / min(known))


def _ratio(one: float, other: float) -> float:
    """How many times the larger of two positive numbers holds the smaller."""
    return max(one / other, other / one)
