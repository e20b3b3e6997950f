"""Checkpoint files: what is read is what was written, or one clear error."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.harness.run import CheckpointError, load, save

HEADER = [{"host": "pyro", "temperature": 0.1, "seed": 3}, 1, 2]
PAYLOAD = bytes(range(256))

each_example_overwrites = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run" / "vae.checkpoint"
    path.parent.mkdir()
    save(path, HEADER, PAYLOAD)
    return path


@each_example_overwrites
@given(payload=st.binary(), header=st.dictionaries(st.text(), st.integers()))
def test_what_is_read_is_what_was_written(path, payload, header):
    save(path, header, payload)
    assert load(path) == (header, payload)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_last_checkpoint(path, step, monkeypatch):
    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space left"):
        save(path, HEADER, b"newer")
    assert load(path) == (HEADER, PAYLOAD)


def test_the_checkpoint_is_only_replaced_by_whole_bytes_on_disk(path, monkeypatch):
    replace, seen = os.replace, []

    def look_and_replace(source, target):
        seen.append(load(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look_and_replace)
    save(path, HEADER, b"newer")
    assert seen == [(HEADER, b"newer")]
    assert os.listdir(path.parent) == [path.name]


@each_example_overwrites
@given(st.data())
def test_a_truncated_file_is_an_error(path, data):
    save(path, HEADER, PAYLOAD)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CheckpointError, match="truncated or corrupt|not a checkpoint"):
        load(path)


@each_example_overwrites
@given(st.data())
def test_a_flipped_bit_anywhere_is_an_error(path, data):
    save(path, HEADER, PAYLOAD)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="truncated or corrupt|not a checkpoint"):
        load(path)


def test_a_file_of_another_kind_is_an_error(path):
    path.write_bytes(b"PNG, or so")
    with pytest.raises(CheckpointError, match="or not a checkpoint"):
        load(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        load(tmp_path / "none")
