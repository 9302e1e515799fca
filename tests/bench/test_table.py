from baad.bench.table import format_table


def row(method, category, auroc, seed=0, **more):
    return {"method": method, "category": category, "seed": seed, "image_auroc": auroc, **more}


def test_methods_stand_side_by_side_with_the_mean_where_it_can_be_had():
    rows = [row("baad", "a", 0.9), row("baad", "a", 1.0, 1), row("baad", "b", 0.7), row("padim", "b", 0.5)]
    lines = format_table(rows, "baad bench run a b").splitlines()
    assert "| method | a | b | mean |" in lines
    assert "| baad | 0.950 | 0.700 | 0.825 |" in lines
    assert "| padim | – | 0.500 | – |" in lines
    assert "baad bench run a b" in lines[2]


def test_figures_that_no_row_has_get_no_column_and_the_spread_is_highest_minus_lowest():
    more = {"psnr": None, "mask_steps": 0, "background_fpr": 0.0}
    rows = [row("baad", "a", 0.9, steps=900, **more), row("baad", "a", 0.95, 1, steps=1100, **more)]
    lines = format_table(rows, "command").splitlines()
    assert "| category | method | seeds | spread | image auroc | background fpr | steps |" in lines
    assert "| a | baad | 2 | 0.050 | 0.925 | 0.0000 | 1,000 |" in lines
    assert not any(line.startswith("| method") for line in lines)  # nothing to compare


def test_times_of_a_processor_and_of_a_graphics_card_have_no_mean():
    rows = [row("baad", "a", 0.9, seed, steps=9, train_minutes=16.0, device="cpu") for seed in (0, 1)]
    rows += [
        row("no_places", "a", 0.9, seed, steps=9, train_minutes=16.0, device=("cpu", "cuda")[seed]) for seed in (0, 1)
    ]
    for method, device in (("padim", "cuda"), ("nearest", "cpu")):  # beside a row of before, which tells none
        rows += [row(method, "a", 0.9, steps=9, train_minutes=16.0)]
        rows += [row(method, "a", 0.9, 1, steps=9, train_minutes=16.0, device=device)]
    page = format_table(rows, "command")
    assert "| a | padim | 2 | 0.000 | 0.900 | 9 | – |" in page
    assert "| a | nearest | 2 | 0.000 | 0.900 | 9 | 16.0 |" in page
    assert "| a | baad | 2 | 0.000 | 0.900 | 9 | 16.0 |" in page
    assert "| a | no_places | 2 | 0.000 | 0.900 | 9 | – |" in page
    assert "their times have no mean" in page and "their times" not in format_table(rows[:2], "command")


def test_one_seed_has_no_spread():
    lines = format_table([row("baad", "a", 0.9, steps=900)], "command").splitlines()
    assert "| a | baad | 1 | – | 0.900 | 900 |" in lines


def told(rows, start):
    (line,) = [line for line in format_table(rows, "command").splitlines() if line.startswith(start)]
    return line


def test_baad_is_set_against_every_baseline_and_the_best_where_it_was_run():
    rows = [row("baad", "a", 0.9), row("baad", "b", 0.7), row("padim", "a", 0.8), row("padim", "b", 0.75)]
    rows += [row("nearest", "a", 0.85), row("nearest", "b", 0.6), row("draem", "a", 0.99), row("no_places", "a", 0.1)]
    line = told(rows, "Image AUROC of `baad` above that of each baseline")
    assert "mean over categories (how many): padim +0.025 (2), nearest +0.075 (2), draem -0.090 (1)." in line
    assert line.endswith("Above the best of those with the same settings, in each category: a -0.090, b -0.050.")


def test_who_was_given_more_minutes_is_not_counted_among_the_best():
    rows = [row("baad", "a", 0.9, settings="minutes=5.0"), row("padim", "a", 0.8, settings="minutes=5.0")]
    rows += [row("efficientad_small", "a", 0.95, settings="minutes=60.0")]
    line = told(rows, "Image AUROC of `baad` above that of each baseline")
    assert "efficientad_small -0.050 (1)" in line and line.endswith("in each category: a +0.100.")


def test_pixels_are_set_against_nearest_neighbour_and_switches_against_baad():
    rows = [row("baad", "a", 0.9, pixel_auroc=0.97), row("nearest", "a", 0.8, pixel_auroc=0.98)]
    rows += [row("true_outlines", "a", 0.95), row("true_outlines", "b", 0.1)]
    rows += [row("no_places", "a", 0.8), row("no_places", "c", 0.5), row("baad", "c", 0.75)]
    assert told(rows, "Pixel AUROC of").endswith("above that of `nearest`: a -0.010.")
    told(rows, "Image AUROC of `baad` above that of the others:")
    assert told(rows, "- true_outlines").endswith(": a -0.050")
    assert told(rows, "- no_places").endswith(": a +0.100, c +0.250")
    assert "Pixel AUROC of" not in format_table([row("baad", "a", 0.9), row("padim", "a", 0.8)], "command")


def test_rows_of_other_settings_or_code_are_in_no_mean_and_named():
    rows = [
        row("baad", "a", 0.9, alike="new"),
        row("baad", "a", 0.5, 1, alike="old"),
        row("baad", "a", 0.7, 2, alike="new"),
    ]
    lines = format_table(rows, "command").splitlines()
    assert "| a | baad | 2 | 0.200 | 0.800 |" in lines
    assert lines[-1].endswith("with other settings or code: a, baad, seed 1.")
    of_before = [{**each, "alike": None, "settings": "minutes=5.0"} for each in rows]
    assert "| a | baad | 3 | 0.400 | 0.700 |" in format_table(of_before, "command").splitlines()
    of_before = [row("baad", "a", 0.9, settings=""), row("baad", "a", 0.5, 1, settings="minutes=5.0")]
    assert "| a | baad | 1 | – | 0.900 |" in format_table(of_before, "command").splitlines()
