"""TraceRELAX_ELBO in NumPyro: unbiased, and quieter with training."""

from functools import cache, partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
import pytest
from jax import random
from numpyro import handlers
from numpyro.infer import SVI
from numpyro.infer.util import log_density
from x64 import enable_x64

from numpyro_igr import (
    IGR,
    ControlNetwork,
    ExpIGR,
    IGRFlow,
    IGRStickBreaking,
    OneHotCategorical,
    PlanarTransform,
    RelaxedOneHotCategorical,
    TraceRELAX_ELBO,
    discretize,
)
from numpyro_igr.distributions import ExpRelaxedOneHotCategorical

KEY = random.key(0)
K, PIXELS = 3, 4
rng = np.random.default_rng(0)
A, B, C = (0.5 * rng.normal(size=s) for s in ((2, K - 1), (2, 2, K - 1), (2, K)))
WEIGHTS = rng.normal(size=(3 * K, PIXELS))
IMAGES = (rng.normal(size=(2, PIXELS)) > 0).astype(float)
LOGITS = np.linspace(-0.5, 0.5, K)
START = {"weights": WEIGHTS, "prior": LOGITS, "a_": A, "b_": B, "c_": C, "u_": 0.3}
SIZES = {"a": 1 + K, "b": 1 + 3 * K}
LEARNED = {
    "relax_scale": 1.0,
    "relax_temperature": 0.8,
    **{f"relax_hidden_{name}": rng.normal(size=(d, 4)) for name, d in SIZES.items()},
    **{f"relax_output_{name}": rng.normal(size=5) for name in SIZES},
}


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True):
        yield


def gumbel(logits):
    return RelaxedOneHotCategorical(0.5, logits=logits)


def categorical(logits):
    return OneHotCategorical(logits=logits)


def model(law=gumbel):
    """One site of each kind of noise, two of them in a plate, and a Gaussian one."""
    weights = numpyro.param("weights", WEIGHTS)
    prior = numpyro.param("prior", LOGITS)
    a = numpyro.sample("a", categorical(LOGITS))
    u = numpyro.sample("u", dist.Normal(0.0, 1.0))
    with numpyro.plate("data", 2), handlers.scale(scale=0.7):
        b = numpyro.sample("b", categorical(prior))
        c = numpyro.sample("c", law(LOGITS))
        logits = u + a @ weights[:K] + b @ weights[K:-K] + c @ weights[-K:]
        numpyro.sample("x", dist.Bernoulli(logits=logits).to_event(1), obs=IMAGES)


def guide(law=gumbel):
    a, b, c, u = (numpyro.param(name, START[name]) for name in ("a_", "b_", "c_", "u_"))
    u = numpyro.sample("u", dist.Normal(u, 0.5))
    numpyro.sample("a", IGR(0.5, a[0] + u, jnp.exp(a[1])))
    with numpyro.plate("data", 2), handlers.scale(scale=0.7):
        numpyro.sample("b", IGRStickBreaking(0.5, b[0], jnp.exp(b[1])))
        numpyro.sample("c", law(c))


def enumerated_bound(params):
    """The negative ELBO, by enumeration of 3^5 codes and quadrature of the Gaussian."""
    codes = jnp.eye(K)[np.array(list(product(range(K), repeat=5)))]
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)

    def term(code, node):
        u = params["u_"] + 0.5 * node
        values = {"a": code[0], "b": code[1:3], "c": code[3:], "u": u}

        def log_joint(program):
            program = handlers.substitute(discretize(program), data=values)
            return log_density(program, (categorical,), {}, params)[0]

        program = handlers.substitute(discretize(guide), data=values | params)
        sites = handlers.trace(program).get_trace(categorical)
        log_q = sum(
            sites[name]["fn"].log_prob(sites[name]["value"]).sum() for name in "abc"
        )
        return jnp.exp(log_q) * (log_joint(guide) - log_joint(model))

    terms = jax.vmap(jax.vmap(term, (None, 0)), (0, None))(codes, jnp.array(nodes))
    return (terms @ (weights / weights.sum())).sum()


@cache
def gradients():
    """Losses and gradients by name at parameters, for keys: compiled once."""
    engine = TraceRELAX_ELBO(name="relax", control_variate=ControlNetwork(4))
    step = jax.value_and_grad(lambda p, key: engine.loss(key, p, model, guide))
    return jax.jit(jax.vmap(step, (None, 0)))


PARAMETERS = {
    "rebar": START | LEARNED | {f"relax_output_{name}": np.zeros(5) for name in SIZES},
    "relax": START | LEARNED,
}


@pytest.mark.parametrize("params", PARAMETERS.values(), ids=PARAMETERS)
def test_its_mean_is_the_gradient_of_the_enumerated_bound(params):
    params = jax.tree.map(jnp.asarray, params)
    bound, exact = jax.jit(jax.value_and_grad(enumerated_bound))(params)
    losses, draws = gradients()(params, random.split(KEY, 4000))
    draws["loss"], exact["loss"] = losses, bound
    for name in [*START, "loss"]:
        found = draws[name]
        error = found.std(0) / len(found) ** 0.5
        assert (abs(found.mean(0) - exact[name]) < 4 * error).all(), name


GUIDE_PARAMETERS = "a_", "b_", "c_", "u_"


def test_what_is_learned_descends_the_squared_norm_of_the_gradient():
    keys = random.split(KEY, 4000)[:3]

    def gradient(params):
        return gradients()(params, keys)[1]

    def squared_norms(params):
        found = gradient(params)
        return sum((found[n] ** 2).reshape(3, -1).sum(-1) for n in GUIDE_PARAMETERS)

    params = jax.tree.map(jnp.asarray, START | LEARNED)
    slopes = gradient(params)
    for name in LEARNED:
        ends = []
        for step in (1e-6, -1e-6):
            moved = params[name].ravel().at[0].add(step).reshape(params[name].shape)
            ends.append(squared_norms(params | {name: moved}))
        expected = (ends[0] - ends[1]) / 2e-6
        found = slopes[name].reshape(3, -1)[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def coded(law, is_log=False):
    """A model and guide of one code."""

    def model():
        z = numpyro.sample("z", law(LOGITS))
        z = jnp.exp(z) if is_log else z
        x = dist.Normal(z @ WEIGHTS[:K], 0.5).to_event(1)
        numpyro.sample("x", x, obs=IMAGES[0])

    def guide():
        numpyro.sample("z", law(numpyro.param("c_", C[0])))

    return model, guide


def test_a_function_counts_in_its_plates_as_a_network_does():
    def model():
        with numpyro.plate("data", 2), handlers.scale(scale=0.7):
            z = numpyro.sample("z", gumbel(LOGITS))
            x = dist.Normal(z @ WEIGHTS[:K], 1.0).to_event(1)
            numpyro.sample("x", x, obs=IMAGES)

    def guide():
        with numpyro.plate("data", 2), handlers.scale(scale=0.7):
            numpyro.sample("z", gumbel(numpyro.param("c_", C)))

    def written_out(z):
        a, w = LEARNED["relax_hidden_a"], LEARNED["relax_output_a"]
        return 0.7 * (jnp.tanh(z["z"] @ a[:-1] + a[-1]) @ w[:-1] + w[-1])

    params = {"c_": C} | {name.replace("_a", "_z"): x for name, x in LEARNED.items()}
    params = jax.tree.map(jnp.asarray, params)
    found = []
    for function in ControlNetwork(4), written_out:
        loss = partial(
            TraceRELAX_ELBO(name="relax", control_variate=function).loss, KEY
        )
        gradient = jax.jit(jax.grad(lambda p, loss=loss: loss(p, model, guide)))
        found.append(gradient(params)["c_"])
    np.testing.assert_allclose(*found, rtol=1e-10)


def linear(z):
    """A control variate of the user's."""
    return z["z"] @ numpyro.param("w", C[1])


TRAINED = {
    "function": (linear, 5.0, 0.1, {"w"}),
    "network": (ControlNetwork(), 0.5, 0.03, {"relax_hidden_z", "relax_output_z"}),
}


@pytest.mark.parametrize(
    ("function", "temperature", "lr", "names"), TRAINED.values(), ids=TRAINED
)
def test_training_it_lowers_the_variance_and_the_loss(function, temperature, lr, names):
    model, guide = coded(gumbel)
    options = {"control_variate": function, "temperature": temperature}
    engine = TraceRELAX_ELBO(20, name="relax", **options)
    svi = SVI(model, engine.with_parameters(guide), optax.adam(lr), engine)
    learned = {"relax_scale", "relax_temperature"} | names

    @jax.jit
    def variance(params):
        loss = jax.grad(lambda p, key: engine.loss(key, p, model, guide))
        draws = jax.vmap(loss, (None, 0))(params, random.split(KEY, 1000))["c_"]
        return draws.var(0).sum()

    state = svi.init(KEY)
    before = svi.get_params(state)
    result = svi.run(KEY, 100, progress_bar=False, init_state=state)
    assert set(before) == {"c_", *learned}
    for name in before:
        assert (before[name] != result.params[name]).all(), name
    after = {name: result.params[name] for name in learned}
    assert variance(before | after) < 0.7 * variance(before)
    assert result.losses[-30:].mean() < result.losses[:30].mean()


# The host's uniform noise can be 0; in single precision about once in 2^23 draws.
def test_the_least_noise_of_the_host_has_a_finite_gradient(monkeypatch):
    least, logistic = float(np.log(np.finfo(np.float32).tiny)), random.logistic

    def with_least(key, shape, dtype):
        return logistic(key, shape, dtype).at[..., 0].set(least)

    monkeypatch.setattr(random, "logistic", with_least)

    def model():
        z = numpyro.sample("z", gumbel(jnp.zeros(K)))
        numpyro.sample("x", dist.Normal(z[0], 1.0), obs=0.0)

    def guide():
        numpyro.sample("z", gumbel(numpyro.param("logits", jnp.zeros(K))))

    with enable_x64(False):
        engine = TraceRELAX_ELBO(name="relax")
        params = {"logits": jnp.zeros(K), "relax_scale": 1.0, "relax_temperature": 0.5}
        loss = partial(engine.loss, KEY, model=model, guide=guide)
        found = jax.jit(jax.grad(loss))(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


def impossible(x):
    logits = x + jnp.array([0.0, 0.0, -jnp.inf])
    return RelaxedOneHotCategorical(0.5, logits=logits, validate_args=False)


EXTREMES = {
    "impossible": (impossible, 0.0, False),
    "improbable": (lambda x: ExpIGR(0.5, x[1:], 0.1), -42.6, True),
}


@pytest.mark.parametrize(("law", "start", "is_log"), EXTREMES.values(), ids=EXTREMES)
def test_what_is_learned_at_an_extreme_category_has_a_finite_gradient(
    law, start, is_log
):
    def model():
        z = numpyro.sample("z", law(jnp.full(K, start)))
        mean = 100 * (jnp.exp(z) if is_log else z)[0]
        numpyro.sample("x", dist.Normal(mean, 1.0), obs=1.0)

    def guide():
        numpyro.sample("z", law(numpyro.param("c_", jnp.full(K, start))))

    with enable_x64(False):
        engine = TraceRELAX_ELBO(name="relax")
        svi = SVI(model, engine.with_parameters(guide), optax.sgd(1.0), engine)
        state, loss = jax.jit(svi.update)(svi.init(KEY))
    assert np.isfinite(loss)
    learned = {n: x for n, x in svi.get_params(state).items() if n != "c_"}
    assert all(np.isfinite(x).all() for x in learned.values())


def test_an_untrained_control_variate_is_warned_of_once():
    engine, pair = TraceRELAX_ELBO(name="relax"), coded(gumbel)
    with pytest.warns(UserWarning, match="control variate is not trained"):
        engine.loss(KEY, {}, *pair)
    engine.loss(KEY, {}, *pair)


def test_a_distribution_of_log_z_is_as_that_of_z():
    def exp_gumbel(logits):
        return ExpRelaxedOneHotCategorical(0.5, logits=logits)

    params = {"c_": jnp.asarray(C[0])} | LEARNED
    pairs = coded(gumbel), coded(exp_gumbel, is_log=True)
    engines = [partial(TraceRELAX_ELBO(name="relax").loss, KEY) for _ in pairs]
    found = [
        jax.jit(jax.grad(lambda p, loss=loss, pair=pair: loss(p, *pair)))(params)["c_"]
        for loss, pair in zip(engines, pairs, strict=True)
    ]
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"temperature": -1.0}, "temperature to be positive, got -1.0"),
        ({"control_variate": 3}, "a function, a ControlNetwork or None, got 3"),
    ],
)
def test_an_argument_out_of_range_is_one_clear_error(options, match):
    with pytest.raises(ValueError, match=match):
        TraceRELAX_ELBO(**options)


@pytest.mark.parametrize("num_hidden", [0, 2.5])
def test_a_number_of_units_out_of_range_is_one_clear_error(num_hidden):
    with pytest.raises(ValueError, match=f"a positive integer, got {num_hidden}"):
        ControlNetwork(num_hidden)


def after(law):
    """A guide whose second site has this distribution given a discrete one."""

    def guide():
        numpyro.sample("c", law(numpyro.sample("z", gumbel(LOGITS))))

    return guide


PLANAR = PlanarTransform(LOGITS[1:], LOGITS[1:], LOGITS[0])
PROGRAMS = {
    "dependent": (
        coded(gumbel)[0],
        after(lambda z: IGRStickBreaking(0.5, z.argmax(-1) + LOGITS, 1.0)),
        "to depend on the discrete site 'z', got 'c'",
    ),
    "score": (
        coded(gumbel)[0],
        after(lambda z: dist.Poisson(1.0)),
        "reparameterized distribution at site 'c' .* got Poisson",
    ),
    "prior": (
        coded(lambda x: dist.Dirichlet(jnp.exp(x)))[0],
        coded(gumbel)[1],
        "behind it at site 'z' .* got Dirichlet",
    ),
    "tempering": (
        coded(gumbel)[0],
        coded(lambda x: IGRStickBreaking(0.5, x[1:], 1.0, tempering="weights"))[1],
        "given its category at site 'z' .* IGRStickBreaking with tempering \"weights\"",
    ),
    "flow": (
        coded(gumbel)[0],
        coded(lambda x: IGRFlow(0.5, x[1:], 1.0, PLANAR))[1],
        "given its category at site 'z' of the guide, got IGRFlow",
    ),
    "none": (
        lambda: None,
        lambda: numpyro.sample("u", dist.Normal(0.0, 1.0)),
        "a discrete distribution behind it in the guide, got none",
    ),
}


@pytest.mark.filterwarnings("ignore:Found .*vars in guide:UserWarning")
@pytest.mark.parametrize(("model", "guide", "match"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_it_cannot_train_is_one_clear_error(model, guide, match):
    with pytest.raises(ValueError, match=match):
        TraceRELAX_ELBO(name="relax").loss(KEY, dict(LEARNED), model, guide)


def test_a_control_variate_of_another_shape_is_one_clear_error():
    engine = TraceRELAX_ELBO(name="relax", control_variate=lambda z: z["z"])
    with pytest.raises(ValueError, match=r"plates around .* got shape \(3,\)"):
        engine.loss(KEY, dict(LEARNED), *coded(gumbel))


def test_engines_in_one_program_do_not_share_parameters():
    engines = [TraceRELAX_ELBO(control_variate=ControlNetwork(n)) for n in (2, 3)]
    _, guide = coded(gumbel)
    for engine in engines:
        guide = engine.with_parameters(guide)
    sites = handlers.trace(handlers.seed(guide, KEY)).get_trace()
    for engine, num_hidden in zip(engines, (2, 3), strict=True):
        assert sites[f"{engine.name}_output_z"]["value"].shape == (num_hidden + 1,)
        assert f"{engine.name}_scale" in sites


def test_an_engine_has_the_name_that_it_is_given():
    engine = TraceRELAX_ELBO(name="mine")
    assert {engine.name, TraceRELAX_ELBO(name="mine").name} == {"mine"}
    assert TraceRELAX_ELBO().name != "mine"
    with pytest.raises(ValueError, match="expected name to be a string .* got ''"):
        TraceRELAX_ELBO(name="")
