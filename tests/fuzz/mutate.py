"""Whole files -> damaged ones: what disks, interrupted copies, careless editors and hostile senders make of them."""

import copy
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 20_000, 200_000)
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 3, 10**9, 10**30, 0.5, 1e308, -1e308, math.nan, math.inf),
    *("", " ", "good", "\0", "\ud800", "../../x", "/", "C:\\a.png", "9" * 500, "x" * 5000, "ä漢\u202e"),
    *([], {}, [[]], [0], [[1e308, -1e308]] * 3, [[0, 0], [9, 0], [9, 9]], {"size": [1, 1], "counts": [1]}),
)
TOKENS = (b'"', b"'", b",", b";", b"\t", b"\n", b"\r", b"\0", b"{", b"[", b"]", b"}", b":", b"\xff", b"\xef\xbb\xbf")
NUMBERS = (b"-1", b"0", b"1e999", b"NaN", b"99999999999999999999", b"0x7f", b"null", b"true")


def mutate(content: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Damage a file in one place, or in up to five; `others` are files of the same sort, to splice in."""
    mutant = bytearray(content)
    for _ in range(_how_often(rng)):
        if mutant:
            _CHANGES[int(rng.integers(len(_CHANGES)))](mutant, others, rng)
    return bytes(mutant)


def mutate_text(content: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Damage a text: its bytes, or signs and numbers that mean something."""
    if rng.random() < 0.3:
        return mutate(content, others, rng)
    mutant = bytearray(content)
    for _ in range(_how_often(rng)):
        at, length = int(rng.integers(len(mutant) + 1)), int(rng.integers(4))
        mutant[at : at + length] = (*TOKENS, *NUMBERS)[int(rng.integers(len(TOKENS) + len(NUMBERS)))]
    return bytes(mutant)


def mutate_json(content: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Damage JSON, or JSON lines: mostly one to three values of it, so that it stays JSON."""
    if rng.random() < 0.25:
        return mutate_text(content, others, rng)
    lines = content.decode().splitlines() if b"\n{" in content.strip() else [content.decode()]
    which = int(rng.integers(len(lines)))
    box = [json.loads(lines[which])]
    for _ in range(_how_often(rng)):
        _change_value(box, rng)
    lines[which] = json.dumps(box[0])
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _change_value(box: list[Any], rng: np.random.Generator) -> None:
    """Change one value somewhere below: deeper ones as likely as those above."""
    here: Any = box
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        if isinstance(here[key], (dict, list)) and here[key] and (here is box or rng.random() < 0.8):
            here = here[key]
            continue
        if rng.random() < 0.15 and here is not box:
            del here[key]
        elif isinstance(here, list) and rng.random() < 0.15:
            here.append(copy.deepcopy(here[key]))
        else:
            here[key] = copy.deepcopy(JUNK[int(rng.integers(len(JUNK)))])
        return


def _how_often(rng: np.random.Generator) -> int:
    return int(rng.integers(2, 6)) if rng.random() < 0.4 else 1


def _flip_bit(mutant: bytearray, others: Sequence[bytes], rng: np.random.Generator) -> None:
    mutant[_place(mutant, rng)] ^= 1 << int(rng.integers(8))


def _set_byte(mutant: bytearray, others: Sequence[bytes], rng: np.random.Generator) -> None:
    mutant[_place(mutant, rng)] = int(rng.integers(256))


def _set_number(mutant: bytearray, others: Sequence[bytes], rng: np.random.Generator) -> None:
    """An edge of the integers, two or four bytes, in either order: lengths, sizes and offsets lie so."""
    width, order = (2, 4)[int(rng.integers(2))], ("little", "big")[int(rng.integers(2))]
    number = EDGES[int(rng.integers(len(EDGES)))] & (256**width - 1)
    at = _place(mutant, rng)
    mutant[at : at + width] = number.to_bytes(width, order)


def _cut(mutant: bytearray, others: Sequence[bytes], rng: np.random.Generator) -> None:
    del mutant[int(rng.integers(len(mutant))) :]


def _remove(mutant: bytearray, others: Sequence[bytes], rng: np.random.Generator) -> None:
    at = _place(mutant, rng)
    del mutant[at : at + int(rng.integers(1, 64))]


def _repeat(mutant: bytearray, others: Sequence[bytes], rng: np.random.Generator) -> None:
    at = _place(mutant, rng)
    mutant[at:at] = mutant[at : at + int(rng.integers(1, 64))] * int(rng.integers(1, 40))


def _splice(mutant: bytearray, others: Sequence[bytes], rng: np.random.Generator) -> None:
    other = others[int(rng.integers(len(others)))]
    start = int(rng.integers(len(other)))
    at, length = _place(mutant, rng), int(rng.integers(1, 256))
    mutant[at : at + length] = other[start : start + length]


def _place(mutant: bytearray, rng: np.random.Generator) -> int:
    """Anywhere, half of the time within the first 256 bytes, where heads are."""
    return int(rng.integers(min(len(mutant), 256) if rng.random() < 0.5 else len(mutant)))


_CHANGES = (_flip_bit, _set_byte, _set_byte, _set_number, _set_number, _cut, _remove, _repeat, _splice)
