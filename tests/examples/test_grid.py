"""A grid finds what its members find alone, compiled once, and goes on when killed."""

import importlib.util
from dataclasses import replace

import pytest

if importlib.util.find_spec("numpyro") is None:
    pytest.skip("numpyro is not installed", allow_module_level=True)

import jax
import numpy as np
from backends.numpyro_backend import double_precision
from jax import random

from examples.discrete_vae.codes_numpyro import make_discrete, make_prior, make_rate
from examples.discrete_vae.report import importance_bounds
from examples.discrete_vae.scores_numpyro import weigh
from examples.discrete_vae.vae_numpyro import make_objectives
from examples.harness import command_line, run
from examples.harness.lines import append_lines, read_lines
from examples.harness.training_numpyro import (
    evaluate,
    initialize,
    load_images,
    train_epoch,
)
from examples.study import members_numpyro
from examples.study.grid_numpyro import run_grid
from examples.study.grid_options import GridOptions
from examples.study.members_numpyro import make_program, train
from examples.study.recipes import Recipe
from examples.study.scores_numpyro import objectives_of

SMALL = {"num_variables": 2, "num_categories": 3, "num_importance_samples": 5}


@pytest.fixture
def options(tmp_path):
    recipe = (Recipe.parse("igr-sb/discrete-kl"),)
    few = {"recipe": recipe, "temperature": (0.2, 0.6), "seed": (3,)}
    results = tmp_path / "lines.jsonl"
    of = {"dataset": "digits", "results": results}
    return GridOptions(**few, **SMALL, **of, num_epochs=2)


def alone(member, images):
    """The parameters after the steps that the program of one VAE makes."""
    key = jax.device_put(random.PRNGKey(member.seed), images.device)
    prior = make_prior(member)
    rate = make_rate(member, member.learning_rate, len(images))
    of = rate, member.estimator, member.num_samples
    svi = make_objectives(member.sizes(images.shape[1]), *of).training
    state = initialize(svi, prior, images[: member.batch_size], key)
    for epoch in range(member.num_epochs):
        of_epoch = random.split(random.fold_in(key, epoch + 1))[0]
        state, _ = train_epoch(svi, prior, images, member.batch_size, state, of_epoch)
    return svi.get_params(state)


@pytest.mark.parametrize("word", ["igr-sb/discrete-kl", "igr-planar/analytic-kl"])
def test_members_are_single_runs_and_compiled_once(word, options, tmp_path, caplog):
    with double_precision():
        options = replace(options, recipe=(Recipe.parse(word),), decay=("cosine",))
        images, block = load_images(options).train[:300], options.members()[1:3]
        block[1] = replace(block[1], seed=4, decay="none")
        for name in "seed", "temperature", "learning_rate", "decay":
            assert len({getattr(member, name) for member in block}) == 2
        made, make_svi = [], make_program(block[0], images)

        def counted(rate):
            made.append(rate)
            return make_svi(rate)

        with jax.log_compiles():
            found, _ = train(block, counted, images, tmp_path / "checkpoint")
        assert caplog.text.count("Compiling jit(train_grid_epoch)") == 1
        assert len(made) == 3  # to start, for all epochs, and for the parameters
        for i, member in enumerate(block):
            for one, of_all in zip(
                *map(jax.tree.leaves, (alone(member, images), found)), strict=True
            ):
                assert one.dtype == np.float64
                np.testing.assert_allclose(of_all[i], one, rtol=1e-9, atol=1e-12)


@pytest.fixture
def followed(options):
    return replace(options, learning_rate=(1e-3,), num_followed=9, test=True)


def test_members_are_followed_by_the_bounds_of_single_runs(followed):
    options = followed
    lines, data = run_grid(options), load_images(options)
    for member, line in zip(options.members(), lines, strict=True):
        params, key = alone(member, data.train), random.PRNGKey(member.seed)
        objectives, prior = objectives_of(member, data.train), make_prior(member)
        of_state = params, key
        of_train = objectives.discrete, make_discrete(prior), data.train[:9]
        of_test = objectives.relaxed, prior, data.test[:9]
        weights = weigh(*of_train[:2], data.test[:9], 100, *of_state)
        last = {name: of_epochs[-1] for name, of_epochs in line["curves"].items()}
        # By as many codes, drawn with other keys
        of_codes = pytest.approx(importance_bounds(weights).mean(), abs=0.2)
        assert last.pop("test_log_likelihood") == of_codes
        expected = {
            "discrete_train_elbo": evaluate(*of_train, *of_state),
            "trained_test_bound": evaluate(*of_test, *of_state),
        }
        assert last == pytest.approx(expected, rel=1e-5)
        assert all(len(x) == 2 and x[0] < x[1] for x in line["curves"].values())


def test_a_killed_grid_finds_what_an_uninterrupted_one_does(followed, monkeypatch):
    options, whole = followed, run_grid(followed)
    assert [line["member"]["temperature"] for line in whole] == [0.2, 0.6]
    scores = [line["scores"] for line in whole]
    assert all(s["validation_elbo"] < s["validation_log_likelihood"] for s in scores)

    killed = replace(options, results=options.results.with_name("killed.jsonl"))

    def save_and_die(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    save = run.save
    monkeypatch.setattr(run, "save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        run_grid(killed)
    (checkpoint,) = killed.results.parent.glob("killed.jsonl.*")
    monkeypatch.undo()
    trained, epochs, said = members_numpyro.train_grid_epoch, [], []

    def count(*arguments):
        epochs.append(arguments[-1])
        said.append(command_line.saved)
        return trained(*arguments)

    monkeypatch.setattr(members_numpyro, "train_grid_epoch", count)
    assert run_grid(killed) == whole
    assert epochs == [1]
    assert said == [f"{checkpoint} has the run up to epoch 1, for the same command"]
    assert command_line.saved == f"{killed.results} has the results up to line 2"
    assert run_grid(killed) == whole  # and nothing is trained or written again
    assert epochs == [1]
    assert len(read_lines(killed.results)) == 2
    assert {path.name for path in killed.results.parent.iterdir()} == {
        "lines.jsonl",
        "killed.jsonl",
    }


def test_a_line_is_whole_and_written_once(tmp_path):
    path = tmp_path / "lines"
    append_lines(path, [{"member": 1, "x": 2}], key="member")
    with path.open("a") as file:
        file.write('{"member": 2, "x"')  # a crash
    assert read_lines(path) == [{"member": 1, "x": 2}]
    append_lines(path, [{"member": 1, "x": 3}, {"member": 2, "x": 4}], key="member")
    assert read_lines(path) == [{"member": 1, "x": 2}, {"member": 2, "x": 4}]
