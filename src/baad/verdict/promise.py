"""What a threshold promises, given how many good pictures it comes from. Order statistics, said in plain words."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from baad.verdict.calibration import Calibration

CONFIDENCE = 0.95  # how sure every promise is, unless another confidence is asked for


def promised_rate(n: int, confidence: float = CONFIDENCE, above: int = 0) -> float:
    """Bound on the false-alarm rate when `above` of `n` held-out good scores lie above the threshold.

    Needs independent pictures from the line as it will run: near copies count as one, the highest score for all.
    With the highest score as threshold (`above` = 0) P(rate <= r) = 1 - (1 - r)**n (Wilks 1941); in general the rate
    is Beta(above + 1, n - above) distributed, and the bound solves P(Binomial(n, r) <= above) = 1 - confidence.

    >>> round(promised_rate(300), 4)
    0.0099
    """
    if above >= n:
        return 1.0
    if above == 0:
        return -math.expm1(math.log1p(-confidence) / n)
    low, high = 0.0, 1.0
    for _ in range(60):  # halvings: finer than a float can tell
        middle = (low + high) / 2
        low, high = (low, middle) if _binomial_cdf(n, middle, above)[-1] <= 1 - confidence else (middle, high)
    return high


def rank_for(n: int, rate: float, confidence: float = CONFIDENCE) -> int:
    """Rank from the top of the good score that serves as threshold for `rate`; 0 where `n` scores are too few.

    The largest k for which promised_rate(n, confidence, k - 1) <= rate: a conformal quantile that holds for this very
    set of held-out pictures, not only on average over all sets that might have been held out (Vovk 2012).

    >>> rank_for(298, 0.01), rank_for(299, 0.01), rank_for(1000, 0.01)
    (0, 1, 5)
    """
    most = min(n, 1 + math.floor(rate * n))  # more than the expected number is never allowed
    return int(np.count_nonzero(_binomial_cdf(n, rate, most - 1) <= 1 - confidence))


def images_needed(rate: float, confidence: float = CONFIDENCE) -> int:
    """Smallest number of held-out good pictures whose highest score promises `rate`.

    >>> images_needed(0.01)
    299
    """
    nearly = math.ceil(math.log1p(-confidence) / math.log1p(-rate))
    return nearly if rank_for(nearly, rate, confidence) else nearly + 1  # the division may have been rounded down


def promised_by(calibration: "Calibration", confidence: float = CONFIDENCE) -> float:
    """Bound on the false-alarm rate at the calibration's threshold; 1 where it promises nothing."""
    return promised_rate(len(calibration.independent), confidence, _others_at_least_threshold(calibration))


def describe(calibration: "Calibration", confidence: float = CONFIDENCE) -> str:
    """The promise of a calibration in two sentences; bounds are rounded up."""
    rate, bound = calibration.false_alarm_rate, promised_by(calibration, confidence)
    pictures = _tell_pictures(calibration)
    if bound >= 1 and calibration.group_scores:
        return f"This threshold promises nothing: of {pictures}, every group has one above it."
    if bound >= 1:
        return f"This threshold promises nothing: every one of {pictures} of good parts lies above it."
    promise = f"With {pictures}, at most {format_bound(bound)} of good parts will be flagged"
    promise += f", {confidence * 100:g} % sure"
    if bound > rate and len(calibration.independent) < images_needed(rate, confidence):  # else ties are the reason
        promise += f"; for {format_bound(rate)} hold out {_tell_needed(calibration, confidence)}"
    if calibration.sessions == 1:
        return f"{promise}. All come from one recording session: other days or other light can flag more."
    sessions = f", in {calibration.sessions} recording sessions" if calibration.sessions else ""
    return f"{promise}. This holds for pictures taken as these were{sessions}."


def tell_not_kept(calibration: "Calibration", asked: str) -> str:
    """Why the false-alarm rate of a calibration, `asked` for in these words, cannot be kept; "" where it is."""
    if rank_for(len(calibration.independent), calibration.false_alarm_rate):
        return ""
    pictures = _tell_pictures(calibration)
    threshold, bound = f"{calibration.threshold:.4g}", format_bound(promised_by(calibration))
    told = f"{asked} cannot be kept with {pictures}: the threshold is their highest score, {threshold}, which promises"
    return f"{told} {bound}; hold out {_tell_needed(calibration, CONFIDENCE)} for it"


def format_bound(share: float) -> str:
    """A share as per cent, rounded up to one decimal place (two below 1 %): a bound must not shrink in print.

    >>> format_bound(0.1329), format_bound(0.01), format_bound(0.00299)
    ('13.3 %', '1 %', '0.3 %')
    """
    places = 1 if share >= 0.01 else 2
    scaled = math.ceil(share * 100 * 10**places - 1e-6)
    return f"{scaled / 10**places:g} %"


def _tell_pictures(calibration: "Calibration") -> str:
    """The held-out pictures, and where some are near copies, in how many groups."""
    n, groups = calibration.n, len(calibration.group_scores)
    pictures = f"{n} held-out picture{'s' if n != 1 else ''}"
    return f"{pictures} in {groups} group{'s' if groups != 1 else ''} of near copies" if groups else pictures


def _tell_needed(calibration: "Calibration", confidence: float) -> str:
    """How many held-out pictures its rate needs; groups, where near copies count once."""
    needed = images_needed(calibration.false_alarm_rate, confidence)
    return f"{needed} groups" if calibration.group_scores else f"{needed}"


def _others_at_least_threshold(calibration: "Calibration") -> int:
    """Good scores above the threshold, and those tied with it but one: ties never make the promise smaller."""
    ties = calibration.independent.count(calibration.threshold)
    return calibration.above + max(0, ties - 1)


def _binomial_cdf(n: int, share: float, most: int) -> np.ndarray:
    """P(Binomial(n, share) <= m) for m = 0..most -> [most + 1]. Sums logarithms: n may be large."""
    drawn = np.arange(1, most + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - drawn + 1) / drawn))])  # [most + 1]
    count = np.arange(most + 1)
    return np.cumsum(np.exp(log_choose + count * math.log(share) + (n - count) * math.log1p(-share)))


def tell_flips(flips: int, ties: int) -> str:
    """How many verdicts two runtimes judge differently, and how many more are excused: scores on the very threshold."""
    return f"{flips} verdicts flipped{f' and {ties} more on the very threshold' if ties else ''}"


def tell_highest(highest: Sequence[Mapping[str, Any]]) -> str:
    """A line on the good pictures with the highest scores, as a model's manifest names them, highest first."""
    named = ", ".join(f"{each['image']} {each['score']:.4g}" for each in highest)
    return f"highest of the held-out pictures: {named}; look at them, for a defect there raises the threshold"
