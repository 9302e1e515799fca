"""Are there enough good pictures for the false-alarm rate asked for? Said before training, with what would help."""

import math

from baad.data.doctor import Finding
from baad.data.sample import Category
from baad.data.split import count_held_out
from baad.verdict.promise import images_needed, promised_rate

LARGE_SHARE = 0.3  # held out so much, training still learns from most pictures


def check_enough(category: Category, rate: float, held_out: float, groups: int | None = None) -> list[Finding]:
    """A warning where the pictures held out, a share `held_out` of the normal ones, promise more than `rate`.

    `groups`: how many groups of near copies the normal pictures come in, each of which counts once; None: all differ.
    Bringing what it asks for keeps the rate; where recording sessions and bursts stay whole, a few more are needed.
    """
    pictures = len(category.train)
    if pictures < 2:
        return []  # the doctor's error
    normals = pictures if groups is None else groups  # what counts
    held = min(normals, count_held_out(max(2, normals), held_out))
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
    return [Finding("warning", category.name, problem, _advise(normals, held, rate, held_out, what))]


def _advise(normals: int, held: int, rate: float, held_out: float, what: str) -> str:
    """What keeps the rate; where more pictures are needed, also what makes the most of those that are there.

    `what`: what normals and held count, "pictures" or "groups".
    """
    needed, unit = images_needed(rate), "" if what == "pictures" else f" {what}"
    share = math.ceil(100 * needed / normals) / 100
    if share <= max(LARGE_SHARE, held_out):
        return f"Give --set held_out={share:g} to hold out {count_held_out(normals, share)}{unit}, which keeps it"
    share = max(LARGE_SHARE, held_out)
    more = count_held_out(max(2, normals), share)
    if more <= held:
        return _tell_needed(needed, rate, held_out, what)
    _, worst, parts = _count_alarms(more)
    needs = _tell_needed(needed, rate, share, what)
    return f"Give --set held_out={share:g} to hold out {more}{unit}: {worst} of {parts} at worst; {needs}"


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
