"""Are there enough good pictures for the false-alarm rate asked for? Said before training, with what would help."""

import math

from baad.data.doctor import Finding
from baad.data.sample import Category
from baad.data.split import count_held_out
from baad.verdict.promise import images_needed, promised_rate

LARGE_SHARE = 0.3  # held out so much, training still learns from most pictures


def check_enough(category: Category, rate: float, held_out: float) -> list[Finding]:
    """A warning where the pictures held out, a share `held_out` of the normal ones, promise more than `rate`.

    Bringing what it asks for keeps the rate; where recording sessions and bursts stay whole, a few more are needed.
    """
    normals = len(category.train)
    if normals < 2:
        return []  # the doctor's error
    held = count_held_out(normals, held_out)
    if promised_rate(held) <= rate:
        return []
    problem = f"of {normals} normal pictures {held} {'is' if held == 1 else 'are'} held out to set the threshold: "
    usual, worst, parts = _count_alarms(held)
    problem += f"about {usual} of {parts} good parts may be rejected, {worst} at worst (95 % sure)"
    problem += f", and {_per_cent(rate)} was asked for"
    return [Finding("warning", category.name, problem, _advise(normals, held, rate, held_out))]


def _advise(normals: int, held: int, rate: float, held_out: float) -> str:
    """What keeps the rate; where more pictures are needed, also what makes the most of those that are there."""
    needed = images_needed(rate)
    share = math.ceil(100 * needed / normals) / 100
    if share <= max(LARGE_SHARE, held_out):
        return f"Give --set held_out={share:g} to hold out {count_held_out(normals, share)}, which keeps it"
    share, more = max(LARGE_SHARE, held_out), count_held_out(normals, max(LARGE_SHARE, held_out))
    if more <= held:
        return _tell_needed(needed, rate, held_out)
    _, worst, parts = _count_alarms(more)
    needs = _tell_needed(needed, rate, share)
    return f"Give --set held_out={share:g} to hold out {more}: {worst} of {parts} at worst; {needs}"


def _tell_needed(needed: int, rate: float, share: float) -> str:
    return f"{_per_cent(rate)} needs {needed} held out, {math.ceil(needed / share)} pictures in all"


def _count_alarms(held: int) -> tuple[int, int, int]:
    """How many good parts are rejected, on average and at worst, of how many, where the highest of `held` scores is
    the threshold: 1 / (held + 1) of them on average, at worst what it promises."""
    parts = 100
    while parts < held + 1:  # else about 0 of 100
        parts *= 10
    return round(parts / (held + 1)), math.ceil(parts * promised_rate(held)), parts


def _per_cent(rate: float) -> str:
    return f"{100 * rate:g} %"
