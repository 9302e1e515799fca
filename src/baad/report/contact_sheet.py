"""Many thumbnails with outlines on one PNG: foreground masks, or alarms, reviewed at a glance."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from baad.atomic import replacing
from baad.report.figures import FOUND, dim_background, outline_outside, panel_shape, scale_map, scale_picture

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

COLUMNS = 8
THUMBNAIL = 160  # px, longer side
CAPTION = 34  # px below a thumbnail: two lines of text
GAP = 10
DIMMED = 0.5  # brightness of the background: what a wrong mask cut off must be recognisable
LIMIT = 240  # thumbnails on a sheet: 30 rows
GROUND, INK, SOFT = (24, 30, 38), (236, 240, 244), (150, 162, 176)


def contact_sheet(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    captions: Sequence[str],
    path: Path,
    qualities: Sequence[float] | None = None,
    limit: int = LIMIT,
) -> None:
    """Write a PNG of pictures whose background is darkened and whose mask is outlined at .5.

    images: uint8 [H, W, 3]; masks: bool or float [H, W] in 0..1; sizes may differ from one pair to the next. With
    `qualities` the worst (lowest) come first and the figure stands in the caption, else they come in the order given.
    Captions are written without accents, and one with letters that the font lacks as its place in the order given, #12.
    Of more than `limit` the first ones are shown, and the sheet says so. Raises OutputError.
    """
    if not len(images) == len(masks) == len(captions) == len(captions if qualities is None else qualities):
        raise ValueError("images, masks, captions and qualities must be equally many")
    order = np.arange(len(images)) if qualities is None else np.argsort(qualities, kind="stable")
    shown = [int(index) for index in order[:limit]]
    thumbnails = [draw_thumbnail(images[index], masks[index]) for index in shown]
    tallest = max((thumbnail.shape[0] for thumbnail in thumbnails), default=0)
    cell = (tallest + CAPTION + GAP, THUMBNAIL + GAP)  # height, width
    rows = -(-len(shown) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell[1] + GAP, rows * cell[0] + GAP + CAPTION), GROUND)
    draw = ImageDraw.Draw(sheet)
    headline = _headline(len(shown), len(images), qualities is not None)
    draw.text((GAP, GAP), headline, INK, ImageFont.load_default(15))
    small = ImageFont.load_default(12)
    for place, (index, thumbnail) in enumerate(zip(shown, thumbnails)):
        top, left = CAPTION + GAP + place // COLUMNS * cell[0], GAP + place % COLUMNS * cell[1]
        inset = ((tallest - thumbnail.shape[0]) // 2, (THUMBNAIL - thumbnail.shape[1]) // 2)
        sheet.paste(Image.fromarray(thumbnail), (left + inset[1], top + inset[0]))
        caption = _shorten(_spell(captions[index], index, small), draw, small)
        draw.text((left, top + tallest + 2), caption, INK, small)
        if qualities is not None:
            draw.text((left, top + tallest + 16), f"quality {qualities[index]:.2f}", SOFT, small)
    with replacing(Path(path)) as partial:
        sheet.save(partial, format="PNG")


def draw_thumbnail(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] and bool or float [H, W] -> uint8 [h, w, 3], longer side 160 px."""
    shape = panel_shape((image.shape[0], image.shape[1]), THUMBNAIL)
    small = scale_map(mask.astype(np.float32), shape)
    return outline_outside(dim_background(scale_picture(image, shape), small, DIMMED), small >= 0.5, FOUND)


def _headline(shown: int, count: int, ranked: bool) -> str:
    order = "lowest quality first" if ranked else "in the order given"
    return f"{count} pictures, {order}" if shown == count else f"{shown} of {count} pictures, {order}"


def _spell(caption: str, index: int, font: Font) -> str:
    """A caption in letters that the font has, else its place, counted from 1."""
    plain = unicodedata.normalize("NFKD", caption)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    lacking = _shape("\uffff", font)  # no letter: what the font draws in place of those that it lacks
    return f"#{index + 1}" if any(_shape(letter, font) == lacking for letter in set(plain)) else plain


def _shape(letter: str, font: Font) -> tuple[object, bytes]:
    drawn = font.getmask(letter)
    return drawn.size, bytes(drawn)


def _shorten(text: str, draw: ImageDraw.ImageDraw, font: Font) -> str:
    """The end of a caption that fits under a thumbnail: names differ at their ends."""
    if draw.textlength(text, font) <= THUMBNAIL:
        return text
    while text and draw.textlength("…" + text, font) > THUMBNAIL:
        text = text[1:]
    return "…" + text
