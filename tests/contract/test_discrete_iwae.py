"""TraceDiscreteIWAE_ELBO: the bound by enumeration, and what it is made of."""

from contextlib import ExitStack
from functools import partial

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

TAU, MEANS = 0.5, np.array([-1.0, 0.5, 2.0])
X = np.array([-1.4, 0.1, 2.5, 0.9])
PRIOR = np.array([0.5, 0.3, 0.2])
LOG_JOINT = np.log(PRIOR) + norm.logpdf(X[:, None], MEANS)
EVIDENCE = logsumexp(LOG_JOINT, -1)
POSTERIOR = np.exp(LOG_JOINT - EVIDENCE[:, None])
OFF = (POSTERIOR + 0.3) / (POSTERIOR + 0.3).sum(-1, keepdims=True)
LOGITS = np.array([[0.3, -0.8, 0.5], [1.0, 0.2, -0.4], [0, 0, 0.7], [-1.0, 0.4, 0.1]])


def iwae(host, num_samples, **options):
    return host.igr.TraceDiscreteIWAE_ELBO(num_samples, **options)


def of_pairs(host, nesting=1, **options):
    """Many bounds of two samples, averaged."""
    return iwae(host, 2, **host.particles(50, nesting), **options)


def hard(host, probs):
    """Values that are one-hot, and probabilities that are given."""
    return host.gumbel_straight_through(host.array(TAU), host.array(np.log(probs)))


def soft(host, probs):
    return host.igr.IGRStickBreaking.from_probs(TAU, host.array(probs))


def mean(host, logits):
    """A guide whose samples have no noise."""
    return host.igr.ExpectedOneHotCategorical(logits=logits)


def model(host, make=hard, around=(), size=4, subsample=None):
    """A mixture of Gaussians, within further handlers."""

    def run():
        with ExitStack() as stack:
            stack.enter_context(host.plate("data", size, subsample))
            for enter in around:
                stack.enter_context(enter())
            z = host.sample("z", make(host, PRIOR))
            x = host.normal(z @ host.array(MEANS))
            host.sample("x", x, obs=host.array(X))

    return run


def guide(host, probs=OFF, make=hard, around=(), size=4, subsample=None):
    def run():
        with ExitStack() as stack:
            stack.enter_context(host.plate("data", size, subsample))
            for enter in around:
                stack.enter_context(enter())
            host.sample("z", make(host, probs))

    return run


def of_two(q, log_joint, scale=1.0):
    """The mean bound of two one-hot samples, over all pairs of them."""
    w = (log_joint - np.log(q)) / np.asarray(scale)[..., None]
    pairs = np.logaddexp(w[..., :, None], w[..., None, :]) - np.log(2)
    return scale * (q[..., :, None] * q[..., None, :] * pairs).sum((-1, -2))


def assert_mean(losses, bound):
    error = losses.std(ddof=1) / len(losses) ** 0.5
    assert abs(losses.mean() + bound) < 4 * error + 1e-6


def many(host, engine, *programs, count=12):
    return host.estimates(engine, *programs, {}, count)["loss"]


def test_at_one_hot_values_it_is_the_renyi_bound_of_the_discrete_pair(host):
    def one(log_joint):
        def run():
            z = host.sample("z", hard(host, PRIOR))
            host.factor("x", z @ host.array(log_joint - np.log(PRIOR)))

        return run

    programs = one(LOG_JOINT[2]), lambda: host.sample("z", hard(host, OFF[2]))
    discrete = [host.igr.discretize(program) for program in programs]
    expected = of_two(OFF[2], LOG_JOINT[2])
    assert_mean(many(host, of_pairs(host, 0), *programs), expected)
    renyi = host.RENYI(**host.particles(2))
    assert_mean(many(host, renyi, *discrete, count=200), expected)


def test_each_datum_has_a_mean_of_its_own(host):
    found = many(host, of_pairs(host), model(host), guide(host))
    bound = of_two(OFF, LOG_JOINT).sum()
    assert (OFF * (LOG_JOINT - np.log(OFF))).sum() < bound < EVIDENCE.sum()
    assert_mean(found, bound)


def test_without_plates_to_weigh_all_data_have_one_weight(host):
    rows = np.indices((3,) * 4).reshape(4, -1)
    q, joint = (np.take_along_axis(x, rows, 1).sum(0) for x in (np.log(OFF), LOG_JOINT))
    found = many(host, of_pairs(host, plate=()), model(host), guide(host))
    assert_mean(found, of_two(np.exp(q), joint))


def test_with_many_samples_it_is_the_evidence(host):
    found = many(host, iwae(host, 1000), model(host), guide(host), count=4)
    assert abs(found + EVIDENCE.sum()).max() < 0.3


def test_at_the_posterior_every_sample_is_the_evidence(host):
    programs = model(host), guide(host, POSTERIOR)
    found = many(host, iwae(host, 3), *programs, count=4)
    np.testing.assert_allclose(found, -EVIDENCE.sum(), rtol=1e-6)


def noiseless(host):
    """A pair whose samples have no noise that counts, with parameters in both."""

    def run():
        means = host.param("means", host.array(MEANS))
        with host.plate("data", 4):
            z = host.sample("z", host.one_hot(host.array(PRIOR)))
            u = host.sample("u", host.normal(host.array(np.zeros(4))))
            host.sample("x", host.normal(z @ means + 0 * u), obs=host.array(X))

    def of_guide():
        logits = host.param("logits", host.array(LOGITS))
        with host.plate("data", 4):
            host.sample("z", mean(host, logits))
            host.sample("u", host.normal(host.array(np.zeros(4))))

    return run, of_guide


@pytest.mark.parametrize("count", [1, 3])
def test_value_and_gradient_are_those_of_the_linear_form(host, count):
    start = {"means": MEANS, "logits": LOGITS}

    def linear(at):
        log_q = host.log_softmax(at["logits"])
        z = host.softmax(at["logits"])
        likelihood = host.normal(z @ at["means"]).log_prob(host.array(X))
        ratio = z * (host.array(np.log(PRIOR)) - log_q)
        return -likelihood.sum() - ratio.sum()

    expected = host.exact(linear, start)
    found = host.estimates(iwae(host, count), *noiseless(host), start)
    for name, exact in expected.items():
        np.testing.assert_allclose(found[name][0], exact, rtol=1e-6, err_msg=name)


def doubly(host, num_samples, **options):
    return iwae(host, num_samples, gradient="doubly reparameterized", **options)


def test_double_reparameterization_leaves_alone_what_has_no_noise(host):
    start = {"means": MEANS, "logits": LOGITS}
    plain, found = (
        host.estimates(make(host, 3), *noiseless(host), start)
        for make in (iwae, doubly)
    )
    for name in plain:
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-6)


def test_double_reparameterization_of_one_sample_is_its_path(host):
    start, engine = {"loc": LOGITS[:, :2]}, doubly(host, 1)
    found = host.estimates(engine, *spelled_out(host)[0], start, 4)
    path = spelled_out(host, host.detach)[1]
    expected = host.estimates(iwae(host, 1), *path, start, 4)
    for name in ("loss", "loc"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6)


def test_double_reparameterization_tends_to_the_gradient_of_the_discrete_bound(host):
    """Of two samples, in the mean over cold ones; q is the prior at the start."""

    def of_guide():
        logits = host.param("logits", host.array(LOGITS))
        with host.plate("data", 4):
            host.sample("z", host.gumbel(host.array(0.1), logits))

    def cold(host, probs):
        return host.gumbel(host.array(0.1), host.array(np.log(probs)))

    def enumerated(at):
        log_q = host.log_softmax(at["logits"])
        w = host.array(LOG_JOINT) - log_q
        pairs = host.log(host.exp(w)[..., None] + host.exp(w)[..., None, :])
        q = host.exp(log_q)
        return -(q[..., None] * q[..., None, :] * pairs).sum()

    start = {"logits": LOGITS}
    expected = host.exact(enumerated, start)["logits"]
    engines = (make(host, 2, **host.particles(500, 1)) for make in (doubly, iwae))
    double, plain = (
        host.estimates(engine, model(host, cold), of_guide, start, 12)["logits"]
        for engine in engines
    )
    error = double.std(0, ddof=1) / 12**0.5
    assert (abs(double.mean(0) - expected) < 5 * error + 0.03).all()
    assert double.std(0).mean() < 0.8 * plain.std(0).mean()


def test_double_reparameterization_trains_single_precision_beside_double(host):
    def of_guide():
        loc = host.param("loc", host.array(LOGITS[:, :2].astype("float32")))
        with host.plate("data", 4):
            host.sample("z", host.igr.IGRStickBreaking(TAU, loc, 1.0))

    def run():
        with host.plate("data", 4):
            z = host.sample("z", soft(host, PRIOR))
            x = host.normal((z * host.array(MEANS)).sum(-1))
            host.sample("x", x, obs=host.array(X))

    losses, start, end = host.fit(doubly(host, 3), run, of_guide, 1)
    assert (losses.dtype, end["loc"].dtype) == ("float64", "float32")
    assert (start["loc"] != end["loc"]).all()


def test_double_reparameterization_is_refused_where_relaxed_sites_depend(host):
    def chain():
        with host.plate("data", 4):
            z = host.sample("z", soft(host, PRIOR))
            host.sample("y", host.gumbel(host.array(TAU), z))

    host.attempt(iwae(host, 2), chain, chain)
    with pytest.raises(ValueError, match="at site 'y' not to depend on samples"):
        host.attempt(doubly(host, 2), chain, chain)


def spelled_out(host, of_log_q=lambda log_q: log_q, share=0.0, enter=None):
    """The same pair twice: as it is, and with its weights in a factor.

    Or with a share of them at the site, which these handlers leave it.
    """
    enter = enter or (lambda: host.mask(False))

    def law(loc):
        return host.igr.IGRStickBreaking(TAU, loc, host.array(np.ones((4, 2))))

    def of_guide():
        loc = host.param("loc", host.array(LOGITS[:, :2]))
        with host.plate("data", 4):
            host.sample("z", law(loc))

    def with_share():
        loc = host.param("loc", host.array(LOGITS[:, :2]))
        with host.plate("data", 4), enter():
            host.sample("z", law(loc))

    def with_factor():
        loc = host.param("loc", host.array(LOGITS[:, :2]))
        with host.plate("data", 4):
            with enter():
                z = host.sample("z", soft(host, PRIOR))
            log_ratio = host.array(np.log(PRIOR)) - of_log_q(law(loc).logits)
            ratio = (z * log_ratio).sum(-1)
            host.factor("ratio", host.array(1 - share) * ratio)
            host.sample("x", host.normal(z @ host.array(MEANS)), obs=host.array(X))

    return (model(host, soft), of_guide), (with_factor, with_share)


EACH, KEPT = np.array([0.5, 1.0, 2.0, 0.25]), np.array([True, False, False, True])


@pytest.mark.parametrize("name", ["scale", "mask"])
def test_a_doubly_reparameterized_gradient_is_linear_in_the_share_of_log_q(host, name):
    """Of the same weights, whatever part of them is a factor in place of log q."""
    by = {"scale": EACH, "mask": KEPT}[name]
    share, enter = 1.0 * by, lambda: getattr(host, name)(by)
    whole, none = spelled_out(host)[0], spelled_out(host, host.detach)[1]
    part = spelled_out(host, host.detach, share, enter)[1]
    found, of_all, of_none = (
        host.estimates(doubly(host, 3), *programs, {"loc": LOGITS[:, :2]}, 4)["loc"]
        for programs in (part, whole, none)
    )
    expected = share[:, None] * of_all + (1 - share[:, None]) * of_none
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert abs(of_all - of_none).max() > 0.1


@pytest.mark.parametrize("make", [iwae, doubly])
def test_a_scale_of_each_datum_is_a_factor_of_its_gradient(host, make):
    def of_guide():
        loc = host.param("loc", host.array(LOGITS[:, :2]))
        with host.plate("data", 4), host.scale(by):
            host.sample("z", host.igr.IGRStickBreaking(TAU, loc, 1.0))

    found, start = [], {"loc": LOGITS[:, :2]}
    for by in (EACH, 1.0):
        scaled = model(host, soft, around=[lambda by=by: host.scale(by)])
        found.append(host.estimates(make(host, 3), scaled, of_guide, start, 4)["loc"])
    np.testing.assert_allclose(found[0], EACH[:, None] * found[1], rtol=1e-6)


def test_the_gradient_is_that_of_the_weights_in_their_explicit_form(host):
    start = {"loc": LOGITS[:, :2]}
    found, expected = (
        host.estimates(iwae(host, 3), *programs, start, 4)
        for programs in spelled_out(host)
    )
    for name in ("loss", "loc"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6)


def test_the_score_that_stays_has_mean_0_for_one_hot_values_only(host):
    """The slope of z @ log_softmax(logits) in the logits is z - q, for z held fixed."""
    logits = host.array(LOGITS[1])
    q = np.exp(LOGITS[1]) / np.exp(LOGITS[1]).sum()
    laws = host.gumbel(host.array(TAU), logits), host.one_hot(logits=logits)
    count = 40_000
    draws = [np.asarray(host.draw(law, count)) for law in laws]
    off = [abs(z.mean(0) - q) / (z.std(0) / count**0.5) for z in draws]
    assert off[0].max() > 10 > 4 > off[1].max()


def test_a_scale_of_everything_and_a_subsampled_plate_are_factors(host):
    plain = many(host, iwae(host, 3), model(host), guide(host), count=4)
    scaled = {"around": [lambda: host.scale(0.5)]}
    for options, factor in (scaled, 0.5), ({"size": 40, "subsample": 4}, 10):
        programs = model(host, **options), guide(host, **options)
        found = many(host, iwae(host, 3), *programs, count=4)
        if factor == 0.5:  # a subsample takes a draw of its own
            np.testing.assert_allclose(found, factor * plain, rtol=1e-6)
        assert_mean(
            many(host, of_pairs(host), *programs), factor * of_two(OFF, LOG_JOINT).sum()
        )


def test_without_observations_the_scale_is_that_of_the_latents(host):
    def losses(by):
        around = {"around": [lambda: host.scale(by)]}
        programs = guide(host, PRIOR, **around), guide(host, OFF, **around)
        return many(host, iwae(host, 3), *programs, count=4)

    np.testing.assert_allclose(losses(0.5), 0.5 * losses(1.0), rtol=1e-6)


def with_scale_of_all(host, log_scales):
    """Data that share a category of their scale."""

    def run():
        s = host.sample("s", hard(host, [0.4, 0.6]))
        with host.plate("data", 4):
            z = host.sample("z", hard(host, PRIOR))
            scale = host.exp(s @ host.array(log_scales))
            x = host.dist.Normal(z @ host.array(MEANS), scale)
            host.sample("x", x, obs=host.array(X))

    return run


def test_a_latent_that_data_share_counts_outside_of_the_mean(host):
    log_scales, shared = np.array([0.0, 0.7]), np.array([0.3, 0.7])
    each = norm.logpdf(X[:, None], MEANS, np.exp(log_scales)[:, None, None])

    def of_guide():
        host.sample("s", hard(host, shared))
        with host.plate("data", 4):
            host.sample("z", hard(host, OFF))

    given = of_two(OFF, np.log(PRIOR) + each).sum(-1)
    bound = shared @ (np.log([0.4, 0.6]) - np.log(shared) + given)
    programs = with_scale_of_all(host, log_scales), of_guide
    assert_mean(many(host, of_pairs(host), *programs), bound)


def test_continuous_sites_count_by_their_densities(host):
    """An offset u ~ N(0, 1), whose posterior given the category is known."""
    log_joint = np.log(PRIOR) + norm.logpdf(X[:, None], MEANS, np.sqrt(2))
    evidence = logsumexp(log_joint, -1)

    def joint():
        with host.plate("data", 4):
            z = host.sample("z", hard(host, PRIOR))
            u = host.sample("u", host.normal(host.array(np.zeros(4))))
            x = host.normal(z @ host.array(MEANS) + u)
            host.sample("x", x, obs=host.array(X))

    def posterior():
        with host.plate("data", 4):
            z = host.sample("z", hard(host, np.exp(log_joint - evidence[:, None])))
            loc = (host.array(X) - z @ host.array(MEANS)) / 2
            host.sample("u", host.dist.Normal(loc, host.array(np.sqrt(0.5))))

    found = many(host, iwae(host, 3), joint, posterior, count=2)
    np.testing.assert_allclose(found, -evidence.sum(), rtol=1e-6)


@pytest.mark.parametrize("family", ["IGR", "IGRStickBreaking", "gumbel"])
def test_cold_samples_of_many_categories_are_finite_in_single_precision(host, family):
    size, tau = 1000, np.float32(0.01)
    start = np.random.default_rng(0).normal(size=(2, size)).astype("f4")

    def law(x):
        if family == "gumbel":
            return host.gumbel(host.array(tau), x)
        ones = host.array(np.ones(size - 1, "f4"))
        return getattr(host.igr, family)(host.array(tau), x[..., 1:], ones)

    def cold():
        means = host.param("means", host.array(start[0]))
        with host.plate("data", 2):
            z = host.sample("z", law(host.array(np.zeros(size, "f4"))))
            host.sample("x", host.normal(z @ means), obs=host.array(np.float32([1, 2])))

    def of_guide():
        x = host.param("codes", host.array(start))
        with host.plate("data", 2):
            host.sample("z", law(x))

    with host.single_precision():
        at = {"means": start[0], "codes": start}
        found = host.estimates(iwae(host, 5), cold, of_guide, at, 2)
    assert all(np.isfinite(rows).all() for rows in found.values())
    assert abs(found["means"]).max() > 0


def test_it_trains_an_automatic_guide_of_a_relaxed_model(host):
    relaxed = host.igr.relax(
        model(host, lambda host, p: host.one_hot(host.array(p))), TAU
    )
    auto = host.igr.AutoIGR(relaxed, TAU, scale=1.0)
    losses, _, _ = host.fit(iwae(host, 5), relaxed, auto, 60)
    assert np.isfinite(losses).all()
    assert losses[-20:].mean() < losses[:5].mean()


def test_a_learned_scale_is_warned_of_once(host):
    def of_guide():
        scale = host.param("scale", host.array(np.ones(2)), constraint=host.positive)
        with host.plate("data", 4):
            law = host.igr.IGRStickBreaking(TAU, host.array(np.zeros(2)), scale)
            host.sample("z", law)

    engine, start = iwae(host, 2), {"scale": np.ones(2)}
    with pytest.warns(UserWarning, match="scale of the guide at site 'z' is learned"):
        host.attempt(engine, model(host, soft), of_guide, start)
    host.attempt(engine, model(host, soft), of_guide, start)


def test_values_without_a_gradient_are_refused(host):
    def of_guide():
        with host.plate("data", 4):
            host.sample("z", host.one_hot(host.array(OFF)))

    remedies = "relax it, or, if it is one-hot, train by TraceUnorderedSet_ELBO"
    with pytest.raises(ValueError, match=f"at site 'z' of the guide.*{remedies}"):
        host.attempt(iwae(host, 2), model(host), of_guide)
    host.attempt(host.igr.TraceUnorderedSet_ELBO(2), model(host), of_guide)


def grid(host, size=2, subsample=None, within=True, around_x=()):
    """Two rows of two data; the category is that of the datum, or that of its row."""

    def run(is_model):
        with ExitStack() as stack:
            stack.enter_context(host.plate("rows", 2, dim=-2))
            if within:
                stack.enter_context(host.plate("columns", size, subsample, dim=-1))
            z = host.sample("z", hard(host, PRIOR))
            if is_model:
                if not within:
                    stack.enter_context(host.plate("columns", size, subsample, dim=-1))
                for enter in around_x:
                    stack.enter_context(enter())
                x = host.normal(z @ host.array(MEANS))
                host.sample("x", x, obs=host.array(X.reshape(2, 2)))

    return lambda: run(True), lambda: run(False)


def test_data_that_share_a_latent_share_a_weight(host):
    log_joint = np.log(PRIOR) + norm.logpdf(X.reshape(2, 2, 1), MEANS).sum(1)
    found = many(host, of_pairs(host, 2), *grid(host, within=False))
    assert_mean(found, of_two(np.broadcast_to(PRIOR, (2, 3)), log_joint).sum())


def test_the_scale_of_a_weight_is_the_mean_over_its_observations(host):
    by = np.array([[0.2, 1.0], [2.0, 4.0]])
    log_x = (by[..., None] * norm.logpdf(X.reshape(2, 2, 1), MEANS)).sum(1)
    scale = [lambda: host.scale(by)]
    programs = grid(host, within=False, around_x=scale)
    found = many(host, of_pairs(host, 2), *programs, count=60)
    q = np.broadcast_to(PRIOR, (2, 3))
    assert_mean(found, of_two(q, np.log(PRIOR) + log_x, by.mean(-1)).sum())


@pytest.mark.parametrize(
    "plate", [3, True, iter(["rows"])], ids=["number", "flag", "iterator"]
)
def test_what_names_no_plate_is_refused(backend, plate):
    with pytest.raises(TypeError, match="expected plate to be a name, .*, got "):
        backend.igr.TraceDiscreteIWAE_ELBO(2, plate=plate)


def test_plates_that_give_no_weights_are_refused(host):
    with pytest.raises(ValueError, match="plate 'columns' of site 'x' is subsampled"):
        host.attempt(iwae(host, 2), *grid(host, 5, 2, within=False))
    with pytest.raises(ValueError, match=r"one of \['columns', 'rows'\], got 'row'"):
        host.attempt(iwae(host, 2, plate="row"), *grid(host))

    with pytest.raises(ValueError, match="site 'x' depends on samples within plates"):
        host.attempt(iwae(host, 2, plate=["rows", "columns"]), *across(host))


def across(host):
    """Two rows of two data with a category each, and one observation of each row."""
    x = host.array(X[:2, None])

    def run(is_model):
        with host.plate("rows", 2, dim=-2):
            with host.plate("columns", 2, dim=-1):
                z = host.sample("z", hard(host, PRIOR))
            if is_model:
                loc = (z @ host.array(MEANS)).sum(-1)[..., None]
                host.sample("x", host.normal(loc), obs=x)

    return lambda: run(True), lambda: run(False)


def test_a_mask_that_differs_in_the_guide_is_refused(host):
    """A prior that does not count where the guide does leaves weights too high."""
    masks = [host.mask(np.arange(4) < size) for size in (2, 3)]

    def run(mask):
        with host.plate("data", 4), mask:
            host.sample("z", soft(host, PRIOR))

    model, guide = (partial(run, mask) for mask in masks)
    host.attempt(iwae(host, 2), model, model)
    with pytest.raises(ValueError, match="site 'z' has another mask in the model than"):
        host.attempt(iwae(host, 2), model, guide)


def test_samples_that_meet_in_an_observation_share_a_weight(host):
    pairs = (MEANS[:, None] + MEANS).ravel()
    q = (PRIOR[:, None] * PRIOR).ravel()
    log_joint = np.log(q) + norm.logpdf(X[:2, None], pairs)
    found = many(host, of_pairs(host, 2), *across(host))
    assert_mean(found, of_two(np.broadcast_to(q, (2, 9)), log_joint).sum())


def test_the_number_of_samples_and_the_gradient_are_checked(backend):
    with pytest.raises(ValueError, match="num_samples to be positive"):
        backend.igr.TraceDiscreteIWAE_ELBO(0)
    with pytest.raises(ValueError, match="expected gradient to be one of"):
        backend.igr.TraceDiscreteIWAE_ELBO(1, gradient="double")


def test_samples_cost_no_further_runs_of_the_programs(host):
    runs = []

    def counted(program):
        def run():
            runs.append(program)
            program()

        return run

    def count(engine):
        programs = counted(model(host)), counted(guide(host))
        host.attempt(engine, *programs)
        runs.clear()
        host.attempt(engine, *programs)
        return len(runs)

    assert count(iwae(host, 1)) == count(iwae(host, 5))
