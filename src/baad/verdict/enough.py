"""Are there enough good pictures for the false-alarm rate asked for? Said before training, with what would help."""

import math

from baad.data.doctor import Finding
from baad.data.split import Split, count_held_out
from baad.verdict.promise import images_needed, promised_rate

LARGE_SHARE = 0.3  # held out so much, training still learns from most pictures


def check_enough(category: str, split: Split, rate: float, held_out: float) -> list[Finding]:
    """A warning where the pictures held out, about a share `held_out` of the normal ones, promise more than `rate`.

    Near copies count once. Bringing what it asks for keeps the rate; where recording sessions and bursts stay whole, a
    few more are needed.
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
    return [Finding("warning", category, problem, _advise(normals, held, rate, held_out, what))]


def _advise(normals: int, held: int, rate: float, held_out: float, what: str) -> str:
    """What keeps the rate; where more pictures are needed, also what makes the most of those that are there.

    `what`: what normals and held count, "pictures" or "groups".
    """
    needed, unit = images_needed(rate), "" if what == "pictures" else f" {what}"
    surely = held == _count(normals, held_out)  # else what stays whole made it more or less
    share = math.ceil(100 * needed / normals) / 100
    if share <= held_out and not surely:
        return f"Give a larger held_out, or pictures of more and shorter sessions: {needed}{unit} held out keep it"
    if share <= max(LARGE_SHARE, held_out):
        more, keeps = _count(normals, share), "which keeps it" if surely else f"of which {needed} keep it"
        return f"Give --set held_out={share:g} to hold out {'' if surely else 'about '}{more}{unit}, {keeps}"
    share = max(LARGE_SHARE, held_out)
    more = _count(normals, share)
    if more <= held:
        return _tell_needed(needed, rate, held_out, what)
    _, worst, parts = _count_alarms(more)
    needs = _tell_needed(needed, rate, share, what)
    about = "" if surely else "about "
    return f"Give --set held_out={share:g} to hold out {about}{more}{unit}: {worst} of {parts} at worst; {needs}"


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
