"""Weights and log-likelihoods of single data, against sums over all categories."""

from contextlib import ExitStack
from functools import partial

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

PRIOR = np.array([0.5, 0.3, 0.2])
MEANS = np.array([-1.0, 0.5, 2.0])
X = np.array([-1.4, 0.1, 2.5, 0.9])
LOG_JOINT = np.log(PRIOR) + norm.logpdf(X[:, None], MEANS)
EVIDENCE = logsumexp(LOG_JOINT, -1)
POSTERIOR = np.exp(LOG_JOINT - EVIDENCE[:, None])
OFF = (POSTERIOR + 0.3) / (POSTERIOR + 0.3).sum(-1, keepdims=True)
EXACT = 1e-10


def law(host, probs):
    return host.one_hot(host.array(probs))


def relaxed(host, probs):
    return host.igr.IGRStickBreaking.from_probs(0.5, host.array(probs))


def model(host, around=(), size=4, subsample=None, prior=None):
    """A mixture of Gaussians, within further handlers."""

    def run():
        with ExitStack() as stack:
            stack.enter_context(host.plate("data", size, subsample))
            for make in around:
                stack.enter_context(make())
            z = host.sample("z", law(host, PRIOR) if prior is None else prior)
            mean = z @ host.array(MEANS)
            host.sample("x", host.normal(mean), obs=host.array(X))

    return run


def guide(host, probs, around=(), size=4, subsample=None):
    def run():
        with ExitStack() as stack:
            stack.enter_context(host.plate("data", size, subsample))
            for make in around:
                stack.enter_context(make())
            is_law = isinstance(probs, host.dist.Distribution)
            host.sample("z", probs if is_law else law(host, probs))

    return run


def test_weights_at_the_posterior_are_the_evidence_of_each_datum(host):
    laws = [relaxed(host, probs) for probs in (PRIOR, POSTERIOR)]
    pair = model(host, prior=laws[0]), guide(host, laws[1])
    found = host.log_weights(*pair, num_samples=7, chunk_size=3)
    assert found.shape == (7, 4)
    assert abs(found - EVIDENCE).max() < EXACT
    result = host.log_likelihood(*pair, num_samples=7, chunk_size=3)
    assert abs(result.values - EVIDENCE).max() < EXACT
    assert result.standard_errors.max() < EXACT > result.mean_standard_error
    assert abs(result.effective_sample_sizes - 7).max() < EXACT


@pytest.mark.parametrize("chunk_size", [1, 300])
def test_estimates_and_standard_errors_are_those_of_a_sum(host, chunk_size):
    count = 200 if chunk_size == 1 else 1000
    options = {"num_samples": count, "chunk_size": chunk_size}
    found = host.log_likelihood(model(host), guide(host, OFF), **options)
    squares = np.exp(logsumexp(2 * LOG_JOINT - np.log(OFF), -1) - 2 * EVIDENCE)
    errors = np.sqrt((squares - 1) / count)
    np.testing.assert_allclose(found.standard_errors, errors, rtol=0.35)
    assert (abs(found.values - EVIDENCE) < 4 * errors).all()
    np.testing.assert_allclose(found.effective_sample_sizes, count / squares, rtol=0.1)
    assert found.mean == pytest.approx(found.values.mean())
    of_mean = np.sqrt((found.standard_errors**2).sum()) / 4
    assert found.mean_standard_error == pytest.approx(of_mean)


def test_standard_errors_of_few_samples_are_those_of_the_documented_formula(host):
    pair, options = (model(host), guide(host, OFF)), {"num_samples": 3, "chunk_size": 3}
    log_w = host.log_weights(*pair, **options)
    found = host.log_likelihood(*pair, **options)
    values = logsumexp(log_w, 0) - np.log(3)
    squares = (np.exp(log_w - values) - 1) ** 2
    np.testing.assert_allclose(found.values, values, rtol=1e-10)
    expected = np.sqrt(squares.sum(0) / 6)
    np.testing.assert_allclose(found.standard_errors, expected, rtol=1e-8)


def test_an_error_is_at_most_one_and_nan_without_weights(host):
    """Of weights that are equal, of one that dominates, and of none."""
    slopes, shifts = (host.array(x) for x in ([0.0, 1000.0, 0.0], [0, 0, -np.inf]))

    def run(is_model):
        with host.plate("data", 3):
            u = host.sample("u", host.normal(host.array(np.zeros(3))))
            if is_model:
                host.factor("x", slopes * u + shifts)

    pair, options = (lambda: run(True), lambda: run(False)), {"num_samples": 20}
    found = host.log_likelihood(*pair, chunk_size=20, **options)
    np.testing.assert_allclose(found.standard_errors, [0, 1, np.nan], atol=1e-12)
    np.testing.assert_allclose(found.effective_sample_sizes, [20, 1, np.nan])
    assert found.values[2] == -np.inf
    assert np.isnan(found.mean_standard_error)


def test_scales_and_subsampling_of_the_data_do_not_count(host):
    scaled = {"around": [lambda: host.scale(3.0)], "size": 100, "subsample": 4}
    pair = model(host, **scaled), guide(host, POSTERIOR, **scaled)
    assert abs(host.log_weights(*pair, num_samples=2) - EVIDENCE).max() < EXACT


@pytest.mark.parametrize("chunk_size", [1, 3])
def test_all_samples_weigh_one_subsample(host, chunk_size):
    data = host.array(np.arange(100.0))

    def run(is_model):
        with host.plate("data", 100, 4) as index:
            host.sample("z", law(host, PRIOR))
            if is_model:
                host.factor("x", data[index])

    pair = lambda: run(True), lambda: run(False)
    found = host.log_weights(*pair, num_samples=6, chunk_size=chunk_size)
    assert abs(found - found[0].round()).max() < EXACT
    assert len({*found[0].round()}) == 4


def test_what_a_site_is_computed_from_counts_in_the_guide_if_it_is_auxiliary(host):
    def model():
        with host.plate("data", 4):
            zeros, ones = host.array(np.zeros(4)), host.array(np.ones(4))
            host.sample("v", host.dist.LogNormal(zeros, ones))

    def computed(**infer):
        with host.plate("data", 4):
            law = host.normal(host.array(np.zeros(4)))
            u = host.sample("u", law, infer=infer)
            host.sample("v", host.dist.Delta(host.exp(u), log_density=-u))

    with pytest.raises(ValueError, match="'u' of the guide is not in the model"):
        host.log_weights(model, computed, num_samples=2)
    found = host.log_weights(model, lambda: computed(is_auxiliary=True), num_samples=3)
    assert abs(found).max() < EXACT


def test_masked_data_weigh_nothing(host):
    known = np.array([True, False, True, True])
    masked = {"around": [lambda: host.mask(known)]}
    pair = model(host, **masked), guide(host, POSTERIOR, **masked)
    found = host.log_weights(*pair, num_samples=2)
    assert abs(found - np.where(known, EVIDENCE, 0)).max() < EXACT


def test_a_mask_on_one_side_is_refused(host):
    mask = host.mask(np.array([True, False, True, True]))
    masked = {"around": [lambda: mask]}
    with pytest.raises(ValueError, match="site 'z' has another mask"):
        host.log_weights(model(host, **masked), guide(host, OFF), num_samples=2)


def test_continuous_sites_count_by_their_densities(host):
    """A offset u ~ N(0, 1), whose posterior given the category is known."""

    def joint():
        with host.plate("data", 4):
            z = host.sample("z", law(host, PRIOR))
            u = host.sample("u", host.normal(host.array(np.zeros(4))))
            mean = z @ host.array(MEANS) + u
            host.sample("x", host.normal(mean), obs=host.array(X))

    log_joint = np.log(PRIOR) + norm.logpdf(X[:, None], MEANS, np.sqrt(2))
    evidence = logsumexp(log_joint, -1)
    probs = np.exp(log_joint - evidence[:, None])

    def posterior():
        with host.plate("data", 4):
            z = host.sample("z", law(host, probs))
            loc = (host.array(X) - z @ host.array(MEANS)) / 2
            host.sample("u", host.dist.Normal(loc, host.array(np.sqrt(0.5))))

    found = host.log_weights(joint, posterior, num_samples=3, chunk_size=2)
    assert abs(found - evidence).max() < EXACT


def with_scale_of_all(host):
    """Data that share a category of their scale."""
    s = host.sample("s", law(host, [0.4, 0.6]))
    with host.plate("data", 4):
        z = host.sample("z", law(host, PRIOR))
        scale = (s @ host.array([1.0, 2.0]))[..., None]
        x = host.dist.Normal((z @ host.array(MEANS)), scale.reshape(*z.shape[:-2], -1))
        host.sample("x", x, obs=host.array(X))


def guide_of_all(host):
    host.sample("s", law(host, [0.3, 0.7]))
    guide(host, OFF)()


def test_a_latent_that_data_share_is_refused_but_for_all_data_as_one(host):
    pair = lambda: with_scale_of_all(host), lambda: guide_of_all(host)
    with pytest.raises(
        ValueError, match=r"'s' lies outside of plate 'data'.*plate=\(\)"
    ):
        host.log_weights(*pair, num_samples=2)
    found = host.log_likelihood(*pair, num_samples=4000, chunk_size=1000, plate=())
    scales = np.array([1.0, 2.0])[:, None, None]
    each = logsumexp(np.log(PRIOR) + norm.logpdf(X[:, None], MEANS, scales), -1)
    exact = logsumexp(np.log([0.4, 0.6]) + each.sum(-1))
    assert found.values.shape == ()
    assert abs(found.values - exact) < 4 * found.standard_errors < 0.4

    def given(program):
        at = host.condition(program, {"s": host.array([0.0, 1.0])})
        return host.block(at, hide=["s"])

    found = host.log_likelihood(*map(given, pair), num_samples=300, chunk_size=1)
    assert (abs(found.values - each[1]) < 4 * found.standard_errors).all()


def test_a_site_in_another_plate_lies_outside_of_that_of_most_sites(host):
    def run(is_model):
        with host.plate("topics", 2):
            host.sample("w", law(host, [[0.3, 0.7]] * 2))
        (model(host) if is_model else guide(host, OFF))()

    with pytest.raises(ValueError, match="'w' lies outside of plate 'data'"):
        host.log_weights(lambda: run(True), lambda: run(False), num_samples=2)


def grid(host, rows=2, subsample=None):
    """Two rows of two data, each with a category."""
    x = host.array(X.reshape(2, 2))
    with host.plate("rows", rows, subsample, dim=-2), host.plate("columns", 2, dim=-1):
        z = host.sample("z", law(host, PRIOR))
        host.sample("x", host.normal(z @ host.array(MEANS)), obs=x)


def guide_of_grid(host, rows=2, subsample=None):
    with host.plate("rows", rows, subsample, dim=-2), host.plate("columns", 2, dim=-1):
        host.sample("z", law(host, POSTERIOR.reshape(2, 2, 3)))


def test_of_several_plates_those_of_a_datum_are_to_be_named(host):
    pair = lambda: grid(host), lambda: guide_of_grid(host)
    with pytest.raises(ValueError, match=r"one of \['columns', 'rows'\]"):
        host.log_weights(*pair, num_samples=2)
    with pytest.raises(ValueError, match=r"one of \['columns', 'rows'\], got 'row'"):
        host.log_weights(*pair, num_samples=2, plate="row")
    exact = EVIDENCE.reshape(2, 2)
    for plate, expected in {
        "rows": exact.sum(1),
        ("columns", "rows"): exact.T,
        (): exact.sum(),
    }.items():
        found = host.log_weights(*pair, num_samples=2, plate=plate)
        assert found.shape == (2, *expected.shape)
        assert abs(found - expected).max() < EXACT


def test_a_plate_that_is_subsampled_within_a_datum_is_refused(host):
    pair = lambda: grid(host, 5, 2), lambda: guide_of_grid(host, 5, 2)
    found = host.log_weights(*pair, num_samples=2, plate="rows")
    assert abs(found - EVIDENCE.reshape(2, 2).sum(1)).max() < EXACT
    with pytest.raises(ValueError, match="plate 'rows' of site 'z' is subsampled"):
        host.log_weights(*pair, num_samples=2, plate="columns")


def test_a_plate_within_a_latent_is_to_be_whole(host):
    """The elements of such a plate, two words of a document, are no data."""
    x, means = X.reshape(2, 2), host.array(MEANS)
    log_joint = np.log(PRIOR) + norm.logpdf(x[..., None], MEANS).sum(1)
    evidence = logsumexp(log_joint, -1)
    posterior = np.exp(log_joint - evidence[:, None])[:, None]

    def documents(subsample):
        with host.plate("documents", 2, dim=-2):
            z = host.sample("z", law(host, PRIOR))
            with host.plate("words", 2, subsample, dim=-1) as index:
                host.sample("x", host.normal(z @ means), obs=host.array(x)[:, index])

    def topics():
        with host.plate("documents", 2, dim=-2):
            host.sample("z", law(host, posterior))

    with pytest.raises(ValueError, match="do not subsample it, or, if all sites lie"):
        host.log_weights(lambda: documents(1), topics, num_samples=2)
    found = host.log_weights(lambda: documents(None), topics, num_samples=2)
    assert abs(found - evidence).max() < EXACT


def test_a_latent_that_the_guide_lacks_is_drawn_from_the_model(host):
    found = host.log_likelihood(
        model(host), lambda: None, num_samples=2000, chunk_size=500
    )
    assert (abs(found.values - EVIDENCE) < 4 * found.standard_errors).all()
    assert found.standard_errors.max() < 0.1


def test_what_the_guide_draws_where_the_model_observes_does_not_count(host):
    labels = np.eye(3)[[0, 2, 1, 1]]

    def labelled():
        with host.plate("data", 4):
            host.sample("z", law(host, PRIOR), obs=host.array(labels))
            mean = host.array(labels) @ host.array(MEANS)
            host.sample("x", host.normal(mean), obs=host.array(X))

    found = host.log_weights(labelled, guide(host, OFF), num_samples=3)
    assert abs(found - LOG_JOINT[labels == 1]).max() < EXACT


def test_a_latent_that_the_model_lacks_is_refused(host):
    def other():
        with host.plate("data", 4):
            host.sample("Z", law(host, OFF))

    with pytest.raises(ValueError, match="site 'Z' of the guide is not in the model"):
        host.log_weights(model(host), other, num_samples=2)


def test_a_guide_is_refused_that_is_continuous_where_the_model_is_one_hot(host):
    def relaxed_otherwise():
        with host.plate("data", 4):
            host.sample("z", host.dist.Dirichlet(host.array([1.0, 1.0, 1.0])))

    with pytest.raises(
        ValueError, match="site 'z' is one-hot in .*, a Dirichlet: give"
    ):
        host.log_weights(model(host), relaxed_otherwise, num_samples=2)


def test_a_guide_is_refused_that_is_one_hot_where_the_model_is_continuous(host):
    prior, found = host.igr.GEM(1.0, num_sticks=2), guide(host, OFF)

    def mixture():
        with host.plate("data", 4):
            host.sample("z", prior)

    match = "site 'z' is one-hot in .*, a GEM: for weights .* as AutoIGR does"
    with pytest.raises(ValueError, match=match):
        host.log_weights(mixture, found, num_samples=2)


def test_a_distribution_without_a_support_guides_a_continuous_site(host):
    class Bare(host.dist.Normal):
        @property
        def support(self):
            raise NotImplementedError

    def drawn(make):
        host.sample("w", make(host.array(0.0), 1.0, validate_args=False))

    programs = partial(drawn, host.dist.Normal), partial(drawn, Bare)
    assert (host.log_weights(*programs, num_samples=2) == 0).all()


def test_counts_are_checked(host):
    pair = model(host), guide(host, OFF)
    with pytest.raises(ValueError, match="num_samples to be at least 2"):
        host.log_likelihood(*pair, num_samples=1)
    for name in ("num_samples", "chunk_size"):
        with pytest.raises(ValueError, match=f"{name} to be positive"):
            host.log_weights(*pair, **{name: 0})


def test_the_prior_proposes_once_its_observations_are_hidden(host):
    """Else they count on both sides, and every weight is one."""
    prior = model(host)
    with pytest.raises(ValueError, match="'x' is observed in the guide as well"):
        host.log_likelihood(prior, prior, num_samples=10)
    proposal = host.block(prior, hide=["x"])
    found = host.log_likelihood(prior, proposal, num_samples=2000)
    values, errors = found.values, found.standard_errors
    assert (abs(values - EVIDENCE) < 4 * errors).all()
    assert (errors < 0.1).all()


def test_a_latent_site_that_a_handler_hides_is_refused(host):
    """It would stay relaxed, since discretize does not see it."""
    hidden = host.block(host.igr.relax(model(host), 0.5), hide=["z"])
    with pytest.raises(ValueError, match="site 'x' has another density in each run"):
        host.log_weights(hidden, lambda: None, num_samples=2)


@pytest.mark.parametrize("name", ["log_weights", "log_likelihood"])
def test_what_names_no_plate_is_refused_by_name(host, name):
    with pytest.raises(TypeError, match="expected plate to be a name, .*, got 3"):
        getattr(host, name)(lambda: None, lambda: None, num_samples=2, plate=3)
