"""The mixture VAE of both hosts reports, resumes exactly, and has clear errors."""

import importlib
import os
from dataclasses import replace
from functools import partial
from shutil import copyfile

import numpy as np
import pytest
from few_images import load_few
from PIL import Image
from planted import plant

from examples.dp_mixture_vae import report
from examples.dp_mixture_vae.components import Move
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.report import (
    Growth,
    MixtureResult,
    Record,
    Usage,
    component_posterior,
    neighbor_errors,
)
from examples.harness.run import LogLikelihood, load

OPTIONS = MixtureOptions(
    dataset="digits",
    num_epochs=3,
    batch_size=400,
    capacity=8,
    revise_from=1,
    revise_every=2,
    learn_concentration=True,
    latent_dim=2,
    encoder=(5,),
    decoder=(),
    num_importance_samples=20,
)


@pytest.fixture(params=["pyro", "numpyro"])
def example(request, monkeypatch):
    """The program of a host, which loads few images and draws few components."""
    pytest.importorskip(request.param)
    module = importlib.import_module(f"examples.dp_mixture_vae.vae_{request.param}")
    load_few(module, monkeypatch)
    monkeypatch.setattr(report, "NUM_ROWS", 2)
    return module


def values(result):
    """What a run found, without the times that it took."""
    arrays = [np.asarray(x).tolist() for x in result.usage]
    return result._replace(usage=arrays, training_seconds=0, seconds=0)


@pytest.mark.filterwarnings("ignore:the last revision left")
def test_a_resumed_run_is_exactly_the_uninterrupted_one_whose_capacity_grew(
    example, tmp_path, monkeypatch
):
    figures, early = tmp_path / "new", tmp_path / "early"
    kept = {"figures": figures, "checkpoint": tmp_path / "run"}
    with monkeypatch.context() as patch:
        copy_first_write(kept["checkpoint"], early, patch)
        whole = example.train(replace(OPTIONS, **kept))
    assert whole.growth[0].capacity > OPTIONS.capacity
    assert whole.growth[-1].overflow < 0.1
    assert len(whole.record.judged) == 2
    for name in "components", "growth", "posterior":
        with Image.open(figures / f"{name}.png") as image:
            assert image.format == "PNG"
    said = example.format_report(OPTIONS, whole)
    assert "log-likelihood of test images (IWAE-20)" in said
    assert "nan" not in said
    assert load(early)[0][1] == 1
    resumed = example.train(replace(OPTIONS, checkpoint=early, resume=True))
    assert values(resumed) == values(whole)


def copy_first_write(path, early, patch):
    """Copies what a run first saves there, as if it had been killed then."""
    replace_file = os.replace

    def replace_and_copy(source, target):
        replace_file(source, target)
        if target == path and not early.exists():
            copyfile(path, early)

    patch.setattr(os, "replace", replace_and_copy)


def test_dldpmm_trains_with_the_weights_of_each_image(capsys, monkeypatch, tmp_path):
    pytest.importorskip("pyro")
    example = importlib.import_module("examples.dp_mixture_vae.vae_pyro")
    monkeypatch.setattr(example, "save_figures", lambda *_: None)
    flags = "-n 1 -b 400 -z 2 --encoder 5 --decoder --num-importance-samples 20"
    own = "--dataset=digits --family=dldpmm --truncation=7 --assignment=weights"
    own += f" --concentration=2 --figures={tmp_path}"
    example.main([*flags.split(), *own.split()])
    printed = capsys.readouterr().out
    assert "dldpmm with assignment by weights, digits: 1 epochs" in printed
    assert " of 7" in printed
    assert "nan" not in printed


@pytest.mark.parametrize(("host", "capacity"), [("pyro", 3), ("numpyro", 16)])
def test_planted_groups_are_found_by_splits_without_being_told(host, capacity):
    pytest.importorskip(host)
    clusters = importlib.import_module("tests.benchmarks.planted_clusters")
    linear = importlib.import_module("tests.benchmarks.clustered_images").LINEAR
    start = {"capacity": capacity, "spread": 3.0, "learning_rate": 0.01}
    start |= {"num_epochs": 9, "latent_dim": 10, "revise_every": 3}
    start |= {"encoder": (20,), "batch_size": 50}
    find = partial(clusters.find, host, plant(9, 400), **(linear | start))
    without = find(revise_from=0)
    assert without["used"] <= 5
    assert without["purity"] < 0.5
    found = find(revise_from=3)
    assert found["used"] == 9
    assert found["purity"] > 0.99
    assert found["rand"] > 0.98


def test_a_record_says_whether_splits_have_stopped_and_warns_if_they_have_not():
    record = Record(judged=[4])
    assert not record.is_settled
    record.warn_if_growing()
    record.judged += [7, 9]
    assert not record.is_settled
    with pytest.warns(UserWarning, match="left 9 components, the one before 7"):
        record.warn_if_growing()
    record.judged += [9, 9, 9, 9]
    assert record.is_settled
    record.warn_if_growing()
    record.moves += [Move(5, 2, -9.5, -9.0), Move(5, 0, -9.0, -8.9)]
    expected = "4, 7, 9, 9, 9, 9, 9 (1 deletions, 0 merges, 1 splits)"
    assert record.summary() == expected
    record.growth.append(Growth(20, 3.5, 9, 0.25))
    record.tried.append(4)
    assert Record.from_lists(*record.to_lists()) == record


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"rho": 1.0}, "expected --rho to be at least 0 and below 1 in .*, got 1.0"),
        ({"max_overflow": -0.1}, "expected --max-overflow to be at least 0"),
        ({"capacity": 0}, "expected --capacity to be at least 1, got 0"),
        ({"concentration": 0.0}, "expected --concentration to be positive"),
        ({"encoder": (200, 0)}, "expected --encoder to be at least 1, got 0"),
        ({"resume": True}, "expected --checkpoint with --resume"),
    ],
)
def test_a_wrong_option_is_one_clear_error(flags, message):
    with pytest.raises(ValueError, match=message):
        MixtureOptions(**flags)


def test_components_are_judged_in_every_round_and_split_in_all_but_the_last():
    options, epochs = replace(OPTIONS, num_epochs=9, revise_from=2), range(1, 10)
    options = replace(options, revise_every=3)
    assert [e for e in epochs if options.judges_after(e)] == [2, 5, 8]
    assert [e for e in epochs if options.splits_after(e)] == [2, 5]
    for never in {"revise_from": 0}, {"family": "dldpmm"}, {"assignment": "weights"}:
        assert not any(map(replace(options, **never).judges_after, epochs))


def test_a_run_goes_on_to_more_epochs_if_it_would_have_split_the_same(tmp_path):
    options = replace(OPTIONS, revise_from=2, revise_every=3)  # after 2, 5, 8, ...
    longer = replace(options, num_epochs=20, checkpoint=tmp_path / "run")
    longer.check_continues(epochs_done=7, num_epochs=9)
    longer.check_continues(epochs_done=1, num_epochs=1)
    replace(longer, num_epochs=8).check_continues(epochs_done=8, num_epochs=20)
    with pytest.raises(ValueError, match="num_epochs is 9 there and 20 here"):
        longer.check_continues(epochs_done=8, num_epochs=9)


def test_components_are_counted_by_the_images_that_they_are_most_probable_for():
    probs = np.zeros((2, 200, 4))
    probs[:, :120, 2], probs[:, 120:199, 0], probs[:, 199:, 3] = 1, 1, 1
    usage = Usage(probs, np.full((2, 200), 3), np.zeros((200, 1)))
    np.testing.assert_allclose(usage.shares, [0.395, 0, 0.6, 0.005])
    assert usage.used.tolist() == [2, 0]
    posterior = component_posterior(usage, 0)
    assert posterior["occupied"].values.tolist() == [[3, 3]]
    assert posterior["needed"].values.tolist() == [[3, 3]]


def test_the_report_names_the_share_of_the_weights_that_was_asked_for():
    usage = Usage(np.full((2, 3, 2), 0.5), np.full((2, 3), 2), np.zeros((3, 1)))
    of_usage = usage, Record(), Growth(1, 2.0, 1, 0.0), {3: 0.5}
    result = MixtureResult(-9, -9, LogLikelihood(-8, 1), *of_usage, 1.0, 1.0, 2.0)
    for rho, share in (0.99, "99%"), (0.999, "99.9%"), (0.29, "29%"):
        said = report.format_report(replace(OPTIONS, rho=rho), result)
        assert f"components for {share} of the weights" in said


def test_neighbors_vote_for_the_label():
    codes = np.repeat([[0.0], [9.0]], 20, axis=0)
    labels, wrong = np.repeat([0, 1], 20), np.repeat([0, 0], 20)
    assert neighbor_errors(codes, labels, codes, labels) == {3: 0, 5: 0, 10: 0}
    assert neighbor_errors(codes, labels, codes, wrong) == {3: 0.5, 5: 0.5, 10: 0.5}
