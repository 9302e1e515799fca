"""What a row of a benchmark is about: BAAD, BAAD with a switch thrown, or a baseline. One list for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from baad.errors import SettingError

MASKED = "+mask"  # behind a baseline's name: its map times the mask of a network of its own


@dataclass(frozen=True)
class Method:
    """`settings`: changes before training. `scoring`: changes of how a trained model scores, on the model trained
    without them. `outlined`: trained with the category's true outlines as masks of the part. `baseline`: the name of
    one, or nothing for BAAD; `masked`: with a mask network beside it."""

    help: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    scoring: Mapping[str, Any] = field(default_factory=dict)
    outlined: bool = False
    baseline: str = ""
    masked: bool = False


ABLATION = {
    "no_mask_head": Method("no mask head: the discriminator is told that all is part", {"mask_head": False}),
    "anomalies_anywhere": Method("invented defects anywhere, not on the part alone", {"anomalies_on": "anywhere"}),
    "no_background_changes": Method(
        "no changed backgrounds in training, neither as normal nor in pairs",
        {"background_share": 0.0, "invariance": 0.0},
    ),
    "union_target": Method("mask target: the part and the defects beside it", {"mask_target": "union"}),
    "union_anywhere": Method(
        "the same with defects anywhere, as IFgNet has it", {"mask_target": "union", "anomalies_on": "anywhere"}
    ),
    "mask_ones": Method("all ones in place of what the mask head says", scoring={"mask_head": False}),
    "no_suppression": Method("the map is not multiplied by the mask", scoring={"suppression": 0.0}),
    "no_image_head": Method("no reconstruction of the picture", {"image_head": False}),
    "no_feature_head": Method("no reconstruction of the features", {"feature_head": False}),
    "no_novelty": Method("no distance to remembered patches", scoring={"novelty": 0.0}),
    "no_feature_error": Method("no error of the rebuilt features in the map", scoring={"feature_error": 0.0}),
    "no_places": Method("map and novelty not measured by what is usual at each place", scoring={"by_place": False}),
    "discriminator_map": Method("the discriminator's map alone", scoring={"novelty": 0.0, "feature_error": 0.0}),
    "bare_discriminator": Method(
        "the same, not multiplied by the mask either",
        scoring={"novelty": 0.0, "feature_error": 0.0, "suppression": 0.0},
    ),
    "bare_without_head": Method(
        "`bare_discriminator` of `no_mask_head`: what the head is worth without novelty, which speaks on the "
        "background where no mask holds it back",
        {"mask_head": False},
        {"novelty": 0.0, "feature_error": 0.0, "suppression": 0.0},
    ),
    "feature_error": Method("the error of the rebuilt features alone", scoring={"anomaly_from": "features"}),
    "separate_networks": Method("two networks, one for the picture and one for the mask", {"separate_networks": True}),
    "random_pdn": Method("a PDN with random weights", {"pdn": "random"}),
    "plain": Method("the paper's setting: all weights 1, no feature head", {"losses": "plain", "feature_head": False}),
    "background_off": Method(
        "nothing that knows of the background: no foreground, no mask head, defects anywhere, no changed backgrounds, "
        "no invariance term, no multiplication; the same network else, which looks and scores as `baad` does where a "
        "background was found",
        {
            "foreground": "off",
            "view": "near",
            "feature_error": 0.0,
            "by_place": False,
            "mask_head": False,
            "anomalies_on": "anywhere",
            "background_share": 0.0,
            "invariance": 0.0,
            "suppression": 0.0,
        },
    ),
}
ABLATION["bare_background_off"] = replace(
    ABLATION["background_off"], help="`background_off` without novelty", scoring={"novelty": 0.0}
)

BASELINES = {
    "nearest": Method("nearest neighbour among normal patches (PatchCore)", baseline="nearest"),
    "padim": Method("a Gaussian per position (PaDiM)", baseline="padim"),
    "efficientad": Method("student, teacher and autoencoder (EfficientAD)", baseline="efficientad"),
    "draem": Method("reconstruction and discriminator on images (DRAEM)", baseline="draem"),
}

METHODS: dict[str, Method] = {
    "baad": Method("BAAD as its settings have it"),
    **ABLATION,
    **BASELINES,
    **{
        name + MASKED: Method(f"{name}, times the mask of a network of its own", baseline=name, masked=True)
        for name in BASELINES
    },
    "foreground_off": Method("no background is looked for: BAAD as it is where there is none", {"foreground": "off"}),
    "nothing_of_background": Method(
        "`background_off` for where no background was found: the view and the scoring that `baad` has there",
        {"foreground": "off", "mask_head": False, "anomalies_on": "anywhere", "background_share": 0.0},
    ),
    "with_invariance": Method("the invariance term, in steps twice as long; off as a default", {"invariance": 1.0}),
    "wide_view": Method("the wide view, background or not", {"view": "wide"}),
    "near_view": Method(
        "no wide view, background or not: `baad` itself where a background was found", {"view": "near"}
    ),
    "true_outlines": Method(
        "trained with the true outlines of the part, where the data has them, in place of its own masks", outlined=True
    ),
    "whole_pictures": Method("whole pictures, however much their aspects vary", {"tile_px": 0}),
    "at_384": Method(
        "whole pictures at as many pixels as 384 x 384 has, in place of 256 x 256", {"tile_px": 0, "image_size": 384}
    ),
    "in_tiles": Method("tiles of 256 px of the pictures as they are, in place of whole pictures", {"tile_px": 256}),
    "efficientad_small": Method("EfficientAD around PDN-S, 128 channels", {"size": "small"}, baseline="efficientad"),
    "efficientad_small+mask": Method(
        "efficientad_small, times the mask of a network of its own",
        {"size": "small"},
        baseline="efficientad",
        masked=True,
    ),
}

GROUPS = {
    "ablation": ("baad", *ABLATION),
    "baselines": tuple(name + end for name in BASELINES for end in ("", MASKED)),
}


def choose_methods(words: Sequence[str]) -> tuple[str, ...]:
    """Names of METHODS and GROUPS -> names of METHODS, each once, in the order given.

    Raises SettingError for an unknown name, and for none.
    """
    names = [name for word in words for name in GROUPS.get(word, (word,))]
    unknown = [name for name in names if name not in METHODS]
    if unknown or not names:
        told = f"Unknown method {unknown[0]!r}" if unknown else "No method is named"
        raise SettingError(f"{told}: give {', '.join([*GROUPS, *METHODS])}.")
    return tuple(dict.fromkeys(names))
