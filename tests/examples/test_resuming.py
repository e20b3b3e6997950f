"""A run has its checkpoint for itself, and continues no other run than itself."""

import os
from dataclasses import fields, replace

import pytest

from examples.discrete_vae.options import Options
from examples.dp_mixture_vae.options import MixtureOptions
from examples.harness.run import CheckpointError, RunOptions, keeping
from examples.structured_prediction.prediction import PredictionOptions

SURROUNDINGS = {
    "host": "pyro",
    "device": "cpu",
    "precision": "float32",
    "training_images": "ab",
}


@pytest.fixture
def options(tmp_path):
    return RunOptions(checkpoint=tmp_path / "new" / "run", num_epochs=3)


def run(options, surroundings=SURROUNDINGS):
    """Saves after each epoch what was done in it; returns all."""
    with keeping(options, surroundings) as kept:
        done = kept.restore(bytes.decode, "")
        for epoch in range(kept.epochs_done, options.num_epochs):
            done += str(epoch)
            kept.save_if_due(epoch + 1, done.encode)
        return done, kept.num_epochs


def test_a_run_continues_where_it_stopped(options):
    assert run(options) == ("012", 3)
    longer = replace(options, num_epochs=5, resume=True)
    assert run(longer) == ("01234", 5)
    assert run(replace(longer, num_epochs=2)) == ("01234", 5)
    assert os.listdir(options.checkpoint.parent) == ["run"]


def test_an_existing_checkpoint_is_not_overwritten(options):
    run(options)
    content = options.checkpoint.read_bytes()
    with pytest.raises(CheckpointError, match="exists already.*--resume.*--checkpoint"):
        run(replace(options, seed=1))
    assert options.checkpoint.read_bytes() == content


def test_a_run_refuses_a_checkpoint_that_another_one_has(options):
    with keeping(options, SURROUNDINGS):
        for second in options, replace(options, resume=True):
            with pytest.raises(CheckpointError, match="another run keeps itself there"):
                run(second)
        other = options.checkpoint.with_name("other")
        run(replace(options, checkpoint=other))
    run(options)


def test_a_run_that_fails_lets_its_checkpoint_go(options):
    with pytest.raises(ZeroDivisionError), keeping(options, SURROUNDINGS):
        raise ZeroDivisionError
    assert run(options) == ("012", 3)


def test_a_lock_that_was_left_behind_is_no_obstacle(options):
    options.checkpoint.parent.mkdir()
    options.checkpoint.with_name("run.lock").touch()
    assert run(options) == ("012", 3)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("seed", 1),
        ("batch_size", 99),
        ("learning_rate", 0.01),
        ("dataset", "mnist"),
        ("pixels", "static"),
    ],
)
def test_an_option_that_changes_the_course_is_named_with_both_values(
    name, other, options
):
    run(options)
    resumed = replace(options, resume=True, **{name: other})
    before = getattr(options, name)
    message = f"of another run: {name} is {before!r} there and {other!r} here"
    with pytest.raises(CheckpointError, match=message):
        run(resumed)


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_what_else_changes_the_course_is_named_too(name, options):
    run(options)
    other = SURROUNDINGS | {name: "other"}
    message = f"of another run: {name} is '{SURROUNDINGS[name]}' there and 'other' here"
    with pytest.raises(CheckpointError, match=message):
        run(replace(options, resume=True), surroundings=other)


def test_every_option_that_differs_is_named_and_no_other(options):
    run(options)
    with pytest.raises(CheckpointError) as error:
        run(replace(options, resume=True, learning_rate=0.5, seed=4))
    assert "learning_rate is 0.003 there and 0.5 here" in str(error.value)
    assert "seed is 0 there and 4 here" in str(error.value)
    assert "batch_size" not in str(error.value)


def test_what_only_one_side_has_is_named(options):
    run(options)
    fewer = {k: v for k, v in SURROUNDINGS.items() if k != "precision"}
    with pytest.raises(CheckpointError, match="precision is 'float32' there and None"):
        run(replace(options, resume=True), surroundings=fewer)


def test_all_options_are_compared_but_those_that_do_not_change_the_course():
    free = "num_epochs data_dir device checkpoint checkpoint_every resume"
    free = {*free.split(), "num_importance_samples"}
    free |= {"figures", "figure_format", "no_figures"}
    shared = {Options: {"data_parallel"}}
    for of in Options, PredictionOptions, MixtureOptions:
        compared = of().configuration().keys()
        found = {each.name for each in fields(of)} - compared
        assert found == free | shared.get(of, set())
