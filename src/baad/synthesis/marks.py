"""How a defect looks on the surface it sits on: paint, shade, relief, lesion, roughness.

Each function takes a site and returns its box as it looks afterwards, float32 [h, w, 3]. Strength is drawn over an
order of magnitude, from a dozen grey levels up, but not below what the surface's own texture would hide.
"""

import cv2
import numpy as np

from baad.synthesis.banks import Banks, cut_noise
from baad.synthesis.chance import log_uniform
from baad.synthesis.site import Site, roughness
from baad.synthesis.texture import draw_colours, draw_palette

FAINTEST, STRONGEST = 12.0, 150.0  # grey levels


def paint_tone(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """Darker, lighter or another hue, by adding levels: the surface's texture shows through."""
    under = site.under
    tone = _draw_tone(under, rng) * np.float32(draw_strength(site, rng))
    return under + site.weight[..., None] * tone


def paint_stain(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """Wet, greasy, scorched or bleached: levels multiplied, less light or more, by channel or not."""
    under = site.under
    strength = draw_strength(site, rng)
    share = np.float32(np.clip(strength / max(float(under.mean()), 20.0), 0.05, 0.9))
    filtered = np.float32(rng.uniform(0.0, 1.0, 3) if rng.random() < 0.5 else np.ones(3))
    gain = -share * filtered if rng.random() < 0.65 else share * filtered
    return under * (1 + site.weight[..., None] * gain)


def paint_colour(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A layer of one colour of some opacity: paint, tape, corrosion, a hole."""
    under = site.under
    if rng.random() < 0.4:  # holes and dirt are dark, glare and bare metal are light
        colour = np.full(3, rng.uniform(0, 45) if rng.random() < 0.65 else rng.uniform(215, 255), np.float32)
    else:
        colour = draw_colours(1, rng, site.picture)[0]
    contrast = float(np.abs(colour - under.reshape(-1, 3).mean(axis=0)).max())
    opacity = max(rng.uniform(0.2, 1.0), min(1.0, find_faintest(site) / max(contrast, 1.0)))
    return under + (colour - under) * (site.weight * np.float32(opacity))[..., None]


def paint_relief(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """A dent, groove, bump or fold under light from one side: one flank lighter, the other darker."""
    under, height = site.under, cv2.blur(site.weight, (3, 3))
    turn = rng.uniform(0, 2 * np.pi)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) * np.float32(np.cos(turn))
    slope += cv2.Sobel(height, cv2.CV_32F, 0, 1) * np.float32(np.sin(turn))
    slope /= np.float32(max(float(np.abs(slope).max()), 1e-3))
    strength = draw_strength(site, rng) * 1.3
    shade = slope + height * np.float32(rng.uniform(-1.0, 0.4))
    near = cv2.dilate(site.weight, np.ones((3, 3), np.uint8))
    return under + (shade * np.float32(strength) * (near > 0))[..., None] * _draw_tint(rng)


def paint_lesion(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """Zones from rim to core, each with its colour and opacity: rot, rust, burns, blisters, pits with a rim.

    Wants a soft shape, whose weight rises all the way to the middle.
    """
    under = site.under
    mean = under.reshape(-1, 3).mean(axis=0)
    colours = draw_palette(rng, site.picture).astype(np.float32)
    if rng.random() < 0.5:  # shades of what is there
        shift = draw_strength(site, rng) * np.linspace(0.3, 1.0, 256, dtype=np.float32)[:, None]
        colours = mean + _draw_tone(under, rng) * shift + (colours - 128) * np.float32(rng.uniform(0, 0.5))
    stops = np.sort(rng.random(2))
    opacity = np.interp(np.linspace(0, 1, 256), [0, *stops, 1], [0, *rng.uniform(0.2, 1.0, 3)]).astype(np.float32)
    ragged = site.weight * (1 + np.float32(rng.uniform(0, 0.6)) * (cut_noise(banks, site.shape, rng) - 0.5))
    zone = np.clip(ragged * 255, 0, 255).astype(np.uint8)
    detail = (under - cv2.blur(under, (5, 5))) * np.float32(rng.uniform(0, 1))
    content = colours[zone] + detail
    return under + (content - under) * opacity[zone][..., None]


def paint_rough(site: Site, rng: np.random.Generator, banks: Banks) -> np.ndarray:
    """The surface gets grainier: noise of some fineness, grey or coloured."""
    under = site.under
    channels = 1 if rng.random() < 0.6 else 3
    noise = rng.standard_normal((*site.shape, channels), np.float32)
    fineness = rng.choice((0.0, 0.7, 1.5))
    if fineness:
        noise = cv2.GaussianBlur(noise, (0, 0), fineness).reshape(noise.shape) * np.float32(1 + 2 * fineness)
    strength = max(log_uniform(rng, FAINTEST, 70.0), 2.0 * roughness(under))
    return under + noise * (site.weight * np.float32(strength))[..., None]


def draw_strength(site: Site, rng: np.random.Generator) -> float:
    """How many grey levels a mark differs: from barely seen to strong."""
    return log_uniform(rng, find_faintest(site), STRONGEST)


def find_faintest(site: Site) -> float:
    """The grey levels by which a mark must differ to be seen: more where it is small or its ground is lively."""
    lively, across = roughness(site.surroundings(6)), max(1.0, float(site.weight.sum())) ** 0.5
    return min(max(FAINTEST, 8.0 + lively * (0.7 + 5.0 / across)), 70.0)


def _draw_tone(under: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A direction in colour of length about 1, float32 [3]: mostly darker, away from where the range ends."""
    mean = float(under.mean())
    darker = rng.random() < np.interp(mean, [30, 90, 190, 240], [0.05, 0.6, 0.65, 0.95])
    return _draw_tint(rng) * np.float32(-1.0 if darker else 1.0)


def _draw_tint(rng: np.random.Generator) -> np.ndarray:
    """Grey more often than a hue, float32 [3], largest entry 1."""
    if rng.random() < 0.55:
        return np.ones(3, np.float32)
    tint = rng.uniform(-0.4, 1.0, 3)
    return (tint / np.abs(tint).max()).astype(np.float32)
