"""Are there enough good pictures for the false-alarm rate asked for? Said before training, with what would help."""

import math

from baad.data.doctor import Finding
from baad.data.split import Split, count_held_out
from baad.verdict.promise import images_needed, promised_rate

LARGE_SHARE = 0.3  # held out so much, training still learns from most pictures


def check_enough(category: str, split: Split, rate: float, held_out: float) -> list[Finding]:
    """A warning where the pictures held out, about a share `held_out` of the normal ones, promise more than `rate`.

    Near copies count once. Bringing what it asks for keeps the rate; where bursts stay whole, a few more are needed. Of
    the pictures held out training may leave out some more, which the line refuses.
    """
    pictures = len(split.fit) + len(split.held_out)
    normals, held = split.observations, len(set(split.near_copies))  # what counts
    if promised_rate(held) <= rate:
        return []
    what, normal_pictures = "pictures", f"{pictures} normal pictures"
    if normals < pictures:
        what = "groups"
        normal_pictures += f" in {normals} group{'s' if normals != 1 else ''} of near copies"
    unit = "" if what == "pictures" else " group" if held == 1 else " groups"
    problem = f"of {normal_pictures} {held}{unit} {'is' if held == 1 else 'are'} held out to set the threshold: "
    usual, worst, parts = _count_alarms(held)
    problem += f"about {usual} of {parts} good parts may be rejected, {worst} at worst (95 % sure)"
    problem += f", and {_per_cent(rate)} was asked for"
    sessions = len({image.session for image in split.fit + split.held_out} - {""})
    if sessions > 1:  # what another share would hold out hangs on their sizes
        needs = f"{_per_cent(rate)} needs {images_needed(rate)}{'' if what == 'pictures' else ' groups'} held out"
        larger = f"--set held_out={LARGE_SHARE:g} or " if held_out < LARGE_SHARE else ""
        return [Finding("warning", category, problem, f"{needs}: give {larger}more sessions; they are held out whole")]
    return [Finding("warning", category, problem, _advise(normals, held, rate, held_out, what))]


def _advise(normals: int, held: int, rate: float, held_out: float, what: str) -> str:
    """What keeps the rate; where more pictures are needed, also what makes the most of those that are there.

    `what`: what normals and held count, "pictures" or "groups".
    """
    needed, unit = images_needed(rate), "" if what == "pictures" else f" {what}"
    surely = held == _count(normals, held_out)  # else groups that stay whole made it more or less
    about = "" if surely else "about "
    share = math.ceil(100 * needed / normals) / 100
    if held_out < share <= LARGE_SHARE:
        keeps = "which keeps it" if surely else f"of which {needed} keep it"
        return f"Give --set held_out={share:g} to hold out {about}{_count(normals, share)}{unit}, {keeps}"
    more = _count(normals, LARGE_SHARE)
    if held_out >= LARGE_SHARE or more <= held:
        return _tell_needed(needed, rate, held_out if surely else held / normals, what)
    if more >= needed:  # a share that is smaller held out too few
        return f"Give --set held_out={LARGE_SHARE:g} to hold out {about}{more}{unit}, of which {needed} keep it"
    _, worst, parts = _count_alarms(more)
    needs = _tell_needed(needed, rate, LARGE_SHARE, what)
    return f"Give --set held_out={LARGE_SHARE:g} to hold out {about}{more}{unit}: {worst} of {parts} at worst; {needs}"


def _count(normals: int, share: float) -> int:
    """How many of them a share holds out where nothing else stays whole."""
    return min(normals, count_held_out(max(2, normals), share))


def _tell_needed(needed: int, rate: float, share: float, what: str) -> str:
    unit = "" if what == "pictures" else f" {what}"
    return f"{_per_cent(rate)} needs {needed}{unit} held out, {math.ceil(needed / share)} {what} in all"


def _count_alarms(held: int) -> tuple[int, int, int]:
    """How many good parts are rejected, on average and at worst, of how many, where the highest of `held` scores is
    the threshold: 1 / (held + 1) of them on average, at worst what it promises."""
    parts = 100
    while parts < held + 1:  # else about 0 of 100
        parts *= 10
    return round(parts / (held + 1)), math.ceil(parts * promised_rate(held)), parts


def _per_cent(rate: float) -> str:
    return f"{100 * rate:g} %"
