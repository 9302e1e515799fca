"""What the part looks like, learnt from a recipe's own first guess over all pictures.

Cells of all pictures are sorted into visual words (k-means of reduced features and colour). A word that lies mostly on
the guessed part speaks for the part wherever it occurs: mistakes that differ from picture to picture average out.
Pictures whose guess is much larger or smaller than usual are not learnt from: there it took something else in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from baad.foreground.patches import describe_cells, principal_axes
from baad.foreground.refine import drop_strays, refine_masks, typical_area
from baad.foreground.scores import Cut, Scorer, find_cut

WORDS = 96
DIMENSIONS = 8  # that features are reduced to
SAMPLE = 15_000  # cells the words are found on
TRUST = 0.25  # weight of the recipe's own score beside the words' odds, both in standard deviations
DOUBT = 20.0  # cells of average odds that every word starts with
ODD_AREA = 1.5  # times larger or smaller than the median: what such a picture shows as the part is not learnt
FEWEST_USUAL = 0.5  # of the pictures must have a usual area, else the area tells nothing


@dataclass(frozen=True)
class Words:
    """The vocabulary of a set of pictures: centroids [K, d] of the scaled description of a cell."""

    mean: np.ndarray
    axes: np.ndarray
    scale: np.ndarray
    centroids: np.ndarray

    def read(self, images: np.ndarray, features: np.ndarray) -> np.ndarray:
        """The word of each cell: int64 [N, h, w]."""
        described = describe_cells(images, features, self.mean, self.axes) / self.scale
        return (described @ self.centroids.T - 0.5 * (self.centroids**2).sum(axis=1)).argmax(axis=-1)


def find_words(images: np.ndarray, features: np.ndarray, rng: np.random.Generator) -> Words:
    """images: uint8 [N, S, S, 3]; features: float32 [N, h, w, C]."""
    flat = features.reshape(-1, features.shape[-1])
    drawn = rng.choice(len(flat), min(SAMPLE, len(flat)), replace=False)
    mean, axes = principal_axes(flat[drawn], DIMENSIONS)
    described = describe_cells(images, features, mean, axes)
    cloud = described.reshape(-1, described.shape[-1])[drawn]
    scale = cloud.std(axis=0) + 1e-6
    scale[:-3] *= np.sqrt((len(scale) - 3) / 3.0)  # colour counts as much as all features together
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    stop = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 15, 1e-3)
    count = min(WORDS, len(cloud))
    _, _, centroids = cv2.kmeans((cloud / scale).astype(np.float32), count, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]  # None: new labels
    return Words(mean, axes, scale, centroids)


@dataclass(frozen=True)
class WordScorer:
    """A recipe's score, corrected by the odds [K] that each word lies on the part."""

    base: Scorer
    words: Words
    odds: np.ndarray

    def score(self, images: np.ndarray, features: np.ndarray, own: np.ndarray) -> np.ndarray:
        read = self.words.read(images, features)
        return combine(self.base.score(images, features, own), self.odds[read])


def learn_words(
    base: Scorer, words: Words, read: np.ndarray, images: np.ndarray, features: np.ndarray
) -> tuple[WordScorer, np.ndarray]:
    """Learn the odds from the recipe's masks of the pictures it was fitted to; first each cut by its own level.

    read: the words of these pictures' cells, int [N, h, w]. Gives the corrected scores [N, h, w] of the pictures, too.
    """
    scores = base.score(images, features, np.arange(len(images)))
    guess = _follow_contours(images, scores, [find_cut(score) for score in scores], read.shape[1])
    odds = np.zeros(len(words.centroids), np.float32)
    for last in (False, True):
        teaching = have_usual_area(guess)
        odds = word_odds(read[teaching], guess[teaching], len(odds))
        combined = combine(scores, odds[read])
        cut = find_cut(combined)
        odds = word_odds(read[teaching], (combined > cut.level)[teaching], len(odds))
        if not last:
            combined = combine(scores, odds[read])
            guess = _follow_contours(images, combined, find_cut(combined), read.shape[1])
    return WordScorer(base, words, odds), combine(scores, odds[read])


def have_usual_area(guess: np.ndarray) -> np.ndarray:
    """Bool [N]: pictures whose guessed part, [N, h, w] in 0..1, is about as large as most; all where sizes vary."""
    area = guess.mean(axis=(1, 2))  # [N]
    usual = np.abs(np.log((area + 1e-6) / (np.median(area) + 1e-6))) < np.log(ODD_AREA)
    return usual if usual.mean() >= FEWEST_USUAL else np.ones(len(guess), bool)


def _follow_contours(images: np.ndarray, scores: np.ndarray, cuts: Cut | Sequence[Cut], cells: int) -> np.ndarray:
    """GrabCut's masks, as the share of each cell: float32 [N, cells, cells]."""
    masks = refine_masks(images, scores, cuts)
    masks = drop_strays(masks, typical_area(masks))
    return np.stack([cv2.resize(one.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA) for one in masks])


def word_odds(read: np.ndarray, guess: np.ndarray, count: int) -> np.ndarray:
    """Logarithm of the odds for the part of each word: read: int [N, h, w]; guess: [N, h, w] in 0..1 -> [count]."""
    part = np.bincount(read.ravel(), guess.ravel().astype(np.float64), count)
    seen = np.bincount(read.ravel(), minlength=count)
    share = (part + DOUBT * guess.mean()) / (seen + DOUBT)
    odds = np.log(share + 1e-3) - np.log(1.0 - share + 1e-3)
    return (odds / (odds[read].std() + 1e-6)).astype(np.float32)


def combine(scores: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """Odds of cells [N, h, w], smoothed, plus the score [N, g, g], standardised picture by picture."""
    found = np.empty(odds.shape, np.float32)
    for index, (score, cell_odds) in enumerate(zip(scores, odds)):
        large = enlarge(score, odds.shape[1])
        standard = (large - large.mean()) / (large.std() + 1e-6)
        found[index] = cv2.GaussianBlur(cell_odds, (0, 0), 1.0) + TRUST * standard
    return found


def enlarge(score: np.ndarray, cells: int) -> np.ndarray:
    """[g, g] -> [cells, cells], bicubic."""
    return cv2.resize(score.astype(np.float32), (cells, cells), interpolation=cv2.INTER_CUBIC)
