import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baad.bundle import read_bundle
from baad.data.sample import Category, LabelledImage
from baad.errors import MissingExtra
from baad.metrics.evaluate import evaluate
from baad.progress import Silence
from baad.report.cases import draw_case
from baad.report.html import (
    Answer,
    Page,
    Score,
    describe_model,
    evaluation_page,
    read_training_masks,
    render_page,
    verdict_page,
    write_page,
)
from baad.runtime.detector import Detector, judge
from baad.runtime.session import RawMaps
from baad.verdict.calibration import at_threshold, fit_calibration
from baad.verdict.promise import describe
from tests.factory import save_picture, write_category
from tests.fake_model import write_fake_model

SIZE = (40, 56)
CALIBRATION = fit_calibration(
    [0.1 * index for index in range(20)], [0.1 * index for index in range(20)], [""] * 20, 0.2
)


class BrightSpots:
    """Stands in for a network: what is bright is anomalous."""

    def run(self, image):
        anomaly = np.asarray(Image.fromarray(image).resize((32, 32)), np.float32)[..., 0] / 60
        return RawMaps(anomaly, np.ones((32, 32), np.float32), float(anomaly.max()), image[:16, :16])


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def read_test_half(root):
    write_category(root, normals=0, good=3, defective=4, size=SIZE)
    test = []
    for path in sorted((root / "test").rglob("*.png")):
        mask = root / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
        test.append(LabelledImage(path, path.parent.name, (mask,) if mask.is_file() else ()))
    return Category("disc", root, "MVTec AD", (), tuple(test))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    category = read_test_half(tmp_path_factory.mktemp("half") / "test_half")
    gate = {"accepted": False, "recipe": "none", "quality": 0.1, "reason": "masks disagree"}
    detector = Detector(BrightSpots(), CALIBRATION, {"n_train": 12, "steps": 5, "gate": gate, "seed": 0})
    scorecard = evaluate(
        lambda path: detector.session.run(np.asarray(Image.open(path))), category, Silence(), resamples=20
    )
    return evaluation_page(detector, category, scorecard, Silence(), limit=6)


def make_bare_page(**changes):
    content = {"title": "t", "threshold": 1.0, "cases": (), "scores": (), **changes}
    return Page(**content)


def test_the_page_loads_nothing_from_elsewhere(page, tmp_path):
    write_page(tmp_path / "out" / "index.html", page)
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    outside = [
        (tag, value)
        for tag, attributes in Elements(text).found
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action") and not value.startswith("data:")
    ]
    assert outside == []
    assert not re.search(r"url\(|@import|https?://|file:", re.sub(r"data:image/webp;base64,[\w+/=]+", "", text))
    assert "/test_half/" not in text


def test_pictures_whose_names_are_no_utf8_stand_on_the_page_each_with_its_own_pixels(tmp_path):
    root, test = tmp_path / "kr\udce4tzer", []
    for sign, level in (("\udcfc", 10), ("\udcf6", 60)):  # two names that are written alike
        path = save_picture(root / f"pr{sign}f.png", np.full((40, 56, 3), level, np.uint8))
        test.append(LabelledImage(path, "besch\udce4digt"))
    category = Category(root.name, root, "MVTec AD", (), tuple(test))
    detector = Detector(BrightSpots(), CALIBRATION, {})
    scorecard = evaluate(
        lambda path: detector.session.run(np.asarray(Image.open(path))), category, Silence(), resamples=20
    )
    page = evaluation_page(detector, category, scorecard, Silence())
    assert [round(60 * case.score) for case in page.cases] == [10, 60]
    assert {case.name for case in page.cases} == {"pr\ufffdf.png"}
    write_page(tmp_path / "page.html", page)
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "kr\ufffdtzer" in text and "besch\ufffddigt" in text


def test_every_picture_has_words_for_those_who_cannot_see_it(page):
    elements = Elements(render_page(page)).found
    pictures = [attributes for tag, attributes in elements if tag == "img"]
    drawings = [attributes for tag, attributes in elements if tag == "svg"]
    assert len(pictures) + len(drawings) == 6 * 5 + 1
    assert all(len(attributes["alt"]) > 10 for attributes in pictures)
    assert all(attributes["role"] == "img" and len(attributes["aria-label"]) > 10 for attributes in drawings)


def test_the_page_says_how_many_cases_of_how_many_pictures_it_shows(page):
    assert "6 of 7 pictures are shown" in render_page(page)


def test_figures_kinds_and_the_promise_stand_on_the_page(page):
    text = render_page(page)
    assert "What the threshold promises" in text
    assert page.promise in text
    for words in ("image AUROC", "AU-PRO 0.3", "scratch", "the whole picture counts as part: masks disagree"):
        assert words in text
    assert "background FPR" not in text  # no outlines, no row


def test_buttons_filter_by_outcome_and_kind(page):
    elements = Elements(render_page(page)).found
    buttons = [(a["data-key"], a["data-value"]) for tag, a in elements if tag == "button"]
    kinds = [("kind", "good"), ("kind", "scratch"), ("kind", "spot")]
    assert buttons == [("all", ""), ("outcome", "false alarm"), ("outcome", "missed"), *kinds]
    cards = [attributes for tag, attributes in elements if tag == "article"]
    assert {card["data-kind"] for card in cards} <= {"good", "scratch", "spot"}
    assert len(cards) == 6


def test_cases_come_worst_first(page):
    order = ["false alarm", "missed", "found", "passed"]
    places = [order.index(case.outcome) for case in page.cases]
    assert places == sorted(places)


def test_names_cannot_smuggle_markup_into_the_page():
    evil = '<script>alert("x")</script>'
    image = np.zeros((8, 8, 3), np.uint8)
    raw = RawMaps(np.zeros((8, 8), np.float32), np.ones((8, 8), np.float32), 0.0)
    case = draw_case(evil, evil, image, judge(raw, (8, 8), CALIBRATION, notes=(evil,)))
    text = render_page(make_bare_page(title=evil, cases=(case,), scores=(Score(evil, 0.0, False),), notes=(evil,)))
    assert "alert(" in text
    assert evil not in text
    assert [tag for tag, _ in Elements(text).found].count("script") == 1


def test_pictures_of_unknown_truth_make_a_page_without_figures():
    raw = RawMaps(np.full((8, 8), 9, np.float32), np.ones((8, 8), np.float32), 9.0)
    case = draw_case("a.png", "", np.zeros((8, 8, 3), np.uint8), judge(raw, (8, 8), CALIBRATION))
    text = render_page(make_bare_page(cases=(case,), scores=(Score("", 9.0, True), Score("", 9.0, False))))
    assert "1 of 2" in text
    assert case.outcome == "alarm"
    assert "false alarms" not in text
    assert "<h2>Figures</h2>" not in text


@pytest.mark.parametrize(("n_regions", "told"), [(0, "<"), (1, " but where a zone ignores it<")])
def test_without_an_alarmed_area_a_case_says_so(n_regions, told):
    raw = RawMaps(np.zeros((8, 8), np.float32), np.ones((8, 8), np.float32), 0.0)
    case = draw_case("a.png", "", np.zeros((8, 8, 3), np.uint8), judge(raw, (8, 8), CALIBRATION))
    text = render_page(make_bare_page(cases=(replace(case, n_regions=n_regions),)))
    assert f"no pixel above the pixel threshold{told}" in text and "</i>border" not in text


def test_a_rejected_picture_without_an_alarmed_area_says_where_its_strangest_place_lies():
    foreground = np.ones((8, 8), np.float32)
    foreground[:, 4:] = 0
    anomaly = np.zeros((8, 8), np.float32)
    anomaly[:, 7] = 0.1  # below the pixel threshold, and the score is above its own
    calibration = replace(CALIBRATION, pixel_threshold=1.0)
    verdict = judge(RawMaps(anomaly, foreground, 99.0), (8, 8), calibration)
    text = render_page(make_bare_page(cases=(draw_case("a.png", "", np.zeros((8, 8, 3), np.uint8), verdict),)))
    assert "no pixel above the pixel threshold: the strangest place is outlined<" in text
    shares = [f"{zone} {100 * getattr(verdict.zones, zone):.0f} %" for zone in ("part", "border", "background")]
    assert all(f"</i>{share}<" in text for share in shares) and "alarmed area" not in text
    assert verdict.zones.part < 1 and verdict.zones.background > 0


def test_rejected_pictures_come_first_then_the_strangest_and_one_that_is_gone_is_named(tmp_path):
    grey = {"warned.png": 250, "rejected.png": 200, "quiet.png": 20, "calm.png": 10}
    for name, level in grey.items():
        if name != "warned.png":
            save_picture(tmp_path / name, np.full((40, 56, 3), level, np.uint8))
    labels = {"warned.png": "warn", "rejected.png": "ng"}
    answers = [Answer(tmp_path / name, name, labels.get(name, "ok"), level / 60) for name, level in grey.items()]
    detector = Detector(BrightSpots(), CALIBRATION, {})
    page = verdict_page(detector, answers, Silence(), subtitle="four", limit=3)
    assert [(case.name, case.outcome) for case in page.cases] == [("rejected.png", "alarm"), ("quiet.png", "no alarm")]
    assert [panel.title for panel in page.cases[0].panels][1] == "reconstruction"
    assert len(page.scores) == 4
    assert page.notes[0].startswith("warned.png is not shown: ")
    text = render_page(page)
    assert "1 of 4" in text and "pictures that are rejected: 25.0" in text  # not the one that only warns
    assert "2 of 4 pictures are shown" in text and page.promise in text and "true defect" not in text


def test_where_the_threshold_promises_nothing_the_page_says_that_alone():
    doubt = "judged in tiles of 128 px, in training whole: the threshold promises nothing"
    detector = Detector(BrightSpots(), CALIBRATION, {}, caveats=(doubt,))
    text = render_page(verdict_page(detector, [], Silence()))
    assert f"<p>{doubt}</p>" in text and describe(CALIBRATION) not in text


def test_a_page_without_anything_to_show_is_still_a_page():
    assert "<h1>t</h1>" in render_page(make_bare_page())


def test_the_missing_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match="pip install jinja2"):
        write_page(tmp_path / "page.html", make_bare_page())
    assert list(tmp_path.iterdir()) == []


def test_what_the_manifest_does_not_say_is_left_out():
    assert [name for name, _ in describe_model({}, CALIBRATION)] == ["Threshold"]


def test_a_threshold_set_by_hand_is_not_said_to_come_from_held_out_pictures():
    told = [dict(describe_model({}, made))["Threshold"] for made in (CALIBRATION, at_threshold(CALIBRATION, 2.75))]
    assert ", from " in told[0] and told[1].startswith("2.75, set by hand")


def test_the_template_stands_beside_its_module():
    import baad.report.html as module

    assert (Path(module.__file__).parent / "template.html").is_file()


def test_the_worst_masks_of_the_training_pictures_stand_on_the_page(tmp_path):
    worst = [{"sample": "samples/mask-00.jpg", "image": "<7>.png", "quality": 0.31}]
    gate = {"accepted": True, "recipe": "border", "quality": 0.5, "reason": "", "worst": worst}
    model = write_fake_model(tmp_path / "m.baad", gate=gate, samples={"samples/mask-00.jpg": b"a picture"})
    text = render_page(make_bare_page(masks=read_training_masks(model, read_bundle(model).manifest)))
    assert "&lt;7&gt;.png" in text and "quality 0.31" in text
    assert "data:image/jpeg;base64,YSBwaWN0dXJl" in text
    assert "Where the part was found" not in render_page(make_bare_page())
