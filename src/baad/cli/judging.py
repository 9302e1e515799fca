"""The pictures of one `baad predict` on their way through a detector: records, overlays, maps, and what is counted."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baad.stopping import Stop, Stopped

if TYPE_CHECKING:
    from baad.cli.inputs import Given, Picture
    from baad.progress import Progress, Task
    from baad.report.html import Answer, TrainingMask
    from baad.runtime.detector import Detector
    from baad.runtime.frame import Frame
    from baad.runtime.stream import Judged

Record = dict[str, Any]
OVERLAY, MAP = ".png", ".tiff"
LONGEST_NAME = 255  # bytes, where most file systems end
MANY, SUSPICIOUS = 10, 0.9  # so many pictures, of which this share is rejected, speak against the model


@dataclass
class Run:
    """Many pictures through one detector, and what is counted on the way."""

    detector: "Detector"
    progress: "Progress"
    overlays: Path | None
    maps: Path | None
    answers: "list[Answer] | None" = None  # kept for a page, if there is to be one
    masks: "tuple[TrainingMask, ...]" = ()  # for the same page
    judged: int = 0
    rejected: int = 0
    warned: int = 0
    skipped: int = 0
    unwritten: int = 0  # overlays and maps
    stopped: Stopped | None = None

    def require_nothing_lost(self, found: "Iterable[Given]") -> None:
        """Raise OutputError where a result of these pictures would take the place of what is no result, or of the
        result of another one."""
        from baad.cli.inputs import Picture
        from baad.data.decode import show_path
        from baad.data.results import require_replaceable
        from baad.errors import OutputError

        taken: dict[Path, Path] = {}
        for picture in (each for each in found if isinstance(each, Picture)):
            for folder, suffix in ((self.overlays, OVERLAY), (self.maps, MAP)):
                if folder is None:
                    continue
                out = _beside(folder, picture, suffix)
                require_replaceable(out)
                other = taken.setdefault(out, picture.path)
                if other != picture.path and os.path.realpath(other) != os.path.realpath(picture.path):
                    told = f"{show_path(other)} and {show_path(picture.path)} would share {show_path(out)}"
                    raise OutputError(f"{told}. Judge them in two calls, each into a folder of its own.")

    def judge(self, found: "Iterable[Given]", task: "Task", stop: Stop, ahead: int) -> Iterator[Record]:
        """The record of each picture, until somebody asks to stop: never in the middle of one. `ahead`: so many are
        read before they are asked for."""
        from baad.cli.inputs import open_given

        try:
            for judged in self.detector.stream(found, ahead=ahead, read=open_given, whole=stop.held):
                record = self._answer(judged)
                if record is not None:
                    yield record  # whoever takes it writes it before the next one, and before the stop
                task.advance()
        except Stopped as stopped:
            self.stopped = stopped

    def _answer(self, judged: "Judged") -> Record | None:
        """The record of a picture, after its overlay and map are written, or of what could not be judged, which is also
        said; None for a remark that stands for no picture."""
        from baad.cli.inputs import Remark
        from baad.data.decode import show_path, text_of_path
        from baad.data.maps import write_map
        from baad.errors import InputMismatch
        from baad.runtime.output import error_record, verdict_record, write_overlay

        picture, verdict, pixels = judged.source, judged.verdict, judged.pixels
        if isinstance(picture, Remark) and not picture.skipped:
            self.progress.say(picture.text)
            return None
        if verdict is None or pixels is None:
            self.skipped += 1
            told = str(judged.error) if pixels is None else f"{show_path(picture.name)}: {judged.error}"
            if isinstance(judged.error, InputMismatch):
                told += " --any-size judges it all the same."
            print(f"baad: skipped {told}", file=sys.stderr)
            name, told = text_of_path(picture.name), text_of_path(told)
            return error_record(name, self.detector.calibration.threshold, told) if name else None
        if self.overlays is not None:
            self._write(lambda folder: write_overlay(_beside(folder, picture, OVERLAY), pixels, verdict), self.overlays)
        if self.maps is not None:
            self._write(lambda folder: write_map(_beside(folder, picture, MAP), verdict.anomaly_map), self.maps)
        self.judged += 1
        self.rejected += verdict.label == "ng"
        self.warned += verdict.label == "warn"
        if self.answers is not None:
            from baad.report.html import Answer

            name = text_of_path(str(picture.place))
            self.answers.append(Answer(Path(picture.name), name, verdict.label, verdict.score))
        return verdict_record(verdict, text_of_path(picture.name))

    def _write(self, write: Callable[[Path], None], folder: Path) -> None:
        """Write an overlay or map. Where it cannot be written, that is said: the verdicts count for more."""
        from baad.errors import OutputError

        try:
            write(folder)
        except OutputError as error:
            self.unwritten += 1
            print(f"baad: {error}", file=sys.stderr)

    def prepare_page(self, model: Path) -> None:
        """Keep answers, and read what the page needs of the model file, which may be moved meanwhile."""
        from baad.report.html import read_training_masks

        self.answers, self.masks = [], read_training_masks(model, self.detector.manifest)

    def write_page(self, html: Path) -> None:
        """The page of what was judged. Raises OutputError where the disk refuses."""
        from baad.report.html import verdict_page, write_page

        answers, subtitle = self.answers or (), self.summary()
        write_page(html, verdict_page(self.detector, answers, self.progress, subtitle=subtitle, masks=self.masks))

    def many_rejected(self) -> bool:
        return self.judged >= MANY and self.rejected >= SUSPICIOUS * self.judged

    def summary(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        warned = f", {self.warned} warned of" if self.warned else ""
        plural = "overlays or maps" if self.unwritten > 1 else "overlay or map"
        unwritten = f", {self.unwritten} {plural} not written" if self.unwritten else ""
        return f"{self.judged} judged, {self.rejected} rejected{warned}{skipped}{unwritten}"


def _beside(folder: Path, picture: "Picture | Frame", suffix: str) -> Path:
    """Where a result goes: the picture's place below `folder`. Raises OutputError if that is where the picture lies."""
    from baad.data.decode import show_path
    from baad.data.files import IMAGE_SUFFIXES
    from baad.errors import OutputError

    name = picture.place.name
    plain = name.endswith(".png") and not name[:-4].lower().endswith(IMAGE_SUFFIXES)
    stem = name[:-4] if plain else name  # 7.png -> 7.tiff; 7.jpg -> 7.jpg.tiff, for there may be a 7.png
    if len(os.fsencode(stem + suffix)) > LONGEST_NAME:
        stem = f"{stem[:40]}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}"
    out = folder / picture.place.with_name(stem + suffix)
    home = Path(picture.name).parent
    if os.path.exists(out.parent) and os.path.exists(home) and os.path.samefile(out.parent, home):
        raise OutputError(
            f"{folder} is where {show_path(picture.name)} lies: pictures could be lost. Give another folder."
        )
    return out
