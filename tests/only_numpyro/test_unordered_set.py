"""TraceUnorderedSet_ELBO in NumPyro: the enumerated gradient in mean, or exactly."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
import pytest
from jax import lax, random
from jax.nn import log_softmax
from numpyro import handlers, infer
from x64 import enable_x64

from numpyro_igr import (
    IGR,
    ExpIGR,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    TraceUnorderedSet_ELBO,
)

KEY, TAU, COPIES = random.key(0), 0.5, 10
HASTY = {"xla_backend_optimization_level": 0}
CODES = np.eye(3)[np.array(list(product(range(3), repeat=2)))]
LOGITS = np.array([[0.5, -1.0, 0.3], [0.0, 0.8, -0.4]])


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True), numpyro.validation_enabled(True):
        yield


def gaussian(law):
    return lambda x: law(TAU, x[..., 1:], jnp.exp(x[..., :2]))


def one_hot(logits):
    return OneHotCategorical(logits=logits)


LAWS = {
    "igr": gaussian(IGR),
    "gumbel": lambda x: RelaxedOneHotCategorical(TAU, logits=x),
}
PARAMETERS = {
    "guide": LOGITS,
    "prior": -LOGITS[::-1],
    "decoder": np.linspace(-1, 1, 6),
}


def parameters():
    return {name: numpyro.param(name, value) for name, value in PARAMETERS.items()}


def pair(law):
    """A model and a guide of copies of 2 variables of 3 categories."""

    def model():
        p = parameters()
        with numpyro.plate("copies", COPIES):
            z = numpyro.sample("z", LAWS[law](p["prior"]).to_event(1))
            x = dist.Normal(z.reshape(*z.shape[:-2], 6) @ p["decoder"], 1.0)
            numpyro.sample("x", x, obs=2.0 * jnp.ones(COPIES))

    def guide():
        with numpyro.plate("copies", COPIES):
            numpyro.sample("z", LAWS[law](parameters()["guide"]).to_event(1))

    return model, guide


def expectation(log_q, log_joint):
    return (jnp.exp(log_q) * (log_joint - log_q)).sum()


def enumerated(law):
    """The loss of one copy, and its gradient."""

    def log_probs(x):
        return one_hot(LAWS[law](x).logits).to_event(1).log_prob(CODES)

    def loss(p):
        log_x = dist.Normal(CODES.reshape(9, 6) @ p["decoder"], 1.0).log_prob(2.0)
        return -expectation(log_probs(p["guide"]), log_x + log_probs(p["prior"]))

    return jax.jit(jax.value_and_grad(loss), compiler_options=HASTY)(PARAMETERS)


def gradients(engine, model, guide, start, count=1):
    """Losses and flat gradients of as many estimates, one a row."""

    def estimate(key):
        loss = lambda p: engine.loss(key, p, model, guide)  # noqa: E731
        loss, found = jax.value_and_grad(loss)(start)
        return loss, flatten(found)

    start = jax.tree.map(jnp.asarray, start)
    keys = random.split(KEY, count)
    if count < 500:  # the time is that of the compiler
        return jax.jit(jax.vmap(estimate), compiler_options=HASTY)(keys)
    return jax.jit(lambda: lax.map(estimate, keys, batch_size=500))()


def trace_only(engine, start, model, guide):
    jax.eval_shape(lambda: engine.loss(KEY, start, model, guide))


def flatten(tree):
    return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def agrees_in_mean(found, expected, copies):
    """Within 4 standard errors, which are small."""
    error = found.std(0) / copies / len(found) ** 0.5
    assert abs(expected).max() > 10 * error.max()
    return (abs(found.mean(0) / copies - expected) < 4 * error).all()


@pytest.mark.parametrize("replacement", [False, True])
def test_the_mean_gradient_is_that_of_enumeration(replacement):
    engine = TraceUnorderedSet_ELBO(3, replacement=replacement)
    losses, found = gradients(engine, *pair("gumbel"), PARAMETERS, 10_000)
    expected_loss, expected = enumerated("gumbel")
    assert agrees_in_mean(found, flatten(expected), COPIES)
    error = losses.std() / len(losses) ** 0.5
    assert abs(losses.mean() - COPIES * expected_loss) < 4 * error


@pytest.mark.parametrize("law", LAWS)
def test_a_set_of_everything_gives_the_enumerated_gradient(law):
    engine = TraceUnorderedSet_ELBO(20)
    losses, found = gradients(engine, *pair(law), PARAMETERS)
    expected_loss, expected = enumerated(law)
    np.testing.assert_allclose(found[0], COPIES * flatten(expected), rtol=1e-6)
    assert losses[0] == pytest.approx(COPIES * float(expected_loss))


def test_one_sample_is_the_plain_score_function():
    logits, costs = np.array([0.5, -1.0, 0.3]), np.array([1.0, -2.0, 4.0])

    def model():
        z = numpyro.sample("z", one_hot(jnp.zeros(3)))
        numpyro.factor("cost", z @ costs)

    def guide():
        numpyro.sample("z", one_hot(numpyro.param("logits", logits)))

    log_q = log_softmax(logits)
    f = costs - np.log(3) - log_q
    possible = -f[:, None] * (np.eye(3) - np.exp(log_q))
    engine = TraceUnorderedSet_ELBO(1)
    _, found = gradients(engine, model, guide, {"logits": logits}, 20)
    distances = abs(found[:, None] - possible).max(-1)
    assert (distances.min(-1) < 1e-9).all()
    assert len(set(distances.argmin(-1).tolist())) > 1


def test_sites_of_unequal_sizes_and_inner_plates_make_one_configuration():
    start = {
        "a_logits": np.array([0.3, -0.2]),
        "b_logits": np.array([[0.1, 0.7, -0.5], [0.0, 1.0, 0.4]]),
    }
    means = np.arange(18.0).reshape(2, 3, 3) / 6

    def model():
        with numpyro.plate("copies", 4, dim=-2):
            u = numpyro.sample("a", one_hot(jnp.zeros(2)))
            with numpyro.plate("inner", 2, dim=-1):
                v = numpyro.sample("b", one_hot(jnp.zeros(3)))
            u, v, w = u[..., 0, :], v[..., 0, :], v[..., 1, :]
            mean = jnp.einsum("...i,...j,...k,ijk->...", u, v, w, means)
            x = dist.Normal(mean[..., None], 1.0)
            numpyro.sample("x", x, obs=jnp.ones((4, 1)))

    def guide():
        p = {name: numpyro.param(name, value) for name, value in start.items()}
        with numpyro.plate("copies", 4, dim=-2):
            with numpyro.plate("inner", 2, dim=-1):
                numpyro.sample("b", one_hot(p["b_logits"]))
            numpyro.sample("a", one_hot(p["a_logits"]))

    def enumerate_(p):
        a, b = log_softmax(p["a_logits"]), log_softmax(p["b_logits"])
        log_q = a[:, None, None] + b[0][:, None] + b[1]
        log_x = dist.Normal(means, 1.0).log_prob(1.0)
        return -expectation(log_q, log_x - np.log(18))

    losses, found = gradients(TraceUnorderedSet_ELBO(18), model, guide, start)
    expected_loss, expected = jax.jit(jax.value_and_grad(enumerate_))(start)
    np.testing.assert_allclose(found[0] / 4, flatten(expected), rtol=1e-6)
    assert losses[0] / 4 == pytest.approx(float(expected_loss))


def test_a_term_outside_of_the_plates_joins_their_elements():
    def model():
        with numpyro.plate("pair", 2):
            z = numpyro.sample("z", one_hot(jnp.zeros(3)))
        total = (z @ jnp.arange(3.0)).prod(-1)
        numpyro.sample("x", dist.Normal(total, 1.0), obs=2.0)

    def guide():
        with numpyro.plate("pair", 2):
            numpyro.sample("z", one_hot(numpyro.param("logits", LOGITS)))

    def enumerate_(p):
        first, second = log_softmax(p["logits"])
        total = np.arange(3.0)[:, None] * np.arange(3.0)
        log_x = dist.Normal(total, 1.0).log_prob(2.0)
        return -expectation(first[:, None] + second, log_x - np.log(9))

    start = {"logits": LOGITS}
    losses, found = gradients(TraceUnorderedSet_ELBO(9), model, guide, start)
    expected_loss, expected = jax.jit(jax.value_and_grad(enumerate_))(start)
    np.testing.assert_allclose(found[0], flatten(expected), rtol=1e-6)
    assert losses[0] == pytest.approx(float(expected_loss))


def test_scales_masks_and_subsamples_count_as_in_the_host():
    logits, mask = np.linspace(-1, 1, 18).reshape(6, 3), np.array([True, False, True])
    costs = np.array([1.0, -2.0, 4.0])

    def model():
        with numpyro.plate("data", 6, subsample_size=3), handlers.scale(scale=0.5):
            with handlers.mask(mask=mask):
                z = numpyro.sample("z", one_hot(jnp.zeros(3)))
            numpyro.factor("cost", z @ costs)

    def guide():
        logits_ = numpyro.param("logits", logits)
        data = numpyro.plate("data", 6, subsample_size=3)
        with data as i, handlers.scale(scale=0.5), handlers.mask(mask=mask):
            numpyro.sample("z", one_hot(logits_[i]))

    def enumerate_(p):
        log_q = log_softmax(p["logits"])
        f = costs - np.log(3) - log_q, jnp.broadcast_to(costs, log_q.shape)
        return [-0.5 * 2 * (jnp.exp(log_q) * term).sum(-1) for term in f]

    start = {"logits": logits}
    losses, found = gradients(TraceUnorderedSet_ELBO(3), model, guide, start, 5)
    expected = jax.jacobian(enumerate_)(start)
    kept, masked = (jnp.einsum("iik->ik", jacobian["logits"]) for jacobian in expected)
    for row in found.reshape(5, 6, 3):
        chosen = abs(row).max(-1) > 0
        assert chosen.sum() == 3
        is_kept = (abs(row - kept) < 1e-9).all(-1)
        assert (is_kept | (abs(row - masked) < 1e-9).all(-1))[chosen].all()
        assert is_kept[chosen].sum() == 2


# E log N(x; y, 1) - KL for Gaussian y given z, closed form: a mixture as a guide.
def test_reparameterized_sites_before_and_after_keep_their_gradients():
    start = {"mean": 0.3, "logits": LOGITS[0], "means": np.linspace(-1, 1, 3)}

    def model():
        with numpyro.plate("copies", COPIES):
            w = numpyro.sample("w", dist.Normal(0.0, 1.0))
            z = numpyro.sample("z", one_hot(jnp.zeros(3)))
            y = numpyro.sample("y", dist.Normal(z @ jnp.arange(3.0), 1.0))
            numpyro.sample("x", dist.Normal(w + y, 1.0), obs=2.0 * jnp.ones(COPIES))

    def guide():
        p = {name: numpyro.param(name, value) for name, value in start.items()}
        with numpyro.plate("copies", COPIES):
            w = numpyro.sample("w", dist.Normal(p["mean"], 0.5))
            z = numpyro.sample("z", one_hot(p["logits"]))
            numpyro.sample("y", dist.Normal(z @ p["means"] - 0.5 * w, 1.0))

    def enumerate_(p):
        log_q, y = log_softmax(p["logits"]), p["means"] - 0.5 * p["mean"]
        squares = (2 - p["mean"] - y) ** 2 + (y - jnp.arange(3.0)) ** 2
        of_z = -squares / 2 - np.log(3) - log_q
        return -(jnp.exp(log_q) * of_z).sum() + p["mean"] ** 2 / 2

    _, found = gradients(TraceUnorderedSet_ELBO(2), model, guide, start, 4000)
    assert agrees_in_mean(found, flatten(jax.jit(jax.grad(enumerate_))(start)), COPIES)


def test_with_replacement_sites_may_depend_on_one_another():
    table = np.array([[0.5, -0.5], [-1.0, 0.2], [0.0, 1.0]])
    start = {"logits": np.array([0.5, 0.0, -0.5]), "rows": table[::-1]}

    def model():
        with numpyro.plate("copies", COPIES):
            a = numpyro.sample("a", one_hot(jnp.zeros(3)))
            b = numpyro.sample("b", one_hot(a @ table))
            numpyro.factor("cost", 2 * a[..., 0] * b[..., 1])

    def guide():
        p = {name: numpyro.param(name, value) for name, value in start.items()}
        with numpyro.plate("copies", COPIES):
            a = numpyro.sample("a", one_hot(p["logits"]))
            numpyro.sample("b", one_hot(a @ p["rows"]))

    def enumerate_(p):
        log_q = log_softmax(p["logits"])[:, None] + log_softmax(p["rows"])
        cost = np.zeros((3, 2))
        cost[0, 1] = 2
        return -expectation(log_q, cost - np.log(3) + log_softmax(table))

    engine = TraceUnorderedSet_ELBO(3, replacement=True)
    _, found = gradients(engine, model, guide, start, 4000)
    assert agrees_in_mean(found, flatten(jax.jit(jax.grad(enumerate_))(start)), COPIES)
    with pytest.raises(ValueError, match="site 'b' not to depend .* replacement=True"):
        trace_only(TraceUnorderedSet_ELBO(3), start, model, guide)


def test_impossible_categories_leave_everything_finite_and_exact():
    costs = np.array([1.0, -2.0, 4.0])

    def model():
        z = numpyro.sample("z", one_hot(jnp.zeros(3)))
        numpyro.factor("cost", z @ costs)

    def guide():
        logits = numpyro.param("logits", np.zeros(2))
        probs = jnp.append(jax.nn.softmax(logits), 0.0)
        numpyro.sample("z", OneHotCategorical(probs=probs))

    def enumerate_(p):
        return -expectation(log_softmax(p["logits"]), costs[:2] - np.log(3))

    start = {"logits": np.array([0.5, 0.0])}
    losses, found = gradients(TraceUnorderedSet_ELBO(3), model, guide, start)
    expected_loss, expected = jax.jit(jax.value_and_grad(enumerate_))(start)
    np.testing.assert_allclose(found[0], flatten(expected), rtol=1e-6)
    assert losses[0] == pytest.approx(float(expected_loss))


def site(law):
    return lambda: numpyro.sample("z", law)


NORMAL = dist.Normal(0.0, 1.0)
SOFT = IGR(0.5, np.zeros(2), np.ones(2))
ERRORS = {
    "no_discrete_site": (NORMAL, NORMAL, "site that has a discrete distribution"),
    "logarithm": (SOFT, ExpIGR(0.5, np.zeros(2), 1.0), "value of ExpIGR is log z"),
    "model": (dist.Dirichlet(np.ones(3)), SOFT, "model, as in the guide; got Dir"),
}


@pytest.mark.parametrize(("prior", "law", "match"), ERRORS.values(), ids=ERRORS)
def test_sites_that_do_not_fit_are_one_clear_error(prior, law, match):
    with pytest.raises(ValueError, match=match):
        trace_only(TraceUnorderedSet_ELBO(2), {}, site(prior), site(law))


def test_a_site_without_any_gradient_is_refused():
    def program():
        numpyro.sample("z", one_hot(jnp.zeros(3)))
        numpyro.sample("n", dist.Poisson(3.0))

    with pytest.raises(
        ValueError, match="reparameterized distribution at site 'n'.* Poisson"
    ):
        trace_only(TraceUnorderedSet_ELBO(2), {}, program, program)


def test_a_set_has_at_least_one_sample():
    with pytest.raises(ValueError, match="a count num_samples, got 0"):
        TraceUnorderedSet_ELBO(0)


def test_it_trains_a_guide_and_averages_particles():
    engine = TraceUnorderedSet_ELBO(3, num_particles=2)
    svi = infer.SVI(*pair("gumbel"), optax.adam(0.05), engine)
    losses = svi.run(KEY, 100, progress_bar=False).losses / COPIES
    assert losses[-10:].mean() < losses[0] - 1
