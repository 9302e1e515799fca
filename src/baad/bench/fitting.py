"""The baselines of one category and seed, made ready as BAAD's own training is.

They have its split, size, PDN, masks, minutes and seed, but see whole pictures, whatever tile_px says. Each is fitted
once, whatever rows need it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from baad.baselines.baseline import Baseline, Fitted, Normals
from baad.baselines.draem import Draem
from baad.baselines.efficientad import EfficientAD
from baad.baselines.masked import Masked, MaskNetwork, train_mask_network
from baad.baselines.nearest import NearestNeighbour
from baad.baselines.padim import PaDiM
from baad.data.decode import read_image
from baad.data.geometry import resize_image
from baad.data.sample import Category
from baad.data.split import split_held_out
from baad.foreground.gate import Gate
from baad.learn.batches import Material
from baad.learn.blocks import count_macs, count_parameters, fold_batch_norms
from baad.learn.foreground_masks import Seen, Shown, choose_foreground
from baad.learn.pdn import Pdn
from baad.learn.pictures import Pictures, read_pictures
from baad.learn.took import Took, stopwatch
from baad.learn.train import batch_plan, choose_view
from baad.progress import Progress
from baad.runtime.session import RawMaps
from baad.settings import TrainSettings
from baad.synthesis.banks import make_banks

Made = tuple[Callable[[np.ndarray], RawMaps], Fitted, float]  # what scores a picture; what it took; minutes


@dataclass(frozen=True)
class Ready:
    """The normal pictures, where the part is in them, the PDN with the view that BAAD takes; what it took."""

    pictures: Pictures
    normals: Normals
    gate: Gate
    pdn: Pdn
    took: Took


NEW: dict[str, Callable[[Pdn, TrainSettings], Baseline]] = {
    "nearest": lambda pdn, settings: NearestNeighbour(pdn, seed=settings.seed),
    "padim": lambda pdn, settings: PaDiM(pdn, seed=settings.seed),
    "efficientad": EfficientAD,
    "draem": lambda pdn, settings: Draem(settings),
}


class Fittings:
    """Everything is made when it is first asked for. Baselines run on the CPU."""

    def __init__(self, category: Category, settings: TrainSettings, progress: Progress) -> None:
        self._category, self._settings, self._progress = category, settings, progress
        self._fitted: dict[str, tuple[Baseline, Fitted, Took]] = {}

    def plain(self, name: str) -> Made:
        """The baseline of that name, as its paper has it."""
        baseline, fitted, took = self._fit(name)
        return baseline.score, replace(fitted, processor_minutes=round(took.busy, 2)), took.minutes

    def masked(self, name: str) -> Made:
        """The same, its map multiplied by the mask of a network of its own; as it is where no background was found."""
        if self._ready.gate.masks is None:
            return self.plain(name)
        baseline, fitted, took = self._fit(name)
        network, mask_steps, more = self._mask_network
        both = took + more
        shape = self._ready.pictures.input_shape
        least = min(float(baseline.score(picture).anomaly.min()) for picture in self._ready.normals.held_out)
        image, shared = torch.zeros(1, 3, *shape), network.pdn if name != "draem" else None
        parameters = count_parameters(network) - (count_parameters(shared) if shared is not None else 0)
        macs = count_macs(network, image) - (count_macs(shared, image) if shared is not None else 0)
        busy = round(both.busy, 2)
        told = Fitted(fitted.steps, fitted.parameters + parameters, fitted.macs + macs, mask_steps, busy)
        return Masked(baseline, network, shape, least).score, told, both.minutes

    def _fit(self, name: str) -> tuple[Baseline, Fitted, Took]:
        if name not in self._fitted:
            ready, took = self._ready, stopwatch()
            baseline = NEW[name](ready.pdn, self._settings)
            fitted = baseline.fit(ready.normals, self._progress)
            self._fitted[name] = (baseline, fitted, ready.took + took())
        return self._fitted[name]

    @cached_property
    def _ready(self) -> Ready:
        took, settings = stopwatch(), self._settings
        split = split_held_out(self._category.train, settings.held_out, settings.seed)
        pictures = read_pictures(split.fit, settings.image_size, self._progress)
        held_out = [resize_image(read_image(image.path), pictures.input_shape) for image in split.held_out]
        seen = Seen(pictures.resized, split.fit, pictures.shapes)
        gate = choose_foreground(seen, split.held_out, Shown(), settings, self._progress)
        pdn = choose_view(settings, pictures.resized, gate.accepted)
        fold_batch_norms(pdn)
        pdn.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as a mask network would leave it
        normals = Normals(pictures.resized, np.stack(held_out))
        return Ready(pictures, normals, gate, pdn, took())

    @cached_property
    def _mask_network(self) -> tuple[MaskNetwork, int, Took]:
        took, settings = stopwatch(), self._settings
        pictures, gate = self._ready.pictures, self._ready.gate
        assert gate.masks is not None, "there is no part to learn where no background was found"
        banks = make_banks(np.random.default_rng([settings.seed, 5]))
        material = Material(pictures.resized, gate.masks > 0.5, banks, pictures.grey)
        plan = batch_plan(settings, gate)
        plan = replace(plan, ramp_steps=0, synthesis=replace(plan.synthesis, paired=False))  # both are for defects
        network, steps = train_mask_network(self._ready.pdn, material, plan, settings, self._progress)
        return network, steps, took()
