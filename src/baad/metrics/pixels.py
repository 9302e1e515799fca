"""Pixel figures over a whole test set in bounded memory: maps come one at a time, counts stay.

Each map leaves behind its counts per score level: exact to the level for the figures themselves (`ranking.fit_bins`),
and on 32 to 64 times fewer levels, for each picture by itself, for the bootstrap. 600 pictures cost about 60 MB,
whatever their size.
"""

import math
import tempfile
from dataclasses import dataclass, fields

import numpy as np

from baad.metrics.background import false_positive_rate, split_zones
from baad.metrics.pro import au_pro, count_overlaps
from baad.metrics.ranking import ScoreBins, auroc, average_precision, f1_max, fit_bins

COARSE_LEVELS = 2048
SAMPLE_SIZE = 2**22  # scores from which the levels are placed: 16 MB
KEEP_IN_MEMORY = 2**29  # bytes of maps before they go to a temporary file: 2,000 maps of 256 x 256
GOOD = "good"


@dataclass(frozen=True)
class PixelCounts:
    """Pixels per score level, highest first; each [..., K], leading axes are pictures or resamples."""

    positives: np.ndarray  # defect pixels
    negatives: np.ndarray  # all others
    overlaps: np.ndarray  # shares of the defects' components
    inside: np.ndarray  # pixels of normal pictures on the part, the band around its outline left out
    outside: np.ndarray  # the same off the part

    def __add__(self, other: "PixelCounts") -> "PixelCounts":
        return PixelCounts(*(getattr(self, name) + getattr(other, name) for name in _NAMES))


_NAMES = tuple(field.name for field in fields(PixelCounts))


def pixel_figures(counts: PixelCounts) -> dict[str, np.ndarray]:
    """All pixel figures by name, each [...]; NaN where a class or the part's outline is missing."""
    return {
        "pixel_auroc": auroc(counts.positives, counts.negatives),
        "pixel_ap": average_precision(counts.positives, counts.negatives),
        "pixel_f1_max": f1_max(counts.positives, counts.negatives),
        "au_pro_30": au_pro(counts.overlaps, counts.negatives, 0.3),
        "au_pro_05": au_pro(counts.overlaps, counts.negatives, 0.05),
        "background_fpr": false_positive_rate(counts.positives, counts.outside),
        "part_fpr": false_positive_rate(counts.positives, counts.inside),
    }


def count_pixels(bins: ScoreBins, anomaly: np.ndarray, defect: np.ndarray, part: np.ndarray | None) -> PixelCounts:
    """Counts of one picture. anomaly: float32 [H, W]; defect, part: bool [H, W]; part only where no defect is."""
    everything = bins.count(anomaly)
    nothing = np.zeros_like(everything)
    positives = bins.count(anomaly[defect]) if defect.any() else nothing
    overlaps = count_overlaps(bins, anomaly, defect) if defect.any() else nothing.astype(float)
    zones = split_zones(part) if part is not None else None
    inside, outside = (bins.count(anomaly[zone]) for zone in zones) if zones else (nothing, nothing)
    return PixelCounts(positives, everything - positives, overlaps, inside, outside)


class PixelTally:
    """Adds up the counts of pictures: fine ones per defect kind, coarse ones per picture."""

    def __init__(self, bins: ScoreBins) -> None:
        self.bins = bins
        self._starts = np.arange(0, bins.size, -(-bins.size // COARSE_LEVELS))
        self._kinds: dict[str, PixelCounts] = {}
        self._rows: list[tuple[int, PixelCounts]] = []

    def add(self, index: int, kind: str, counts: PixelCounts) -> None:
        """Take in picture number `index` of the test set."""
        self._kinds[kind] = self._kinds[kind] + counts if kind in self._kinds else counts
        coarse = (np.add.reduceat(getattr(counts, name), self._starts).astype(np.float32) for name in _NAMES)
        self._rows.append((index, PixelCounts(*coarse)))

    def total(self, kind: str | None = None) -> PixelCounts | None:
        """Fine counts of the normals with one kind of defect, or with all of them; None without such pictures."""
        wanted = [counts for name, counts in self._kinds.items() if kind is None or name in (kind, GOOD)]
        return sum(wanted[1:], start=wanted[0]) if wanted else None

    def resampled(self, weights: np.ndarray) -> PixelCounts:
        """Coarse counts of each resample. weights: float32 [B, all pictures of the test set] -> [B, K coarse]."""
        drawn = weights[:, [index for index, _ in self._rows]]
        return PixelCounts(*(drawn @ np.stack([getattr(row, name) for _, row in self._rows]) for name in _NAMES))


class MapStore:
    """Keeps anomaly maps until the levels are placed; large sets go to an anonymous temporary file."""

    def __init__(self, expected: int) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=KEEP_IN_MEMORY)  # noqa: SIM115, closed with the store
        self._places: dict[int, tuple[int, tuple[int, ...]]] = {}
        self._share = max(1, SAMPLE_SIZE // max(1, expected))  # sampled scores per map
        self._sample: list[np.ndarray] = []

    def add(self, index: int, anomaly: np.ndarray) -> None:
        """Keep one float32 [h, w]."""
        self._places[index] = (self._file.seek(0, 2), anomaly.shape)
        self._file.write(np.ascontiguousarray(anomaly, np.float32).tobytes())
        stride = -(-anomaly.size // self._share)
        while math.gcd(stride, anomaly.shape[1]) * 8 > anomaly.shape[1] > 8:  # a few columns are no sample of a map
            stride += 1
        self._sample.append(anomaly.ravel()[::stride].astype(np.float32))

    def read(self, index: int) -> np.ndarray:
        """The map kept under `index`, float32 [h, w]."""
        place, shape = self._places[index]
        self._file.seek(place)
        return np.frombuffer(self._file.read(4 * int(np.prod(shape))), np.float32).reshape(shape)

    def fit_bins(self) -> ScoreBins:
        """Levels for the maps kept."""
        return fit_bins(np.concatenate(self._sample))

    def close(self) -> None:
        """Release memory and the temporary file."""
        self._file.close()
