"""TraceRELAX_ELBO: unbiased gradients, and control variates that learn to be quiet."""

import pickle
from functools import cache
from importlib import import_module

import numpy as np
import pytest

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
SILENT = {f"relax_output_{name}": np.zeros(5) for name in SIZES}


def gumbel(host, logits):
    return host.gumbel(host.array(0.5), logits)


def parameters(host, *names):
    return (host.param(name, host.array(START[name])) for name in names)


@cache
def programs(host):
    """One site of each kind of noise, two of them in a plate, and a continuous one."""
    normal, logits, images = (
        host.dist.Normal,
        host.array(LOGITS),
        host.array(IMAGES),
    )

    def model():
        weights, prior = parameters(host, "weights", "prior")
        u = host.sample("u", normal(host.array(0.0), 1.0))
        a = host.sample("a", host.one_hot(logits=logits))
        with host.plate("data", 2), host.scale(0.7):
            b = host.sample("b", host.one_hot(logits=prior))
            c = host.sample("c", gumbel(host, logits))
            mean = a @ weights[:K] + b @ weights[K:-K] + c @ weights[-K:]
            x = host.dist.Bernoulli(logits=u[..., None] + mean).to_event(1)
            host.sample("x", x, obs=images)

    def guide():
        a, b, c, u = parameters(host, "a_", "b_", "c_", "u_")
        # Whose samples are simple: XLA repeats them wherever they are used.
        u = host.sample("u", host.dist.Laplace(u, 0.3))
        host.sample("a", host.igr.IGR(0.5, a[0] + u[..., None], host.exp(a[1])))
        with host.plate("data", 2), host.scale(0.7):
            host.sample("b", host.igr.IGRStickBreaking(0.5, b[0], host.exp(b[1])))
            host.sample("c", gumbel(host, c))

    return model, guide


@cache
def enumerated(host):
    """The negative ELBO by sums over categories and quadrature of the other.

    The data are independent given the site outside of their plate and that one.
    """
    math, igr = host.math, host.igr
    nodes, weights = np.polynomial.laguerre.laggauss(12)
    nodes, weights = np.append(-nodes, nodes), np.append(weights, weights) / 2
    log_q_u = host.array(-abs(nodes) - np.log(0.6))
    nodes, weights = host.array(nodes), host.array(weights)

    def log_softmax(x):
        return x - host.log(host.exp(x).sum(-1))[..., None]

    def bound(p):
        u = p["u_"] + 0.3 * nodes
        log_a = igr.IGR(0.5, p["a_"][0] + u[:, None], host.exp(p["a_"][1])).logits
        b = igr.IGRStickBreaking(0.5, p["b_"][0], host.exp(p["b_"][1]))
        log_b, log_c = b.logits, log_softmax(p["c_"])
        wa, wb, wc = (p["weights"][i * K : (i + 1) * K] for i in range(3))
        logits = (  # of u, a, b and c
            u[:, None, None, None, None] + wa[:, None, None] + wb[:, None] + wc
        )
        log_x = math.einsum("uabcp,ip->iuabc", logits, host.array(IMAGES))
        log_x = log_x - math.logaddexp(logits, 0 * logits).sum(-1)
        prior = log_softmax(p["prior"]) - log_b, log_softmax(host.array(LOGITS)) - log_c
        of_code = log_x + (prior[0][:, :, None] + prior[1][:, None])[:, None, None]
        of_data = math.einsum(
            "ib,ic,iuabc->ua", host.exp(log_b), host.exp(log_c), of_code
        )
        of_a = 0.7 * of_data + log_softmax(host.array(LOGITS)) - log_a
        of_u = -(u**2) / 2 - np.log(2 * np.pi) / 2 - log_q_u
        return -(weights * ((host.exp(log_a) * of_a).sum(-1) + of_u)).sum()

    return host.exact(bound, START)


@cache
def engine(host):
    network = host.igr.ControlNetwork(4)
    many = host.particles(1000, nesting=1)
    return host.igr.TraceRELAX_ELBO(**many, name="relax", control_variate=network)


@pytest.mark.parametrize("learned", [LEARNED | SILENT, LEARNED], ids=["rebar", "relax"])
def test_its_mean_is_the_gradient_of_the_enumerated_bound(host, learned):
    draws = host.estimates(engine(host), *programs(host), START | learned, 40)
    for name, exact in enumerated(host).items():
        error = draws[name].std(0) / len(draws[name]) ** 0.5
        assert (abs(draws[name].mean(0) - exact) < 4 * error).all(), name
        assert abs(exact).max() > 50 * error.max()  # so that 10 % would be noticed


GUIDE_PARAMETERS = "a_", "b_", "c_", "u_"


def test_what_is_learned_descends_the_squared_norm_of_the_gradient(host):
    def gradient(at):
        return host.estimates(engine(host), *programs(host), at)

    def squared_norm(at):
        found = gradient(at)
        return sum((found[name] ** 2).sum() for name in GUIDE_PARAMETERS)

    params = START | LEARNED
    slopes = gradient(params)
    for name in LEARNED:
        ends = []
        for step in (1e-6, -1e-6):
            moved = np.array(params[name], float)
            moved.flat[0] += step
            ends.append(squared_norm(params | {name: moved}))
        expected = (ends[0] - ends[1]) / 2e-6
        assert slopes[name].flat[0] == pytest.approx(expected, rel=1e-5)


def coded(host, law, *, prior=None, is_log=False):
    """A model and guide of one code."""

    def model():
        z = host.sample("z", (prior or law)(host, host.array(LOGITS)))
        z = host.exp(z) if is_log else z
        mean = z @ host.array(WEIGHTS[:K])
        x = host.dist.Normal(mean, 0.5).to_event(1)
        host.sample("x", x, obs=host.array(IMAGES[0]))

    def guide():
        host.sample("z", law(host, host.param("c_", host.array(C[0]))))

    return model, guide


def small(host, function):
    return host.igr.TraceRELAX_ELBO(name="relax", control_variate=function)


def slope(host, engine, pair, at):
    """One gradient in the parameter of a guide."""
    return host.estimates(engine, *pair, at)["c_"][0]


def test_a_function_counts_in_its_plates_as_a_network_does(host):
    def model():
        with host.plate("data", 2), host.scale(0.7):
            z = host.sample("z", gumbel(host, host.array(LOGITS)))
            x = host.dist.Normal(z @ host.array(WEIGHTS[:K]), 1.0).to_event(1)
            host.sample("x", x, obs=host.array(IMAGES))

    def guide():
        with host.plate("data", 2), host.scale(0.7):
            host.sample("z", gumbel(host, host.param("c_", host.array(C))))

    def written_out(z):
        a, w = (host.array(LEARNED[f"relax_{x}_a"]) for x in ("hidden", "output"))
        return 0.7 * (host.math.tanh(z["z"] @ a[:-1] + a[-1]) @ w[:-1] + w[-1])

    at = {"c_": C} | {name.replace("_a", "_z"): x for name, x in LEARNED.items()}
    found = [
        slope(host, small(host, function), (model, guide), at)
        for function in (host.igr.ControlNetwork(4), written_out)
    ]
    np.testing.assert_allclose(*found, rtol=1e-10)


def linear(host):
    """A control variate of the user's."""
    return lambda z: z["z"] @ host.param("w", host.array(C[1]))


TRAINED = {
    "function": (linear, 5.0, 0.2, {"w"}),
    "network": (
        lambda host: host.igr.ControlNetwork(),
        0.5,
        0.06,
        {"relax_hidden_z", "relax_output_z"},
    ),
}


@pytest.mark.parametrize(
    ("function", "temperature", "rate", "names"), TRAINED.values(), ids=TRAINED
)
def test_training_it_lowers_the_variance_and_the_loss(
    host, function, temperature, rate, names
):
    options = {"control_variate": function(host), "temperature": temperature}
    engine = host.igr.TraceRELAX_ELBO(**host.particles(20), name="relax", **options)
    pair = coded(host, gumbel)
    losses, before, after = host.fit(engine, *pair, 75, rate)
    learned = {"relax_scale", "relax_temperature"} | names
    assert set(before) == {"c_", *learned}
    for name in before:
        assert (before[name] != after[name]).all(), name
    assert losses[-15:].mean() < losses[:15].mean()

    of_one = host.igr.TraceRELAX_ELBO(name="relax", **options)

    def variance(at):
        return host.estimates(of_one, *pair, at, 100)["c_"].var(0).sum()

    trained = {name: after[name] for name in learned}
    assert variance(before | trained) < 0.7 * variance(before)


def exp_gumbel(host, logits):
    return host.exp_gumbel(host.array(0.5), logits)


CODED = {"c_": C[0], "relax_scale": 1.0, "relax_temperature": 0.8}
CODED |= {f"relax_{x}_z": LEARNED[f"relax_{x}_a"] for x in ("hidden", "output")}


@cache
def with_network(host):
    return coded(host, gumbel), small(host, host.igr.ControlNetwork(4))


def test_a_distribution_of_log_z_is_as_that_of_z(host):
    pair, engine = with_network(host)
    of_logs = coded(host, exp_gumbel, is_log=True)
    found = [slope(host, engine, programs, CODED) for programs in (pair, of_logs)]
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_without_a_function_it_is_a_network_whose_output_is_zero(host):
    pair, engine = with_network(host)
    silent = CODED | {"relax_output_z": np.zeros(5)}
    found = [slope(host, e, pair, silent) for e in (engine, small(host, None))]
    np.testing.assert_allclose(*found, rtol=1e-10)


def impossible(host, x):
    probability_zero = host.array(np.array([0, 0, -np.inf], np.float32))
    return host.gumbel(host.array(np.float32(0.5)), x + probability_zero)


def improbable(host, x):
    return host.igr.ExpIGR(0.5, x[1:], 0.1)


@pytest.mark.parametrize(
    ("law", "start", "is_log"),
    [(impossible, 0.0, False), (improbable, -42.6, True)],
    ids=["impossible", "improbable"],
)
def test_what_is_learned_at_an_extreme_category_has_a_finite_gradient(
    host, law, start, is_log
):
    start = np.full(K, start, np.float32)

    def model():
        z = host.sample("z", law(host, host.array(start)))
        mean = 100 * (host.exp(z) if is_log else z)[0]
        one = host.array(np.float32(1))
        host.sample("x", host.dist.Normal(mean, one), obs=one)

    def guide():
        host.sample("z", law(host, host.param("c_", host.array(start))))

    learned = {
        "relax_scale": np.float32(1),
        "relax_temperature": np.float32(0.5),
        "relax_hidden_z": np.float32(LEARNED["relax_hidden_a"]),
        "relax_output_z": np.float32(LEARNED["relax_output_a"]),
    }
    network = host.igr.ControlNetwork(4)
    with host.single_precision():
        engine = host.igr.TraceRELAX_ELBO(name="relax", control_variate=network)
        found = host.estimates(engine, model, guide, {"c_": start} | learned)
    assert found.keys() == {"loss", "c_", *learned}
    assert all(np.isfinite(slopes).all() for slopes in found.values())


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"temperature": -1.0}, "temperature to be positive, got -1.0"),
        ({"control_variate": 3}, "a function, a ControlNetwork or None, got 3"),
        ({"name": ""}, "expected name to be a string .* got ''"),
    ],
)
def test_an_argument_out_of_range_is_one_clear_error(backend, options, match):
    with pytest.raises(ValueError, match=match):
        backend.igr.TraceRELAX_ELBO(**options)


def test_a_temperature_that_is_not_one_number_is_one_clear_error(backend):
    for value in "x", [0.5, 1.0], 1j, backend.array([0.5, 1.0]):
        with pytest.raises(TypeError, match="expected temperature to be a number, got"):
            backend.igr.TraceRELAX_ELBO(temperature=value)


@pytest.mark.parametrize(
    ("num_hidden", "error", "expected"),
    [(0, ValueError, "positive, got 0"), (2.5, TypeError, "an integer, got 2.5")],
)
def test_a_number_of_units_is_a_positive_integer(backend, num_hidden, error, expected):
    with pytest.raises(error, match=f"num_hidden to be {expected}"):
        backend.igr.ControlNetwork(num_hidden)


def after(host, law):
    """A pair whose guide has a second site, with this distribution given the first."""

    def guide():
        z = host.sample("z", gumbel(host, host.array(LOGITS)))
        host.sample("c", law(z))

    return coded(host, gumbel)[0], guide


def dependent(host):
    def law(z):
        return host.igr.IGRStickBreaking(0.5, z.argmax(-1) + host.array(LOGITS), 1.0)

    return after(host, law)


def without_gradient(host):
    return after(host, lambda z: host.dist.Poisson(host.array(1.0)))


def with_prior(host):
    def dirichlet(host, x):
        return host.dist.Dirichlet(host.exp(x))

    return coded(host, gumbel, prior=dirichlet)


def with_tempering(host):
    def weights(host, x):
        return host.igr.IGRStickBreaking(0.5, x[1:], 1.0, tempering="weights")

    return coded(host, weights, prior=gumbel)


def with_flow(host):
    def flow(host, x):
        arrays = host.array(LOGITS[1:]), host.array(LOGITS[1:]), host.array(LOGITS[0])
        return host.igr.IGRFlow(0.5, x[1:], 1.0, host.igr.PlanarTransform(*arrays))

    return coded(host, flow, prior=gumbel)


def without_discrete_sites(host):
    return lambda: None, lambda: host.sample("u", host.normal(host.array(0.0)))


REFUSED = {
    dependent: "to depend on the discrete site 'z', got 'c'.* with replacement=True",
    without_gradient: "reparameterized distribution at site 'c' .* got Poisson",
    with_prior: "one-hot distribution at site 'z' .* got Dirichlet",
    with_tempering: (
        "given its category at site 'z' .* IGRStickBreaking with tempering "
        '"weights": use IGR, IGRStickBreaking with tempering "sticks", or Gumbel'
    ),
    with_flow: "given its category at site 'z' of the guide, got IGRFlow",
    without_discrete_sites: "expected a guide with a relaxed or one-hot site, got none",
}


@pytest.mark.filterwarnings("ignore:Found .*vars in guide:UserWarning")
@pytest.mark.parametrize("pair", REFUSED)
def test_a_program_it_cannot_train_is_one_clear_error(host, pair):
    engine = host.igr.TraceRELAX_ELBO(control_variate=None, name="relax")
    host.attempt(engine, *coded(host, gumbel), LEARNED)
    with pytest.raises(ValueError, match=REFUSED[pair]):
        host.attempt(engine, *pair(host), LEARNED)


def test_a_control_variate_of_another_shape_is_one_clear_error(host):
    options = {"name": "relax", "control_variate": lambda z: z["b"]}
    engine = host.igr.TraceRELAX_ELBO(**options)
    with pytest.raises(ValueError, match=r"plates around .* got shape \(2, 3\)"):
        host.attempt(engine, *programs(host), START | LEARNED)


def test_a_control_variate_that_returns_nothing_is_one_clear_error(host):
    engine = host.igr.TraceRELAX_ELBO(control_variate=lambda z: None, name="relax")
    with pytest.raises(TypeError, match="expected control_variate to return .* None"):
        host.attempt(engine, *programs(host), START | LEARNED)


def test_a_class_of_networks_is_no_control_variate(backend):
    make, network = backend.igr.TraceRELAX_ELBO, backend.igr.ControlNetwork
    with pytest.raises(ValueError, match="a function, a ControlNetwork or None, got"):
        make(control_variate=network)
    make(control_variate=network(4))


def test_an_engine_has_the_name_that_it_is_given(backend):
    make = backend.igr.TraceRELAX_ELBO
    assert {make(name="mine").name, make(name="mine").name} == {"mine"}
    assert make().name != "mine"


def test_an_engine_that_is_unpickled_keeps_its_name_to_itself(backend, monkeypatch):
    pickled = pickle.dumps(backend.igr.TraceRELAX_ELBO())
    names = import_module(f"{backend.igr.__name__}.infer.relax_elbo._names")
    monkeypatch.setattr(names, "_used", set())  # as in another process
    found = pickle.loads(pickled).name
    assert backend.igr.TraceRELAX_ELBO().name != found
