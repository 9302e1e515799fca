import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from baad.errors import BundleError, OutputError
from baad.learn.checkpoint import continued_log, load_checkpoint, read_header, read_took, save_checkpoint
from baad.learn.took import Took


def start(seed):
    """A layer with a batch norm, whose buffers count too, and its optimizer."""
    torch.manual_seed(seed)
    parts = {"trunk": nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))}
    return parts, torch.optim.AdamW(parts["trunk"].parameters(), lr=0.1)


def step(parts, optimizer):
    optimizer.zero_grad()
    parts["trunk"](torch.arange(12.0).view(4, 3)).square().sum().backward()
    optimizer.step()


def weights(parts):
    return {name: value.tolist() for name, value in parts["trunk"].state_dict().items()}


@pytest.fixture
def saved(tmp_path):
    """The file of a run of two steps, and what it was saved from."""
    run = start(0)
    step(*run)
    step(*run)
    save_checkpoint(tmp_path / "c.safetensors", 2, *run, "a run", Took(1.5, 2.5))
    return tmp_path / "c.safetensors", run


def test_a_run_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(saved):
    file, run = saved
    resumed = start(1)
    assert weights(resumed[0]) != weights(run[0])
    assert load_checkpoint(file, *resumed, "a run") == 2
    assert weights(resumed[0]) == weights(run[0])
    for each in (run, resumed):
        step(*each)  # with the moments: from none it would go elsewhere
    assert weights(resumed[0]) == weights(run[0])
    assert read_header(file) == {"step": "2", "minutes": "1.5", "busy": "2.5", "note": "a run"}
    assert read_took(file) == Took(1.5, 2.5)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_nothing_that_was_loaded_keeps_the_file_mapped(saved):
    """On Windows a file that is mapped cannot be replaced by the next checkpoint."""
    resumed = start(1)
    load_checkpoint(saved[0], *resumed, "a run")
    assert saved[0].name not in Path("/proc/self/maps").read_text()


def test_the_checkpoint_of_another_run_is_refused_and_changes_nothing(saved):
    resumed = start(1)
    before = weights(resumed[0])
    with pytest.raises(BundleError, match=r"c\.safetensors belongs to a run with other settings"):
        load_checkpoint(saved[0], *resumed, "another run")
    assert weights(resumed[0]) == before


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_damaged_checkpoint_is_named(saved, share):
    file, _ = saved
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BundleError, match=r"c\.safetensors is not a usable checkpoint"):
        load_checkpoint(file, *start(1), "a run")


def test_the_checkpoint_of_another_network_is_refused(saved):
    parts = {"trunk": nn.Linear(3, 5)}
    with pytest.raises(BundleError, match="not a usable checkpoint"):
        load_checkpoint(saved[0], parts, torch.optim.AdamW(parts["trunk"].parameters()), "a run")


def test_the_log_goes_on_after_the_last_saved_step(tmp_path):
    file = tmp_path / "losses.jsonl"
    file.write_text("".join(json.dumps({"step": number}) + "\n" for number in range(4)) + '{"step": 1')
    with continued_log(file, 2) as log:
        log.write('{"step": 2}\n')
    assert [json.loads(line)["step"] for line in file.read_text().splitlines()] == [0, 1, 2]
    with continued_log(file, 0):
        pass
    assert file.read_text() == ""


@pytest.mark.parametrize(("raised", "told"), [(BrokenPipeError(), BrokenPipeError), (OSError(28, "full"), OutputError)])
def test_a_full_disk_is_told_and_a_pipe_that_nobody_reads_is_the_callers(tmp_path, raised, told):
    with pytest.raises(told), continued_log(tmp_path / "losses.jsonl", 0):
        raise raised
