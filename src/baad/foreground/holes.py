"""Holes in the masks: does one see through them, or are they labels and prints that look like some background?

What is seen through a hole changes with the scene behind the part; a label stays what it is. So holes are filled where,
over a set, they look more like the holes of other pictures than like the background of their own. A hole in front of a
scene that never changes is filled as well: nothing in it changes, so nothing there can be mistaken for a defect.
"""

import cv2
import numpy as np

from baad.foreground.quality import chi2, colour_histogram

LEAST_AREA = 0.01  # of the part: smaller holes say little of what is in them
OFTEN = 1 / 3  # of the pictures that must have holes, else they are mistakes of single masks and stay


def are_part(images: np.ndarray, masks: np.ndarray) -> bool:
    """Whether the holes of a set's masks are part. images: uint8 [N, S, S, 3]; masks: bool [N, S, S]."""
    inside, around = [], []
    for image, mask in zip(images, masks):
        holes = find_holes(mask)
        background = ~mask & ~holes
        if holes.sum() < LEAST_AREA * mask.sum() or not holes.any() or not background.any():
            continue
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
        inside.append(colour_histogram(lab, holes.astype(np.uint8)))
        around.append(colour_histogram(lab, background.astype(np.uint8)))
    if len(inside) < max(2, OFTEN * len(masks)):
        return False
    holes = np.stack(inside)  # [n, bins]
    each_other = np.concatenate([chi2(one, np.delete(holes, index, axis=0)) for index, one in enumerate(holes)])
    return bool(np.median(chi2(holes, np.stack(around))) > np.median(each_other))


def fill_holes(masks: np.ndarray) -> np.ndarray:
    """bool [N, S, S] -> the same without holes."""
    return np.stack([mask | find_holes(mask) for mask in masks])


def find_holes(mask: np.ndarray) -> np.ndarray:
    """Background that part encloses, bool [S, S] -> bool [S, S]; what touches the picture's border is no hole."""
    _, labels = cv2.connectedComponents((~mask).astype(np.uint8), connectivity=4)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return ~mask & ~np.isin(labels, border)
