"""What one row of a benchmark is about, and the detector it needs: trained, fitted, or there already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from baad.baselines.baseline import Fitted
from baad.bench.fitting import Fittings
from baad.bench.made_with import Code, describe_making, fingerprint, hash_tested
from baad.bench.methods import METHODS, Method
from baad.bundle import Bundle, read_bundle
from baad.data.maps import place_in
from baad.data.sample import Category
from baad.data.split import split_held_out
from baad.errors import BaadError, BundleError, DataError, SettingError, TrainingError
from baad.learn.deploy import DeployGraph, learn_places, scoring_of
from baad.learn.export import export_onnx
from baad.learn.machine import using_machine
from baad.learn.pictures import read_pictures
from baad.learn.placed_memory import PlacedMemory
from baad.learn.places import Places
from baad.learn.reload import load_model
from baad.learn.resume import can_go_on
from baad.learn.train import train
from baad.progress import Progress
from baad.runtime.session import RawMaps, Session
from baad.runtime.tiles import Scorer, as_trained
from baad.settings import TrainSettings

FAILURES = (TrainingError, DataError, BundleError)  # that cost the rows of one job; BundleError: no finite answer


@dataclass(frozen=True)
class Part:
    """Some categories, and what is to be run on each: names of METHODS, that many seeds from 0, settings.

    `stress`: those of the methods whose backgrounds are changed too.
    """

    categories: tuple[Path, ...]
    methods: tuple[str, ...]
    seeds: int
    settings: TrainSettings
    stress: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """What one row is about."""

    category: Category
    method: str
    settings: TrainSettings
    stress: bool = False

    def __post_init__(self) -> None:
        self.changed()  # SettingError, before any training, where the method cannot be had with these settings

    def changed(self) -> TrainSettings:
        """The settings with the method's changes, of training and of scoring."""
        method = METHODS[self.method]
        return replace(self.settings, **{**method.settings, **method.scoring})

    def describes(self, row: Mapping[str, Any]) -> bool:
        """Whether the row is of this category, method and seed, whatever its settings."""
        return (row["category"], row["method"], row["seed"]) == (self.category.name, self.method, self.settings.seed)

    def made_with(self) -> dict[str, Any]:
        """What its row says of how it is made, the method's changes counted in."""
        method = METHODS[self.method]
        outlines = place_outlines(self.category) if method.outlined else None
        code = Code.BAAD if not method.baseline else Code.BOTH if method.masked else Code.BASELINE
        return describe_making(self.category, self.changed(), outlines, code)

    def judged_with(self) -> dict[str, Any]:
        """The same, and what the test pictures, their masks and outlines of the part hold (`tested_on`)."""
        return {**self.made_with(), "tested_on": hash_tested(self.category)}

    def __str__(self) -> str:
        return f"{self.category.name}, seed {self.settings.seed}, {self.method}"


@dataclass(frozen=True)
class Fit:
    """Ready to judge: picture uint8 [H, W, 3] -> maps. `minutes`: of the whole training, reading included."""

    score: Callable[[np.ndarray], RawMaps]
    fitted: Fitted
    minutes: float
    rebuilds: bool = True  # its reconstruction, if it gives one, was trained


def list_jobs(parts: Sequence[Part], read: Mapping[Path, Category]) -> list[Job]:
    """All rows to be made; what belongs to one category and seed of a part comes together.

    Raises DataError for two categories of one name, SettingError where one row is wanted with two settings, and for a
    seed among the settings: seeds are counted.
    """
    require_names(list(read.values()))
    for part in parts:
        if part.settings.seed:
            raise SettingError(f"seed is {part.settings.seed}: a benchmark counts seeds from 0. Say how many: --seeds.")
    jobs = [
        Job(read[path], method, replace(part.settings, seed=seed), method in part.stress)
        for part in parts
        for path in part.categories
        for seed in range(part.seeds)
        for method in part.methods
    ]
    settings: dict[str, TrainSettings] = {}
    for job in jobs:
        if settings.setdefault(str(job), job.settings) != job.settings:
            raise SettingError(f"{job}: asked for twice, with different settings. Write them to two folders.")
    return jobs


def require_names(categories: Sequence[Category]) -> None:
    """Raises DataError for two categories of one name, which rows and tables could not tell apart."""
    named: dict[str, Category] = {}
    for category in categories:
        known = named.setdefault(category.name, category)
        if known is not category and _place_pictures(known) != _place_pictures(category):
            where = f"{known.root} and {category.root}" if known.root != category.root else f"Two sets in {known.root}"
            raise DataError(
                f"{where} are both called {category.name}, and rows go by that name. Rename one, or run them apart "
                "with an --out of their own."
            )


def _place_pictures(category: Category) -> tuple[Path, list[Path]]:
    """Where a category lies, and which pictures there are its own: several lists may stand in one folder."""
    files = [image.path for image in category.train] + [image.path for image in category.test]
    return category.root.resolve(), [place_in(category, file) for file in files]


class Workshop:
    """Makes detectors. Trained models of BAAD are kept in `models`, by what they were made with, and used again; of the
    baselines, which are fitted in memory, those of the category and settings last asked for. What failed once is not
    tried again."""

    def __init__(self, models: Path, progress: Progress) -> None:
        self._models, self._progress = models, progress
        self._key: tuple[str, Path, TrainSettings] | None = None
        self._failed: dict[tuple[str, Path, TrainSettings, str, bool], BaadError] = {}

    def make(self, job: Job) -> Fit:
        """The detector of a job. Raises one of FAILURES where its training fails."""
        method = METHODS[job.method]
        settings = replace(job.settings, **method.settings)
        trained = (job.category.name, job.category.root, settings, method.baseline, method.outlined)
        if trained in self._failed:
            raise self._failed[trained]
        try:
            return self._fit(job.category, method, settings) if method.baseline else self._train(job, method, settings)
        except FAILURES as error:
            self._failed[trained] = error
            raise

    def _train(self, job: Job, method: Method, settings: TrainSettings) -> Fit:
        model = train_once(job.category, settings, self._models, self._progress, method.outlined)
        bundle = read_bundle(model)
        session, told = open_session(model, bundle, job, self._progress), bundle.manifest
        cost = (told["steps"], told["parameters"], told["macs"])
        fitted = Fitted(*cost, processor_minutes=told.get("processor_minutes"), device=told.get("device"))
        return Fit(session.run, fitted, told["train_minutes"], settings.image_head)

    def _fit(self, category: Category, method: Method, settings: TrainSettings) -> Fit:
        key = (category.name, category.root, settings)  # lists of pictures in one folder have one root
        if self._key != key:
            self._key = key
            self._fittings = Fittings(category, settings, self._progress)
        with using_machine(settings):
            make = self._fittings.masked if method.masked else self._fittings.plain
            score, fitted, minutes = make(method.baseline)

        def score_here(picture: np.ndarray) -> RawMaps:
            with using_machine(settings):
                return score(picture)

        return Fit(score_here, fitted, minutes)


def train_once(
    category: Category, settings: TrainSettings, models: Path, progress: Progress, outlined: bool = False
) -> Path:
    """The model of those settings, of that PDN, of those pictures and outlines, trained unless it exists. A training
    that was stopped is gone on with.

    `outlined`: with the category's true outlines as masks. Raises DataError where it has none.
    """
    outlines = require_outlines(category) if outlined else None
    path = models / f"{category.name}-{settings.seed}-{fingerprint(category, settings, outlines)}.baad"
    if not path.exists():
        progress.say(f"{category.name}, seed {settings.seed}: training")
        train(
            category.train,
            settings,
            path,
            progress,
            category_name=category.name,
            fg_masks=outlines,
            resume=can_go_on(path, settings),
            go_on="the same command",
        )
    return path


def place_outlines(category: Category) -> Path:
    """Where the folder of a category's true outlines lies, if it has any."""
    return category.root / "foreground"


def require_outlines(category: Category) -> Path:
    """The folder of a category's true outlines. Raises DataError where there is none."""
    outlines = place_outlines(category)
    if not outlines.is_dir():
        raise DataError(f"{category.root} has no true outlines of the part: they would lie in {outlines}.")
    return outlines


def open_session(model: Path, bundle: Bundle, job: Job, progress: Progress) -> Scorer:
    """The model as the line runs it, or as it scores with the method's changes.

    What is usual at each place is learnt anew for a changed map, from the pictures that the model was fitted to.
    """
    method, threads = METHODS[job.method], job.settings.threads
    if not method.scoring:
        return as_trained(Session(bundle.onnx, threads), bundle.manifest)
    network, trained = load_model(model)
    changed = replace(trained, **method.scoring)
    network.mask_head = changed.mask_head
    before, scoring = (scoring_of(each, bundle.manifest["gate"]["accepted"]) for each in (trained, changed))
    relearn = network.places.known and changed.by_place and scoring != before
    if relearn or not changed.by_place:
        network.places = Places()
    if not changed.by_place:
        network.placed = PlacedMemory()
    if relearn:
        fit = split_held_out(job.category.train, trained.held_out, trained.seed).fit
        with using_machine(trained):
            learn_places(network, read_pictures(fit, trained.image_size, progress).resized, scoring, progress)
    height, width = bundle.manifest["input_shape"]
    session = Session(export_onnx(DeployGraph(network, (height, width), scoring)), threads)
    return as_trained(session, bundle.manifest)


def describe_settings(settings: TrainSettings) -> str:
    """What differs from the defaults, seed aside: 'minutes=5.0 threads=2'; nothing where nothing does."""
    usual = replace(TrainSettings(), seed=settings.seed).to_dict()
    return " ".join(f"{name}={value}" for name, value in settings.to_dict().items() if value != usual[name])
