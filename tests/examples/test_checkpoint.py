"""Checkpoint files: what is read is what was written, or one clear error."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.harness.checkpoint import (
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)

CONFIGURATION = {"host": "pyro", "family": "igr", "temperature": 0.1, "seed": 3}
PAYLOAD = bytes(range(256))

each_example_overwrites = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run" / "vae.checkpoint"
    save_checkpoint(path, CONFIGURATION, PAYLOAD)
    return path


@each_example_overwrites
@given(payload=st.binary(), configuration=st.dictionaries(st.text(), st.integers()))
def test_what_is_read_is_what_was_written(path, payload, configuration):
    save_checkpoint(path, configuration, payload)
    assert load_checkpoint(path, configuration) == payload


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_last_checkpoint(path, step, monkeypatch):
    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(path, CONFIGURATION, b"newer")
    assert load_checkpoint(path, CONFIGURATION) == PAYLOAD


def test_the_checkpoint_is_only_replaced_by_whole_bytes_on_disk(path, monkeypatch):
    replace, seen = os.replace, []

    def look_and_replace(source, target):
        seen.append(load_checkpoint(source, CONFIGURATION))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look_and_replace)
    save_checkpoint(path, CONFIGURATION, b"newer")
    assert seen == [b"newer"]
    assert os.listdir(path.parent) == [path.name]


@each_example_overwrites
@given(st.data())
def test_a_truncated_file_is_an_error(path, data):
    save_checkpoint(path, CONFIGURATION, PAYLOAD)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CheckpointError, match="truncated or corrupt|not a checkpoint"):
        load_checkpoint(path, CONFIGURATION)


@each_example_overwrites
@given(st.data())
def test_a_flipped_bit_anywhere_is_an_error(path, data):
    save_checkpoint(path, CONFIGURATION, PAYLOAD)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="truncated or corrupt|not a checkpoint"):
        load_checkpoint(path, CONFIGURATION)


def test_a_file_of_another_kind_is_an_error(path):
    path.write_bytes(b"PNG, or so")
    with pytest.raises(CheckpointError, match="not a checkpoint of format"):
        load_checkpoint(path, CONFIGURATION)


def test_every_option_that_differs_is_named_with_both_values(path):
    other = CONFIGURATION | {"temperature": 0.5, "seed": 4}
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path, other)
    assert "temperature is 0.1 there and 0.5 here" in str(error.value)
    assert "seed is 3 there and 4 here" in str(error.value)
    assert "family" not in str(error.value)


def test_an_option_that_only_one_side_has_is_named(path):
    with pytest.raises(CheckpointError, match="seed is 3 there and None here"):
        load_checkpoint(path, {k: v for k, v in CONFIGURATION.items() if k != "seed"})


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none", CONFIGURATION)
