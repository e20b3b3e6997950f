"""The discrete VAE of both hosts learns, resumes exactly, and has clear errors."""

import ast
import importlib
import io
import os
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit, softmax
from scipy.stats import norm

from examples.discrete_vae import report
from examples.discrete_vae.options import Options
from examples.discrete_vae.report import NUM_COLUMNS, NUM_ROWS, traverse
from examples.harness.run import LogLikelihood, load, save
from examples.images.datasets import SOURCES

EXAMPLE = Path(__file__).parents[2] / "examples" / "discrete_vae"
RUNS = [
    ("igr", "analytic-kl", "relaxed codes (ELBO)"),
    ("igr-sb", "analytic-kl-unit", "relaxed codes (ELBO)"),
    ("gumbel-softmax", "straight-through", "one-hot codes (ELBO)"),
]
SMALL = [
    "--dataset=digits",
    "--temperature=0.25",
    "--decay=none",
    "--learning-rate=0.003",
    "--num-variables=3",
    "--num-categories=4",
    "--batch-size=200",
    "--num-importance-samples=20",
]
OPTIONS = Options(
    dataset="digits",
    family="igr-sb",
    estimator="analytic-kl",
    temperature=0.25,
    learning_rate=3e-3,
    decay="none",
    num_variables=3,
    num_categories=4,
    batch_size=200,
    num_importance_samples=20,
)


@pytest.fixture(params=["pyro", "numpyro"], scope="module")
def host(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture(scope="module")
def vae(host):
    return importlib.import_module(f"examples.discrete_vae.vae_{host}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("first")


@pytest.fixture(scope="module")
def first(vae, host, folder):
    """A run of one epoch, with figures of few images, and a checkpoint."""
    kept = {"figures": folder / host / "new", "checkpoint": folder / host / "vae"}
    program = importlib.import_module(f"examples.discrete_vae.scores_{host}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "NUM_COLUMNS", 2)
        for module in program, report:
            patch.setattr(module, "NUM_ROWS", 2)
        return vae.train(replace(OPTIONS, num_epochs=1, **kept))


@pytest.fixture(scope="module")
def last(vae, host, folder):
    """A run of ten epochs, its options and how many checkpoints were written."""
    kept = {"checkpoint": folder / host / "last", "checkpoint_every": 4}
    options, writes = replace(OPTIONS, num_epochs=10, **kept), []
    replace_file = os.replace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", lambda *a: writes.append(replace_file(*a)))
        return vae.train(options), options, len(writes)


@pytest.mark.parametrize(("family", "estimator", "objective"), RUNS)
def test_a_run_prints_its_scores(vae, family, estimator, objective, capsys):
    of = f"--family={family}", f"--estimator={estimator}"
    vae.main([*SMALL, *of, "--num-epochs=1", "--no-figures"])
    printed = capsys.readouterr().out
    assert f"{family} at temperature 0.25, {estimator}, digits: 1 epochs" in printed
    assert f"as trained: {objective}" in printed
    assert "comparable across families: one-hot codes (ELBO)" in printed
    assert "relaxation gap" in printed
    assert "log-likelihood of one-hot codes (IWAE-20)" in printed
    assert "Pareto k of its weights: median " in printed
    assert "dead categories of 4 in each variable: " in printed
    assert "nan" not in printed


def test_a_run_draws_figures(vae, host, first, folder):
    for name in "images", "probabilities", "traversal", "pareto_k":
        with Image.open(folder / host / "new" / f"{name}.png") as image:
            assert image.format == "PNG"


def test_training_improves_every_score(first, last):
    last, *_ = last
    for before, after in zip(first[:2], last[:2], strict=True):
        assert after.relaxed_elbo > before.relaxed_elbo + 3
        assert after.discrete_elbo > before.discrete_elbo + 3
    assert last.log_likelihood.mean > first.log_likelihood.mean + 3


def test_a_prior_by_eq_14_is_uniform_in_the_mean_of_codes_alone(vae, host):
    options = replace(OPTIONS, family="igr-eq14", temperature=1.0)
    devices = [importlib.import_module("torch").device("cpu")] * (host == "pyro")
    loc = np.asarray(vae.make_prior(options, *devices).loc)
    y = np.random.default_rng(0).normal(loc, 1, (20_000, *loc.shape))
    y = np.append(y, np.zeros((*y.shape[:-1], 1)), -1)
    np.testing.assert_allclose(softmax(y, -1).mean(0), 1 / 4, atol=0.01)
    assert ((y.argmax(-1) == 3).mean(0) < 0.22).all()


def test_encoders_for_scale_1_have_an_output_less_than_categories():
    sizes = [
        replace(OPTIONS, estimator=estimator).sizes(64).parameters
        for estimator in ("analytic-kl", "analytic-kl-unit")
    ]
    assert sizes == [(3, 6), (3, 3)]


def test_a_repeated_run_is_the_same_run(vae, first):
    other, again = (
        vae.train(replace(OPTIONS, num_epochs=1, seed=seed)) for seed in (1, 0)
    )
    assert first[:4] == again[:4]
    assert first[:4] != other[:4]


@pytest.mark.parametrize("decay", ["cosine", "average"])
def test_a_resumed_run_is_exactly_the_uninterrupted_one_and_as_long(
    decay, vae, host, tmp_path, monkeypatch
):
    decaying = replace(OPTIONS, num_epochs=4, decay=decay)
    whole = replace(decaying, checkpoint=tmp_path / "whole")
    broken = replace(decaying, checkpoint=tmp_path / "broken")
    expected = vae.train(whole)
    with monkeypatch.context() as patch:
        fail_at_write(4, patch)
        with pytest.raises(OSError, match="disk full"):
            vae.train(broken)
    found = vae.train(replace(broken, resume=True))
    assert found[:4] == expected[:4]
    state = content(host, whole)
    assert len(state) >= 14
    assert content(host, broken) == state
    with pytest.raises(ValueError, match="num_epochs is 4 there and 5 here"):
        vae.train(replace(whole, num_epochs=5, resume=True))


def test_an_average_is_of_the_parameters_after_the_last_third_of_the_epochs(
    vae, host, tmp_path
):
    of = replace(OPTIONS, num_epochs=7, checkpoint=tmp_path / "averaged")
    averaged = replace(of, decay="average")
    assert [averaged.num_averaged(n) for n in range(1, 8)] == [1, 1, 1, 1, 1, 2, 3]
    scores, after = [vae.train(averaged)[:2]], []
    for number in 5, 6, 7:
        alone = replace(OPTIONS, num_epochs=number, checkpoint=tmp_path / f"{number}")
        scores.append(vae.train(alone)[:2])
        after.append(final_parameters(host, alone))
    assert scores[0] not in scores[1:]
    found = final_parameters(host, averaged)
    assert len(found) == 4  # weights and biases of encoder and decoder
    for of_each in zip(found, *after, strict=True):
        mean, *rest = map(np.asarray, of_each)
        np.testing.assert_allclose(mean, np.mean(rest, 0), rtol=1e-4, atol=1e-6)


def test_the_gallery_has_the_number_of_epochs_that_are_averaged():
    number = Options().num_averaged(Options().num_epochs)
    text = " ".join((EXAMPLE.parent / "README.md").read_text().split())
    of_all = f"for {Options().num_epochs} epochs, and averages the parameters"
    assert f"{of_all} after each of the last {number}." in text


def test_numpyro_decays_the_learning_rate_as_torch_does():
    torch, _ = pytest.importorskip("torch"), pytest.importorskip("numpyro")
    from examples.discrete_vae.codes_numpyro import make_rate

    options = replace(OPTIONS, num_epochs=5, batch_size=30, decay="cosine")
    rate = make_rate(options, 0.1, num_images=100)
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)
    for step in range(15):
        assert rate(step) == pytest.approx(schedule.get_last_lr()[0], abs=1e-7)
        optimizer.step()
        if step % 3 == 2:
            schedule.step()


# In Pyro these are not in the networks; in NumPyro they are in the state like all.
def test_a_checkpoint_of_pyro_has_the_parameters_of_no_network(tmp_path):
    pytest.importorskip("pyro")
    from examples.discrete_vae import vae_pyro as example

    options = replace(OPTIONS, estimator="relax", pixels="gray", num_epochs=4)
    expected = example.train(options)
    half = replace(options, checkpoint=tmp_path / "half")
    example.train(replace(half, num_epochs=2))
    state = content("pyro", half)
    assert state[1, "relax_scale"] != 1
    assert abs(state[1, "log_variance"] - np.log(0.1)) > 1e-3
    assert example.train(replace(half, resume=True))[:4] == expected[:4]


def content(host, options):
    """Every parameter, optimizer state and counter of a checkpoint, by its place."""
    packed = io.BytesIO(load(options.checkpoint)[1])
    if host == "numpyro":
        return flatten(dict(np.load(packed)))
    return flatten(importlib.import_module("torch").load(packed, weights_only=True))


def final_parameters(host, options):
    """Those that a checkpoint ends with, by which its run is scored."""
    state = content(host, options)
    if host == "numpyro":
        return list(state.values())[-4:]
    return [leaf for (place, *_), leaf in state.items() if place == 3]


def flatten(tree, place=()):
    if not isinstance(tree, dict | list | tuple):
        return {place: np.asarray(tree).tolist()}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    flat = [flatten(branch, (*place, key)) for key, branch in items]
    return {place: leaf for leaves in flat for place, leaf in leaves.items()}


def fail_at_write(number, patch):
    writes, fsync = [], os.fsync

    def fsync_or_fail(descriptor):
        writes.append(descriptor)
        if len(writes) == number:
            raise OSError("disk full")
        fsync(descriptor)

    patch.setattr(os, "fsync", fsync_or_fail)


def test_checkpoints_are_written_when_due(last):
    *_, num_writes = last
    assert num_writes == 3


def test_resuming_a_finished_run_scores_and_reports_it_again(vae, last):
    expected, options, _ = last
    fewer = replace(options, num_epochs=1, resume=True)
    found = vae.train(fewer)
    assert found[:4] == expected[:4]
    assert "digits: 10 epochs" in vae.format_report(fewer, found)


@pytest.mark.parametrize(
    ("family", "estimator"),
    [
        ("gumbel-softmax", "discrete-kl"),
        ("igr-sb", "discrete-kl"),
        ("gumbel-softmax", "straight-through"),
        ("gumbel-softmax", "reinmax"),
        ("gumbel-softmax", "rao-blackwell"),
        ("igr-sb", "exact"),
        ("gumbel-softmax", "unordered-set"),
    ],
)
def test_an_objective_of_discrete_codes_agrees_with_enumeration(
    host, family, estimator
):
    images = (np.random.default_rng(0).random((7, 64)) > 0.5).astype(np.float32)
    options = replace(OPTIONS, family=family, estimator=estimator, num_samples=64)
    loss, parameters, logits = LOSS[host](options, images, CODES.reshape(64, 12))
    log_probs = LOG_PROBS[family](
        np.asarray(parameters, np.float64).reshape(7, 1, 3, -1)
    )
    log_guide = (CODES * log_probs).sum((-1, -2))
    log_joint = log_likelihoods(images, logits) - 3 * np.log(4)
    elbo = (np.exp(log_guide) * (log_joint - log_guide)).sum(-1).mean()
    assert loss == pytest.approx(-elbo, rel=1e-5)


def test_the_elbo_of_gray_images_is_one_of_densities(host):
    images = np.random.default_rng(0).random((7, 64), np.float32)
    options = replace(OPTIONS, estimator="exact", pixels="gray")
    loss, parameters, logits = LOSS[host](options, images, CODES.reshape(64, 12))
    loc = np.asarray(parameters, np.float64).reshape(7, 1, 3, -1)
    log_guide = (CODES * log_first_positive(loc)).sum((-1, -2))
    means, scale = expit(np.asarray(logits, np.float64)), np.sqrt(0.1)
    log_joint = norm.logpdf(images[:, None], means, scale).sum(-1) - 3 * np.log(4)
    elbo = (np.exp(log_guide) * (log_joint - log_guide)).sum(-1).mean()
    assert loss == pytest.approx(-elbo, rel=1e-5)


@contextmanager
def pictured(host):
    """Notes what runs have to draw, instead of drawing it."""
    found = []

    def note(figure, shape, rows, images, probs, decode, pareto_k):
        decoded = decode(traverse(probs[: len(images)], 0))
        found.append((shape, rows, images, probs, np.asarray(decoded), pareto_k))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"examples.discrete_vae.scores_{host}.save_pictures", note)
        yield found


def check_pictures(found, num_categories):
    """What one run has to draw are images, and the probabilities of their codes."""
    ((shape, rows, images, probs, decoded, pareto_k),) = found
    assert rows.keys() == {"truth", "reconstructions", "samples"}
    assert {np.shape(row) for row in rows.values()} == {(NUM_COLUMNS, np.prod(shape))}
    assert decoded.shape == (NUM_ROWS, num_categories, np.prod(shape))
    for pixels in *rows.values(), images, decoded:
        assert np.min(pixels) >= 0
        assert np.max(pixels) <= 1
    np.testing.assert_array_equal(images, np.asarray(rows["truth"])[:NUM_ROWS])
    np.testing.assert_allclose(probs.sum(-1), 1, rtol=1e-4)
    assert len(pareto_k.k) == len(probs)


@pytest.fixture(scope="module")
def gray(vae, folder, host):
    """A run on gray images with all codes enumerated: what it prints and draws."""
    place = folder / host / "gray"
    kept = f"--figures={place}", f"--checkpoint={place}/vae"
    with redirect_stdout(io.StringIO()) as out, pictured(host) as drawn:
        vae.main([*SMALL, "--estimator=exact", "--pixels=gray", "-n=2", *kept])
    return out.getvalue(), drawn, place / "vae"


def test_a_run_with_all_codes_enumerated_has_pictures(gray):
    _, drawn, _ = gray
    check_pictures(drawn, num_categories=4)


def test_a_run_on_gray_images_learns_a_variance_and_says_what_it_scores(host, gray):
    printed, _, path = gray
    assert "exact, digits, gray pixels: 2 epochs" in printed
    assert "nats per image, of a density: can be positive" in printed
    state = content(host, replace(OPTIONS, checkpoint=path))
    scalars = [x for x in state.values() if np.shape(x) == () and x]
    assert any(1e-3 < abs(x - np.log(0.1)) < 0.1 for x in scalars)


CODES = np.array(list(product(np.eye(4, dtype=np.float32), repeat=3)))


def log_likelihoods(images, logits):
    """log p(x | z), with shape `(images, codes)`."""
    return -np.logaddexp(0, np.where(images[:, None], -1, 1) * logits).sum(-1)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def log_first_positive(loc):
    """Log probabilities of the first positive of Gaussians with scale 1, or of none."""
    left = np.concatenate([np.zeros_like(loc[..., :1]), norm.logcdf(-loc)], -1)
    broken = np.concatenate([norm.logcdf(loc), np.zeros_like(loc[..., :1])], -1)
    return left.cumsum(-1) + broken


LOG_PROBS = {"gumbel-softmax": log_softmax, "igr-sb": log_first_positive}


ALL_CODES = "exact", "unordered-set"


def pyro_loss(options, images, codes):
    """The loss, what the encoder says of the images and the decoder of the codes.

    The decoder is blank unless all codes are in the objective: no sample matters.
    """
    import pyro
    import torch

    from examples.discrete_vae import vae_pyro as example

    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    images, is_exact = torch.from_numpy(images), options.estimator in ALL_CODES
    vae = example.DiscreteVAE(options.sizes(64))
    for parameter in vae.decoder.parameters():
        parameter.data *= is_exact
    choice = example.make_optimizer(options), options.estimator, options.num_samples
    svi = example.make_objectives(vae, *choice).training
    prior = example.make_prior(options, torch.device("cpu"))
    networks = vae.encoder(images), vae.decoder(torch.from_numpy(codes))
    return svi.evaluate_loss(images, prior), *(x.detach().numpy() for x in networks)


def numpyro_loss(options, images, codes):
    import jax

    from examples.discrete_vae import vae_numpyro as example

    key, is_exact = jax.random.PRNGKey(0), options.estimator in ALL_CODES
    sizes, choice = options.sizes(64), (1e-3, options.estimator, options.num_samples)
    svi, prior = (
        example.make_objectives(sizes, *choice).training,
        example.make_prior(options),
    )
    (encoder, encode), (decoder, decode) = numpyro_networks(sizes)
    decoder = jax.tree.map(lambda w: is_exact * w, decoder)
    params = {"encoder$params": encoder, "decoder$params": decoder}
    loss = -example.evaluate(svi, prior, images, params, key)
    return loss, encode(encoder, images), decode(decoder, codes)


@cache
def numpyro_networks(sizes):
    """Encoder and decoder: the parameters that they start with, and what they do."""
    import jax

    from examples.discrete_vae.codes_numpyro import make_network

    encoder = make_network(*sizes.hidden, np.prod(sizes.parameters))
    decoder = make_network(*reversed(sizes.hidden), sizes.num_pixels)
    inputs = sizes.num_pixels, np.prod(sizes.code)
    keys = jax.random.split(jax.random.PRNGKey(1))
    return [
        (start(key, (1, number))[1], apply)
        for (start, apply), number, key in zip(
            (encoder, decoder), inputs, keys, strict=True
        )
    ]


LOSS = {"pyro": pyro_loss, "numpyro": numpyro_loss}


def test_the_log_likelihood_agrees_with_enumeration(host):
    images = (np.random.default_rng(0).random((5, 64)) > 0.5).astype(np.float32)
    options = replace(OPTIONS, num_importance_samples=20_000)
    weights, logits = WEIGHTS[host](options, images, CODES.reshape(64, 12))
    log_joint = log_likelihoods(images, logits)
    exact = np.logaddexp.reduce(log_joint, axis=-1) - np.log(64)
    assert np.ptp(log_joint, axis=-1).min() > 2
    bounds = np.logaddexp.reduce(weights, axis=-1) - np.log(20_000)
    np.testing.assert_allclose(bounds, exact, atol=0.1)
    assert LogLikelihood.from_bounds(bounds) == pytest.approx(
        (exact.mean(), exact.std(ddof=1) / np.sqrt(5)), abs=0.1
    )


def pyro_weights(options, images, codes):
    """The log weights of a constant guide's codes, and the logits of all codes."""
    import pyro
    import torch

    from examples.discrete_vae import vae_pyro as example
    from examples.discrete_vae.scores_pyro import weigh

    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    vae = example.DiscreteVAE(options.sizes(64))
    for parameter in vae.encoder.parameters():
        torch.nn.init.zeros_(parameter)
    choice = example.make_optimizer(options), options.estimator, 1
    objectives = example.make_objectives(vae, *choice)
    prior = example.make_prior(options, torch.device("cpu"))
    of = objectives.discrete, prior, torch.from_numpy(images)
    logits = vae.decoder(torch.from_numpy(codes)).detach().numpy()
    return weigh(*of, options.num_importance_samples), logits


def numpyro_weights(options, images, codes):
    import jax

    from examples.discrete_vae import vae_numpyro as example
    from examples.discrete_vae.scores_numpyro import weigh

    key = jax.random.PRNGKey(0)
    choice = 1e-3, options.estimator, 1
    objectives = example.make_objectives(options.sizes(64), *choice)
    svi, prior = objectives.training, example.make_prior(options)
    params = svi.get_params(svi.init(key, images, prior))
    params["encoder$params"] = jax.tree.map(lambda w: 0 * w, params["encoder$params"])
    of = images, options.num_importance_samples, params, key
    _, decode = example.make_network(64)
    weights = weigh(objectives.discrete, prior, *of)
    return weights, decode(params["decoder$params"], codes)


WEIGHTS = {"pyro": pyro_weights, "numpyro": numpyro_weights}


def error_of(vae, capsys, *arguments):
    of = "--num-epochs=1", "--family=igr-sb", "--estimator=analytic-kl"
    with pytest.raises(SystemExit) as exit_:
        vae.main([*SMALL, *of, "--no-figures", *arguments])
    assert exit_.value.code == 2
    program, _, error = capsys.readouterr().err.removesuffix("\n").partition(": ")
    assert program == f"python -m {vae.__name__}"
    assert error.startswith("error: ")
    assert "\n" not in error
    return error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--temperature=-1"], "expected --temperature to be positive and finite"),
        (["--temperature=nan"], "expected --temperature to be positive and finite"),
        (["--learning-rate=0"], "expected --learning-rate to be positive"),
        (["--num-epochs=0"], "expected --num-epochs to be at least 1, got 0"),
        (["--num-categories=1"], "expected --num-categories to be at least 2, got 1"),
        (["--family=concrete"], "invalid choice: 'concrete'"),
        (["--pixels=color"], "invalid choice: 'color'"),
        (
            ["--family=igr-planar", "--estimator=discrete-kl"],
            "for --family igr-planar, that is one of analytic-kl, stl; got discrete-kl",
        ),
        (["--estimator=monte-carlo-kl"], "expected an --estimator for --family igr-sb"),
        (
            ["--estimator=unordered-set"],
            "expected --num-samples to be at least 2 with --estimator unordered-set",
        ),
        (
            ["--estimator=leave-one-out"],
            "expected --num-samples to be at least 2 with --estimator leave-one-out",
        ),
        (["--seed=-1"], "expected --seed to be from 0 to 2147483647, got -1"),
        (["--seed=2147483648"], "to be from 0 to 2147483647, got 2147483648"),
        (["--num-samples=0"], "expected --num-samples to be at least 1, got 0"),
        (
            ["--estimator=exact", "--num-variables=5"],
            "expected at most 1000 codes to enumerate with --estimator exact, got 4^5",
        ),
        (["--resume"], "expected --checkpoint with --resume"),
        (["--resume", "--checkpoint=none"], "error: none: no such checkpoint"),
        (["--batch-size=1298"], "expected --batch-size to be at most 1297"),
        (["--dataset=mnist", "--data-dir=none"], "data_dir none is not a folder"),
        (["--device=abacus"], "error: cannot use --device abacus"),
    ],
)
def test_a_wrong_option_is_one_clear_error(vae, capsys, arguments, message):
    assert message in error_of(vae, capsys, *arguments)


def test_a_corrupt_data_file_is_one_clear_error(vae, capsys, tmp_path):
    for name in SOURCES["mnist"].sha256:
        (tmp_path / name).write_bytes(b"not gzip")
    error = error_of(vae, capsys, "--dataset=mnist", f"--data-dir={tmp_path}")
    assert "truncated or corrupt, expected a gzip file" in error


def test_a_corrupt_checkpoint_is_one_clear_error(vae, capsys, tmp_path):
    path = tmp_path / "vae"
    save(path, [{}, 1, 1], b"state")
    path.write_bytes(path.read_bytes()[:-1])
    error = error_of(vae, capsys, "--resume", f"--checkpoint={path}")
    assert f"error: {path}: truncated or corrupt" in error


def test_a_whole_checkpoint_with_another_content_is_one_clear_error(
    vae, host, first, folder, capsys, tmp_path
):
    path = tmp_path / "vae"
    header, packed = load(folder / host / "vae")
    for content in b"state", packed[:-1]:
        save(path, header, content)
        error = error_of(vae, capsys, "--resume", f"--checkpoint={path}")
        expected = f"error: {path}: whole, but not with what this program saves: "
        assert error.startswith(expected)


def test_a_checkpoint_of_another_run_is_one_clear_error(vae, capsys, tmp_path):
    path = tmp_path / "vae"
    configuration = replace(OPTIONS, temperature=0.1).configuration()
    configuration |= {"precision": "float16", "training_images": "others"}
    save(path, [configuration, 1, 1], b"state")
    error = error_of(vae, capsys, "--resume", f"--checkpoint={path}")
    assert "of another run: temperature is 0.1 there and 0.25 here" in error
    assert "precision is 'float16' there and 'float32' here" in error
    assert "training_images is 'others' there and '" in error
    assert "device is None there and 'cpu' here" in error


def test_a_checkpoint_of_the_other_host_is_one_clear_error(vae, capsys, tmp_path):
    path = tmp_path / "vae"
    save(path, [OPTIONS.configuration() | {"host": "edward"}, 1, 1], b"state")
    error = error_of(vae, capsys, "--resume", f"--checkpoint={path}")
    assert "of another run: host is 'edward' there" in error


@pytest.mark.parametrize("name", ["vae", "codes", "scores"])
def test_the_twins_define_the_same_names_in_the_same_order(name):
    pyro, numpyro = (
        [
            statement.name
            for statement in ast.parse((EXAMPLE / f"{name}_{host}.py").read_text()).body
            if isinstance(statement, ast.ClassDef | ast.FunctionDef)
            and not statement.name.startswith("_")
        ]
        for host in ("pyro", "numpyro")
    )
    # A decay is of an optimizer in Pyro, of the rate that it takes in NumPyro.
    assert [n.replace("make_optimizer", "make_rate") for n in pyro] == numpyro
