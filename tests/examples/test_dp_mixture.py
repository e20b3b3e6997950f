"""The mixture of Gaussians: closed forms, its bound, and its number of components."""

from contextlib import redirect_stdout
from functools import cache, partial
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import digamma, gammaln, logsumexp, multigammaln

from examples.dp_mixture import inference, report
from examples.dp_mixture.gaussians import Base, fit, log_evidence
from examples.dp_mixture.groups import Search, one_hot, start_groups
from examples.dp_mixture.inference import Draws, Fit, Found, Options
from examples.dp_mixture.parameters import (
    PRIOR,
    Parameters,
    concentration_of,
    log_prior_of_number,
)
from examples.dp_mixture.points import SOURCES, Points, load_points

POINTS = np.random.default_rng(0).normal(size=(20, 3)) @ np.diag([2.0, 1.0, 0.5]) + 0.3
LINE = np.array([-2.1, -1.9, -2.0, 1.8, 2.2, 2.0])[:, None].astype(np.float32)
OPTIONS = Options(num_steps=100, capacity=3)


@pytest.fixture(scope="module", params=["pyro", "numpyro"])
def program(request):
    pytest.importorskip(request.param)
    return import_module(f"examples.dp_mixture.mixture_{request.param}")


@pytest.fixture(scope="module")
def run(program, tmp_path_factory):
    """What the program asks to be loaded, finds in planted groups instead, and says."""
    folder, asked, results = tmp_path_factory.mktemp("mixture"), [], []

    def load(*of):
        asked.append(of)
        return plant(4, 20)

    def infer(*of):
        results.append(inference.infer(*of))
        return results[-1]

    flags = "--dataset=iris", "-n=50", "-d=2", "-k=9", f"--figures={folder}"
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
        patch.setattr(inference, "NUM_BOUNDS", 50)
        patch.setattr(report, "load_points", load)
        patch.setattr(report, "infer", infer)
        program.main(flags)
    (found,), text = results, out.getvalue()
    return SimpleNamespace(asked=asked, found=found, text=text, folder=folder)


def plant(num_groups, size=40, seed=0):
    """Groups in the plane, far from each other but for chance."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(num_groups) / num_groups
    centers = 3 * np.stack([np.cos(angles), np.sin(angles)], -1) * (num_groups > 1)
    labels = np.arange(num_groups * size) % num_groups
    x = centers[labels] + 0.4 * rng.normal(size=(len(labels), 2))
    return Points("planted", (x / x.std()).astype(np.float32), labels)


def base_of(x):
    return Base(x.shape[1], float(x.var(0).mean()))


def normal_wishart(base, x):
    """The posterior: mean, kappa, degrees of freedom and the scale of the inverse."""
    n, d = x.shape
    center, kappa = x.mean(0), base.shrinkage
    scatter = (x - center).T @ (x - center) + base.spread * np.eye(d)
    scatter += kappa * n / (kappa + n) * np.outer(center, center)
    return n * center / (kappa + n), kappa + n, d + 2 + n, scatter


def test_the_evidence_is_that_of_a_normal_wishart_distribution():
    base, (n, d) = base_of(POINTS), POINTS.shape
    _, kappa, dof, scatter = normal_wishart(base, POINTS)
    prior = (d + 2) / 2 * d * np.log(base.spread) - multigammaln((d + 2) / 2, d)
    expected = prior + multigammaln(dof / 2, d) - n * d / 2 * np.log(np.pi)
    expected -= dof / 2 * np.linalg.slogdet(scatter)[1]
    expected += d / 2 * np.log(base.shrinkage / kappa)
    found = log_evidence(base, POINTS, np.ones((n, 1)))
    np.testing.assert_allclose(found, [expected], rtol=1e-12)


def test_the_mean_log_density_is_that_of_a_normal_wishart_posterior():
    base, d = base_of(POINTS), POINTS.shape[1]
    mean, kappa, dof, scatter = normal_wishart(base, POINTS)
    log_det = digamma((dof - np.arange(d)) / 2).sum() + d * np.log(2)
    log_det -= np.linalg.slogdet(scatter)[1]
    error = POINTS - mean
    squares = dof * (error * np.linalg.solve(scatter, error.T).T).sum(-1)
    expected = (log_det - d * np.log(2 * np.pi) - d / kappa - squares) / 2
    found = fit(base, POINTS, np.ones((len(POINTS), 1))).mean_log_density(POINTS)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-10)


def test_the_prior_of_a_partition_has_the_concentration_integrated_out():
    n, shape = 10, PRIOR[0]

    def joint(alpha, power=0):
        log_terms = 3 * np.log(alpha) + gammaln(alpha) - gammaln(alpha + n)
        return alpha ** (power + shape - 1) * np.exp(log_terms - PRIOR[1] * alpha)

    total, first = (quad(joint, 0, np.inf, args=(k,))[0] for k in (0, 1))
    np.testing.assert_allclose(log_prior_of_number(3, n), np.log(total), atol=1e-4)
    gamma_shape, rate = concentration_of(3, n)
    np.testing.assert_allclose(gamma_shape / rate, first / total, rtol=1e-3)


def test_a_mixture_is_one_of_gaussians_with_the_responsibilities_of_bayes(program):
    rng = np.random.default_rng(0)
    weights = np.array([0.5, 0.3, 0.2])
    precision = rng.gamma(2, size=(3, 2))
    rows = rng.normal(size=(3, 2, 3))
    arrays = [np.float32(a) for a in (weights, precision, rows)]
    x = LINE.reshape(3, 2)

    def log_prob(x, *arrays):
        return program.make_mixture(*arrays).log_prob(x)

    if program.HOST.name == "Pyro":
        found = log_prob(*map(program.torch.tensor, (x, *arrays)))
    else:
        found = program.jax.jit(log_prob)(x, *arrays)
    joint = []
    for share, tau, row in zip(weights, precision, rows, strict=True):
        inverse = np.linalg.inv(np.eye(2) - np.tril(row[:, :-1], -1))
        covariance = inverse @ np.diag(1 / tau) @ inverse.T
        gaussian = stats.multivariate_normal(inverse @ row[:, -1], covariance)
        joint.append(np.log(share) + gaussian.logpdf(x))
    np.testing.assert_allclose(found, logsumexp(joint, 0), rtol=2e-5)


def partitions(number):
    """Labels of all partitions of so many points."""
    labels = [[0]]
    for _ in range(number - 1):
        labels = [[*of, k] for of in labels for k in range(max(of) + 2)]
    return np.array(labels)


def log_student(base, x):
    """The evidence of points on a line, one after the other."""
    a, b, kappa, mean, total = 1.5, base.spread / 2, base.shrinkage, 0.0, 0.0
    for y in x:
        scale = np.sqrt(b * (1 + 1 / kappa) / a)
        total += stats.t(2 * a, mean, scale).logpdf(y)
        b += kappa / (kappa + 1) * (y - mean) ** 2 / 2
        mean, kappa, a = (kappa * mean + y) / (kappa + 1), kappa + 1, a + 0.5
    return total


@cache
def enumerated():
    """The log density of the points on the line, and the posterior of the number."""
    base, n, x = base_of(LINE), len(LINE), LINE[:, 0]
    of_labels = partitions(n)
    numbers = of_labels.max(1) + 1

    def of_number(k):
        def joint(a):
            return a**k * np.exp(gammaln(a) - gammaln(a + n) - a)

        return np.log(quad(joint, 0, np.inf)[0])

    prior = {k: of_number(k) for k in range(1, n + 1)}
    joint = [
        prior[number]
        + sum(gammaln((c == k).sum()) + log_student(base, x[c == k]) for k in set(c))
        for number, c in zip(numbers, of_labels, strict=True)
    ]
    total = logsumexp(joint)
    return total, np.exp(joint - total) @ numbers


def start_on_the_line():
    probs = one_hot(np.array([0, 0, 0, 1, 1, 1]))
    return base_of(LINE), Parameters.of_probs(base_of(LINE), LINE, probs)


def test_the_bound_is_below_the_evidence_of_all_partitions_and_near_it(program):
    base, start = start_on_the_line()
    trained = program.train(LINE, base, start, OPTIONS)
    bounds = np.asarray(program.bounds(LINE, base, trained, 400))
    error = bounds.std() / np.sqrt(len(bounds))
    evidence, number = enumerated()
    assert evidence - 2 < bounds.mean() < evidence + 3 * error
    draws = program.draw(LINE, base, trained, 400)
    np.testing.assert_allclose(draws.probs.sum(-1), 1, rtol=1e-5)
    posterior = report.component_posterior(draws, 0)
    found = float(posterior["components"].mean())
    assert number - 0.5 < found < number  # as the docstring says: components too few


def test_every_kl_of_the_bound_is_closed_form(program):
    igr = import_module(program.InfiniteIGR.__module__.split(".")[0])
    pair, start = (program.model, program.guide), start_on_the_line()
    if program.HOST.name == "Pyro":
        igr.assert_analytic_kl(*pair, program.torch.tensor(LINE), *start)
    else:
        check = partial(igr.assert_analytic_kl, *pair, base=start[0], start=start[1])
        program.jax.eval_shape(check, LINE)


@pytest.mark.parametrize(
    ("num_groups", "within"), [(1, 0.3), (2, 0.3), (5, 0.3), (9, 0.05)]
)
def test_the_search_finds_planted_groups_from_any_start(num_groups, within):
    points = plant(num_groups)
    search = Search(base_of(points.x)._replace(within=within), points.x, 0)
    for capacity in (1, 3, 20):
        labels = search.run(start_groups(points.x, capacity, 0))
        assert labels.max() + 1 == num_groups
        assert report.adjusted_rand_score(points.labels, labels) > 0.97


def test_as_many_components_as_planted_are_found_and_nothing_is_doubted(run):
    found = run.found
    assert found.num_used == found.fits[-1].parameters.num_sticks == 4
    assert report.adjusted_rand_score(plant(4, 20).labels, found.labels) == 1
    assert found.complete
    assert report.doubts(found) == []
    assert "4 components in use, adjusted Rand index 1.00 (of 4 groups)" in run.text
    posterior = report.component_posterior(found.draws, 0)
    assert abs(float(posterior["components"].mean()) - 4) < 0.1


def found_of(probs, starts=((2, -10.0),), complete=True):
    draws = Draws(probs, probs[:, 0], np.ones(len(probs)))
    _, start = start_on_the_line()
    return Found([Fit("start", start, -12.0, 0.1)], draws, starts, complete, 1.0)


def test_the_posterior_counts_the_components_that_have_a_point():
    probs = np.array([[[1.0, 0, 0], [1, 0, 0]], [[1, 0, 0], [0, 1, 0]]])
    posterior = report.component_posterior(found_of(probs).draws, 0)
    assert posterior["components"].to_numpy().tolist() == [[1, 2]]


def test_what_speaks_against_the_number_is_said():
    probs = np.full((4, 3, 2), 0.5)
    found = found_of(probs, [(2, -10.0), (3, -12.0), (7, -90.0)], complete=False)
    moves, rest, starts = report.doubts(found)
    assert "limit of moves was reached" in moves
    assert rest == "50% of the points are of components without a stick"
    assert starts == "starts that led to 2 and 3 groups are within 5 nats"


@pytest.mark.parametrize("name", SOURCES)
def test_points_are_principal_components_of_what_scikit_learn_ships(name):
    points = load_points(name, 3)
    covariance = np.cov(points.x.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-3)
    assert (np.diff(np.diag(covariance)) <= 0).all()
    assert points.labels is None or len(points.labels) == len(points.x)


def test_a_report_says_what_scikit_learn_finds_and_draws(run):
    assert run.asked == [("iris", 2)]
    assert "planted: 80 points of 2 coordinates" in run.text
    assert run.text.count("BayesianGaussianMixture") == 3
    assert "concentration" in run.text
    assert (run.folder / "mixture.png").stat().st_size > 10_000
