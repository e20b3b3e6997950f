"""TraceUnorderedSet_ELBO: the enumerated gradient in mean, or exactly."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from scipy.special import log_softmax

TAU, COPIES = 0.5, 400
CODES = np.eye(3)[np.indices((3, 3)).reshape(2, -1).T]
LOGITS = np.array([[0.5, -1.0, 0.3], [0.0, 0.8, -0.4]])
COSTS = np.array([1.0, -2.0, 4.0])
START = {
    "guide": LOGITS,
    "prior": -LOGITS[::-1],
    "decoder": np.linspace(-1, 1, 6),
}
GAUSSIAN = {"igr": "IGR", "sticks": "IGRStickBreaking"}
LAWS = [*GAUSSIAN, "gumbel"]


def member(host, name, x):
    if name in GAUSSIAN:
        family = getattr(host.igr, GAUSSIAN[name])
        return family(TAU, x[..., 1:], host.exp(x[..., :1]))
    return host.gumbel(host.array(TAU), x)


def params(host, start):
    return {name: host.param(name, host.array(x)) for name, x in start.items()}


def pair(host, name, copies):
    """A model and a guide of copies of 2 variables of 3 categories."""

    def model():
        p = params(host, START)
        with host.plate("copies", copies):
            z = host.sample("z", member(host, name, p["prior"]).to_event(1))
            x = host.dist.Normal(z.reshape((*z.shape[:-2], 6)) @ p["decoder"], 1.0)
            host.sample("x", x, obs=host.array(np.full(copies, 2.0)))

    def guide():
        with host.plate("copies", copies):
            law = member(host, name, params(host, START)["guide"])
            host.sample("z", law.to_event(1))

    return model, guide


def expectation(host, log_q, log_joint):
    return (host.exp(log_q) * (log_joint - log_q)).sum()


def log_normal(x, mean):
    return -((x - mean) ** 2) / 2 - np.log(2 * np.pi) / 2


def enumerated(host, name):
    """The loss of one copy, and its gradients."""
    codes = host.array(CODES)

    def log_probs(x):
        return (codes * member(host, name, x).logits).sum(-1).sum(-1)

    def loss(p):
        log_x = log_normal(2.0, codes.reshape((9, 6)) @ p["decoder"])
        log_q = log_probs(p["guide"])
        return -expectation(host, log_q, log_x + log_probs(p["prior"]))

    return host.exact(loss, START)


def flat(found, names, count=()):
    return np.concatenate([found[n].reshape(*count, -1) for n in sorted(names)], -1)


def agree_in_mean(found, expected, copies=1):
    """Within 4 standard errors, which are small."""
    names = expected.keys() - {"loss"}
    found, expected = flat(found, names, (len(found["loss"]),)), flat(expected, names)
    error = found.std(0) / copies / len(found) ** 0.5
    assert abs(expected).max() > 40 * error.max()
    assert (abs(found.mean(0) / copies - expected) < 4 * error).all()


def agree(found, expected, copies=1):
    for name, exact in expected.items():
        for one in found[name]:
            np.testing.assert_allclose(one / copies, exact, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("replacement", [False, True])
def test_the_mean_gradient_is_that_of_enumeration(host, replacement):
    engine = host.igr.TraceUnorderedSet_ELBO(3, 2, replacement=replacement)
    found = host.estimates(engine, *pair(host, "gumbel", COPIES), START, 100)
    expected = enumerated(host, "gumbel")
    agree_in_mean(found, expected, COPIES)
    error = found["loss"].std() / 10
    assert abs(found["loss"].mean() - COPIES * expected["loss"]) < 4 * error


@pytest.mark.parametrize("name", LAWS)
def test_a_set_of_everything_gives_the_enumerated_gradient(host, name):
    engine, programs = host.igr.TraceUnorderedSet_ELBO(20, 2), pair(host, name, 5)
    found = host.estimates(engine, *programs, START)
    agree(found, enumerated(host, name), 5)


def costs(host):
    """A model of a category that costs, and its guide."""

    def model():
        z = host.sample("z", host.one_hot(logits=host.array(np.zeros(3))))
        host.factor("cost", z @ host.array(COSTS))

    def guide():
        p = params(host, {"logits": LOGITS[0]})
        host.sample("z", host.one_hot(logits=p["logits"]))

    return model, guide


@pytest.mark.parametrize("replacement", [False, True])
def test_one_sample_is_the_plain_score_function(host, replacement):
    log_q = log_softmax(LOGITS[0])
    f = COSTS - np.log(3) - log_q
    possible = -f[:, None] * (np.eye(3) - np.exp(log_q))
    engine = host.igr.TraceUnorderedSet_ELBO(1, replacement=replacement)
    found = host.estimates(engine, *costs(host), {"logits": LOGITS[0]}, 20)
    distances = abs(found["logits"][:, None] - possible).max(-1)
    assert (distances.min(-1) < 1e-9).all()
    assert len(set(distances.argmin(-1).tolist())) > 1


def of_two(q, f, a, b, *, replacement):
    """The gradient of two samples, each with a baseline that has the other."""
    chances = np.array([q[a] * q[b] / (1 - q[a]), q[b] * q[a] / (1 - q[b])])
    weights, own = chances / chances.sum(), q[[a, b]]
    if replacement:
        weights, own = np.full(2, 0.5), np.zeros(2)
    baselines = own * f[[a, b]] + (1 - own) * f[[b, a]]
    scores = (np.eye(3) - q)[[a, b]]
    return -(weights * (f[[a, b]] - baselines)) @ scores


@pytest.mark.parametrize("replacement", [False, True])
def test_of_two_samples_each_has_a_baseline(host, replacement):
    log_q = log_softmax(LOGITS[0])
    f, pairs = COSTS - np.log(3) - log_q, product(range(3), repeat=2)
    pairs = [(a, b) for a, b in pairs if a != b or replacement]
    q, options = np.exp(log_q), {"replacement": replacement}
    possible = np.array([of_two(q, f, a, b, **options) for a, b in pairs])
    engine = host.igr.TraceUnorderedSet_ELBO(2, **options)
    found = host.estimates(engine, *costs(host), {"logits": LOGITS[0]}, 20)
    distances = abs(found["logits"][:, None] - possible).max(-1)
    assert (distances.min(-1) < 1e-9).all()
    assert len(set(distances.argmin(-1).tolist())) > 1


def test_sites_of_unequal_sizes_and_inner_plates_make_one_configuration(host):
    start = {
        "a_logits": np.array([0.3, -0.2]),
        "b_logits": np.array([[0.1, 0.7, -0.5], [0.0, 1.0, 0.4]]),
    }
    means = host.array(np.arange(18.0).reshape(2, 3, 3) / 6)
    one_hot = partial(host.one_hot, None)

    def model():
        with host.plate("copies", 4, dim=-2):
            u = host.sample("a", one_hot(host.array(np.zeros(2))))
            with host.plate("inner", 2, dim=-1):
                v = host.sample("b", one_hot(host.array(np.zeros(3))))
            v = host.math.broadcast_to(v, (*v.shape[:-2], 2, 3))
            codes = u[..., 0, :], v[..., 0, :], v[..., 1, :]
            mean = host.math.einsum("...i,...j,...k,ijk->...", *codes, means)
            x = host.dist.Normal(mean[..., None], 1.0)
            host.sample("x", x, obs=host.array(np.ones((4, 1))))

    def guide():
        p = params(host, start)
        with host.plate("copies", 4, dim=-2):
            with host.plate("inner", 2, dim=-1):
                host.sample("b", one_hot(p["b_logits"]))
            host.sample("a", one_hot(p["a_logits"]))

    def loss(p):
        a, b = host.log_softmax(p["a_logits"]), host.log_softmax(p["b_logits"])
        log_q = a[:, None, None] + b[0][:, None] + b[1]
        return -expectation(host, log_q, log_normal(1.0, means) - np.log(18))

    expected = host.exact(loss, start)
    everything = host.igr.TraceUnorderedSet_ELBO(18)
    agree(host.estimates(everything, model, guide, start), expected, 4)
    some = host.igr.TraceUnorderedSet_ELBO(6)
    agree_in_mean(host.estimates(some, model, guide, start, 300), expected, 4)


def test_a_term_outside_of_the_plates_joins_their_elements(host):
    numbers = host.array(np.arange(3.0))

    def model():
        with host.plate("pair", 2):
            z = host.sample("z", host.one_hot(logits=host.array(np.zeros(3))))
        total = (z @ numbers).prod(-1)[..., None]
        host.sample("x", host.dist.Normal(total, 1.0), obs=host.array([2.0]))

    def guide():
        with host.plate("pair", 2):
            p = params(host, {"logits": LOGITS})
            host.sample("z", host.one_hot(logits=p["logits"]))

    def loss(p):
        first, second = host.log_softmax(p["logits"])
        log_x = log_normal(2.0, numbers[:, None] * numbers)
        return -expectation(host, first[:, None] + second, log_x - np.log(9))

    start, engine = {"logits": LOGITS}, host.igr.TraceUnorderedSet_ELBO(9)
    found = host.estimates(engine, model, guide, start, 2)
    agree(found, host.exact(loss, start))


def test_scales_masks_and_subsamples_count_as_in_the_host(host):
    logits, mask = np.linspace(-1, 1, 18).reshape(6, 3), np.array([True, False, True])

    def model():
        with host.plate("data", 6, subsample_size=3), host.scale(0.5):
            with host.mask(mask):
                z = host.sample("z", host.one_hot(logits=host.array(np.zeros(3))))
            host.factor("cost", z @ host.array(COSTS))

    def guide():
        p = params(host, {"logits": logits})
        data = host.plate("data", 6, subsample_size=3)
        with data as i, host.scale(0.5), host.mask(mask):
            host.sample("z", host.one_hot(logits=p["logits"][i]))

    log_q = log_softmax(logits, -1)
    q = np.exp(log_q)

    def slope(f):
        return -q * (f - (q * f).sum(-1, keepdims=True))

    kept, masked = slope(COSTS - np.log(3) - log_q), slope(COSTS)
    engine = host.igr.TraceUnorderedSet_ELBO(3)
    found = host.estimates(engine, model, guide, {"logits": logits}, 5)["logits"]
    for row in found:
        chosen = abs(row).max(-1) > 0
        assert chosen.sum() == 3
        is_kept = (abs(row - kept) < 1e-9).all(-1)
        assert (is_kept | (abs(row - masked) < 1e-9).all(-1))[chosen].all()
        assert is_kept[chosen].sum() == 2


# E log N(x; y, 1) - KL for Gaussian y given z, closed form: a mixture as a guide.
def test_reparameterized_sites_before_and_after_keep_their_gradients(host):
    start = {"mean": 0.3, "logits": LOGITS[0], "means": np.linspace(-1, 1, 3)}
    normal, numbers, copies = host.dist.Normal, host.array(np.arange(3.0)), 400

    def model():
        with host.plate("copies", copies):
            w = host.sample("w", host.normal(host.array(0.0)))
            z = host.sample("z", host.one_hot(logits=host.array(np.zeros(3))))
            y = host.sample("y", normal(z @ numbers, 1.0))
            host.sample("x", normal(w + y, 1.0), obs=host.array(np.full(copies, 2.0)))

    def guide():
        p = params(host, start)
        with host.plate("copies", copies):
            w = host.sample("w", normal(p["mean"], 0.5))
            z = host.sample("z", host.one_hot(logits=p["logits"]))
            host.sample("y", normal(z @ p["means"] - 0.5 * w, 1.0))

    def loss(p):
        log_q, y = host.log_softmax(p["logits"]), p["means"] - 0.5 * p["mean"]
        squares = (2 - p["mean"] - y) ** 2 + (y - numbers) ** 2
        of_z = -squares / 2 - np.log(3) - log_q
        return -(host.exp(log_q) * of_z).sum() + p["mean"] ** 2 / 2

    engine = host.igr.TraceUnorderedSet_ELBO(2)
    found = host.estimates(engine, model, guide, start, 100)
    agree_in_mean(found, host.exact(loss, start), copies)


def test_with_replacement_sites_may_depend_on_one_another(host):
    table = np.array([[0.5, -0.5], [-1.0, 0.2], [0.0, 1.0]])
    start = {"logits": np.array([0.5, 0.0, -0.5]), "rows": table[::-1].copy()}
    copies, one_hot = 2000, partial(host.one_hot, None)

    def model():
        with host.plate("copies", copies):
            a = host.sample("a", one_hot(host.array(np.zeros(3))))
            b = host.sample("b", one_hot(a @ host.array(table)))
            host.factor("cost", 2 * a[..., 0] * b[..., 1])

    def guide():
        p = params(host, start)
        with host.plate("copies", copies):
            a = host.sample("a", one_hot(p["logits"]))
            host.sample("b", one_hot(a @ p["rows"]))

    def loss(p):
        log_q = host.log_softmax(p["logits"])[:, None] + host.log_softmax(p["rows"])
        log_joint = np.array([[0, 2], [0, 0], [0, 0]]) - np.log(3)
        log_joint = host.array(log_joint + log_softmax(table, -1))
        return -expectation(host, log_q, log_joint)

    engine = host.igr.TraceUnorderedSet_ELBO(3, replacement=True)
    found = host.estimates(engine, model, guide, start, 50)
    agree_in_mean(found, host.exact(loss, start), copies)
    with pytest.raises(ValueError, match="site 'b' not to depend .* replacement=True"):
        host.attempt(host.igr.TraceUnorderedSet_ELBO(3), model, guide, start)


def test_impossible_categories_leave_everything_finite_and_exact(backend, host):
    start = {"logits": np.array([0.5, 0.0])}

    def guide():
        impossible = host.array([-np.inf])
        logits = params(host, start)["logits"]
        logits = host.math.concatenate([logits, impossible])
        host.sample("z", host.one_hot(logits=logits))

    def loss(p):
        log_joint = host.array(COSTS[:2] - np.log(3))
        return -expectation(host, host.log_softmax(p["logits"]), log_joint)

    with backend.validation(False):
        engine, model = host.igr.TraceUnorderedSet_ELBO(3), costs(host)[0]
        found = host.estimates(engine, model, guide, start)
    agree(found, host.exact(loss, start))


def exp_igr(host, family):
    return family(0.5, host.array(np.zeros(2)), 1.0)


def own_exp_igr(host):
    class OwnExpIGR(host.igr.ExpIGR):
        """A distribution of log z by another name."""

    return exp_igr(host, OwnExpIGR)


def soft(host):
    return host.igr.IGR(0.5, host.array(np.zeros(2)), host.array(np.ones(2)))


def gaussian(host):
    return host.normal(host.array(0.0))


ERRORS = {
    "no_discrete_site": (gaussian, gaussian, "a guide with a relaxed or one-hot site"),
    "logarithm": (
        soft,
        lambda host: exp_igr(host, host.igr.ExpIGR),
        "value of ExpIGR is log z: write the site with IGR or Relaxed",
    ),
    "subclass": (soft, own_exp_igr, "value of OwnExpIGR is log z"),
    "model": (
        lambda host: host.dist.Dirichlet(host.array(np.ones(3))),
        soft,
        "model, as in the guide; got Dirichlet: .* a distribution of the host, as Auto",
    ),
}


@pytest.mark.parametrize(("prior", "law", "match"), ERRORS.values(), ids=ERRORS)
def test_sites_that_do_not_fit_are_one_clear_error(host, prior, law, match):
    programs = [partial(host.sample, "z", make(host)) for make in (prior, law)]
    with pytest.raises(ValueError, match=match):
        host.attempt(host.igr.TraceUnorderedSet_ELBO(2), *programs)


def test_a_site_without_any_gradient_is_refused(host):
    def program():
        host.sample("z", host.one_hot(logits=host.array(np.zeros(3))))
        host.sample("n", host.dist.Poisson(host.array(3.0)))

    match = "reparameterized distribution at site 'n'.* Poisson"
    with pytest.raises(ValueError, match=match):
        host.attempt(host.igr.TraceUnorderedSet_ELBO(2), program, program)


def test_a_set_has_at_least_one_sample(backend):
    with pytest.raises(ValueError, match="num_samples to be positive, got 0"):
        backend.igr.TraceUnorderedSet_ELBO(0)


def test_it_trains_a_relaxed_guide_and_averages_particles(host):
    engine = host.igr.TraceUnorderedSet_ELBO(3, num_particles=2)
    losses, _, _ = host.fit(engine, *pair(host, "sticks", 10), 100, 0.05)
    assert losses[-10:].mean() / 10 < losses[0] / 10 - 1
