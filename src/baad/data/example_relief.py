"""A part as a relief: a height and a material per pixel, painted piece by piece.

Lengths are in half pictures: x to the right and y down run from -1 to 1, height towards the camera.
"""

from dataclasses import dataclass

import numpy as np

from baad.data.example_fields import Field, turned

FINER = 2  # the part is drawn at this many times the picture's pixels, then averaged


@dataclass(frozen=True)
class Pose:
    """Where the part lies: shift in half pictures, rotation in radians, size factor."""

    shift: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Material:
    """What a surface is made of. Colour in linear light, 0..1; the others 0..1; `turned` = lathe marks."""

    color: tuple[float, float, float]
    metal: float = 0.0
    rough: float = 0.5
    turned: float = 0.0


class Canvas:
    """The relief of one picture while it is painted; private to the drawing of that picture.

    `x`, `y` are part coordinates [N, N] (N = FINER * size), `height` starts at the table (0).
    """

    def __init__(self, size: int, pose: Pose, center: tuple[float, float] = (0.0, 0.0)) -> None:
        side = size * FINER
        self.size, self.pose, self.pitch = size, pose, 2 / side
        axis = (np.arange(side, dtype=np.float32) + 0.5) * np.float32(self.pitch) - 1
        self.image_x, self.image_y = np.meshgrid(axis, axis)
        x, y = turned(self.image_x - pose.shift[0], self.image_y - pose.shift[1], pose.angle)
        self.x, self.y = x / np.float32(pose.scale), y / np.float32(pose.scale)
        self.pixel = self.pitch / pose.scale  # one fine pixel in part coordinates
        self.height = np.zeros((side, side), np.float32)
        self.layers = np.zeros((6, side, side), np.float32)  # red, green, blue, metal, rough, turned
        self.inside = np.zeros((side, side), np.float32)  # share of the pixel that is part
        self.defect = np.zeros((side, side), bool)
        self.center = center  # the lathe's axis, part coordinates

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns of the square that holds all within `reach` of a place on the part."""
        column, row = self.pixel_of(x, y)
        half = reach / self.pixel * 1.42 + 2
        side = self.height.shape[0]
        rows = slice(max(0, int(row - half)), min(side, int(row + half) + 1))
        return rows, slice(max(0, int(column - half)), min(side, int(column + half) + 1))

    def pixel_of(self, x: float, y: float) -> tuple[float, float]:
        """Column and row of a place on the part."""
        cosine, sine = np.cos(self.pose.angle), np.sin(self.pose.angle)
        image_x = (cosine * x - sine * y) * self.pose.scale + self.pose.shift[0]
        image_y = (sine * x + cosine * y) * self.pose.scale + self.pose.shift[1]
        return (image_x + 1) / self.pitch, (image_y + 1) / self.pitch

    def paint(self, cover: Field, material: Material, where: tuple[slice, slice] = (slice(None), slice(None))) -> None:
        """Lay a material over `where`; `cover` 0..1 is its opacity there."""
        values = (*material.color, material.metal, material.rough, material.turned)
        for full_layer, value in zip(self.layers, values):
            layer = full_layer[where]
            layer += cover * (np.float32(value) - layer)

    def tint(self, factor: Field, where: tuple[slice, slice] = (slice(None), slice(None))) -> None:
        """Multiply the colour by a factor per pixel."""
        for full_layer in self.layers[:3]:
            layer = full_layer[where]
            layer *= factor

    def lathe_center(self) -> tuple[float, float]:
        """The lathe's axis in picture coordinates."""
        column, row = self.pixel_of(*self.center)
        return column * self.pitch - 1, row * self.pitch - 1
