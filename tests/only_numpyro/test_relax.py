"""relax gives every discrete latent site a relaxed one with the same probabilities."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro import handlers, infer
from numpyro.contrib.control_flow import scan
from numpyro_families import fresh_host as fresh_host
from numpyro_programs import PROGRAMS, as_event, bare, innermost, latent_sites
from x64 import enable_x64

from numpyro_igr import (
    IGR,
    AutoIGR,
    IGRReparam,
    IGRStickBreaking,
    InfiniteIGR,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    assert_analytic_kl,
    discretize,
    relax,
)

TAU = 0.3
PROBS = np.array([0.1, 0.2, 0.4, 0.3], np.float32)
ROWS = np.array([[7, 2, 1], [1, 8, 1], [3, 3, 4], [2, 2, 6]], np.float32) / 10
FAMILIES = {
    "igr": IGR,
    "sticks": IGRStickBreaking,
    "gumbel_softmax": RelaxedOneHotCategorical,
}
SOLVED = IGR  # by Newton steps, which take long to compile: in fewer cases
CASES = [
    pytest.param(program, family, id=f"{program.__name__}-{name}")
    for program in PROGRAMS.values()
    for name, family in FAMILIES.items()
    if family is not SOLVED or program is bare
]
in_closed_form = pytest.mark.parametrize("family", list(FAMILIES.values())[1:])


def laws_and_scales(program, law):
    """What the latent sites have, by name; compiled as a whole, which is faster."""
    scales = {}

    @jax.jit
    def run():
        sites = latent_sites(program, law)
        scales.update({name: site["scale"] for name, site in sites.items()})
        return {name: site["fn"] for name, site in sites.items()}

    return run(), scales


@pytest.mark.parametrize(("program", "family"), CASES)
def test_sites_keep_their_probabilities_and_their_context(program, family):
    law = OneHotCategorical(PROBS)
    laws, scales = laws_and_scales(program, law)
    relaxed = relax(program, TAU, family=family)
    for expected_type, other in [
        (family, relaxed),
        (OneHotCategorical, discretize(relaxed)),
    ]:
        found, found_scales = laws_and_scales(other, law)
        assert found.keys() == laws.keys()
        assert found_scales == scales
        for name, expected in laws.items():
            assert type(innermost(found[name])) is expected_type
            probs = innermost(found[name]).probs
            np.testing.assert_allclose(
                probs, np.broadcast_to(PROBS, probs.shape), rtol=1e-5
            )
            assert found[name].batch_shape == expected.batch_shape
            assert found[name].event_shape == expected.event_shape
            is_masked = isinstance(expected, dist.MaskedDistribution)
            assert isinstance(found[name], dist.MaskedDistribution) == is_masked


@pytest.mark.parametrize(
    "law",
    [
        OneHotCategorical(logits=np.log(PROBS) + 3),
        dist.Multinomial(1, PROBS),
        dist.Multinomial(1, logits=np.log(PROBS)),
        dist.Categorical(PROBS),
        dist.Categorical(logits=np.log(PROBS)),
    ],
)
@pytest.mark.parametrize("program", [as_event, PROGRAMS["masked_distribution"]])
def test_every_family_of_one_category_is_relaxed(law, program):
    expected = laws_and_scales(program, OneHotCategorical(PROBS))[0]["z"]
    found = laws_and_scales(relax(program, TAU, one_hot={"z"}), law)[0]["z"]
    assert found.batch_shape == expected.batch_shape
    assert found.event_shape == expected.event_shape
    probs = innermost(found).probs
    np.testing.assert_allclose(probs, np.broadcast_to(PROBS, probs.shape), rtol=1e-5)


def chain():
    x = numpyro.sample("x", OneHotCategorical(PROBS))
    with numpyro.plate("data", 2):
        y = numpyro.sample("y", OneHotCategorical(x @ ROWS))
        numpyro.sample("w", dist.Normal(y @ np.arange(3.0), 1.0))


@in_closed_form
def test_probabilities_follow_the_relaxed_values_of_earlier_sites(family):
    @jax.jit
    def run():
        program = handlers.seed(relax(chain, 1.0, family=family), 0)
        trace = handlers.trace(program).get_trace()
        assert type(trace["w"]["fn"]) is dist.Normal
        probs = innermost(trace["y"]["fn"]).probs
        return trace["x"]["value"], trace["y"]["value"], probs

    x, y, probs = run()
    assert x.max() < 1
    assert y.max() < 1
    np.testing.assert_allclose(probs, np.broadcast_to(x @ ROWS, (2, 3)), rtol=1e-5)


@pytest.mark.parametrize("family", [IGR, IGRStickBreaking])
def test_gradients_flow_through_the_probabilities_of_a_dependent_site(family):
    with enable_x64(True):
        direction = jnp.array([1.0, -2.0, 0.5, 0.5])

        def mean(shift):
            x = jax.nn.softmax(jnp.log(PROBS) + shift)
            return numpyro.sample("y", OneHotCategorical(x @ ROWS)) @ jnp.arange(3.0)

        mean = jax.jit(handlers.seed(relax(mean, 1.0, family=family), 0))
        slope = jax.grad(mean)(jnp.zeros(4)) @ direction
        difference = (mean(1e-5 * direction) - mean(-1e-5 * direction)) / 2e-5
        assert slope == pytest.approx(float(difference), rel=1e-6)


@pytest.mark.parametrize("family", [IGR, IGRStickBreaking])
def test_a_probability_of_zero_becomes_the_smallest_one(family):
    @jax.jit
    @partial(jax.value_and_grad, has_aux=True)
    def run(probs):
        program = lambda: numpyro.sample("z", OneHotCategorical(probs))  # noqa: E731
        seeded = handlers.seed(relax(program, TAU, family=family), 0)
        site = handlers.trace(seeded).get_trace()["z"]
        return site["value"] @ jnp.arange(5.0), site["fn"].probs

    probs = jnp.array([0.5, 0.0, 0.5, 0.0, 0.0])
    (value, found), slope = run(probs)
    assert jnp.isfinite(value)
    assert jnp.isfinite(slope).all()
    np.testing.assert_allclose(found, probs, rtol=1e-5, atol=1e-30)
    assert (found > 0).all()


def test_observed_and_continuous_sites_are_untouched():
    laws = {
        "observed": (OneHotCategorical(PROBS), jnp.eye(4)[2]),
        "normal": (dist.Normal(jnp.zeros(2), 1.0).to_event(1), None),
        "dirichlet": (dist.Dirichlet(PROBS), None),
        "relaxed": (IGR(0.5, jnp.zeros(3), jnp.ones(3)), None),
        "delta": (dist.Delta(jnp.zeros(2), event_dim=1), None),
    }

    def program():
        for name, (law, obs) in laws.items():
            numpyro.sample(name, law, obs=obs)

    trace = handlers.trace(handlers.seed(relax(program, TAU), 0)).get_trace()
    assert all(trace[name]["fn"] is law for name, (law, _) in laws.items())


X = np.array([0.5, -1.0, 1.5], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0, 2.0], np.float32)


def mixture():
    with numpyro.plate("data", len(X)):
        z = numpyro.sample("z", OneHotCategorical(PROBS))
        numpyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X)


@in_closed_form
def test_the_evidence_of_a_discretized_relaxed_model_is_that_of_the_model(family):
    def log_joints(model):
        values = jnp.broadcast_to(jnp.eye(4)[:, None], (4, len(X), 4))
        density = lambda z: infer.util.log_density(model, (), {}, {"z": z})[0]  # noqa: E731
        return jax.jit(jax.vmap(density))(values)

    restored = discretize(relax(mixture, TAU, family=family))
    np.testing.assert_allclose(log_joints(restored), log_joints(mixture), rtol=1e-5)


def test_a_falling_temperature_compiles_once():
    runs = []

    def program():
        runs.append(1)
        return numpyro.sample("z", OneHotCategorical(PROBS))

    run = jax.jit(lambda tau: handlers.seed(relax(program, tau), 0)())
    sharpness = [run(tau).max() for tau in (1.0, 0.5, 0.1)]
    assert sharpness == sorted(sharpness)
    assert len(set(map(float, sharpness))) == 3
    assert len(runs) == 1


REFUSED = {
    "integers": (
        dist.Categorical(PROBS),
        r"site 'z' is a Categorical\w* of integers, .* one_hot=\{'z'\}",
    ),
    "several draws": (dist.Multinomial(3, PROBS), "expected total_count 1 at site 'z'"),
    "dirichlet_multinomial": (
        dist.DirichletMultinomial(jnp.ones(3), 2),
        "expected a distribution at site 'z' .* got DirichletMultinomial",
    ),
    "uniform integers": (
        dist.DiscreteUniform(0, 2),
        r"site 'z' is a DiscreteUniform of integers, .* one_hot=\{'z'\}",
    ),
}


@pytest.mark.parametrize(("law", "message"), REFUSED.values(), ids=REFUSED)
def test_a_site_that_cannot_be_relaxed_is_refused_for_its_reason(law, message):
    with pytest.raises(ValueError, match=message):
        handlers.seed(relax(bare, TAU), 0)(law)


def test_enumeration_inside_relax_is_refused():
    marked = handlers.infer_config(mixture, lambda _: {"enumerate": "parallel"})
    with pytest.raises(ValueError, match="site 'z' is marked for enumeration"):
        handlers.seed(relax(marked, TAU), 0)()


def step(probs, name, x):
    z = numpyro.sample(f"z{name}", OneHotCategorical(probs))
    numpyro.sample(f"x{name}", dist.Normal(z @ MEANS[:3], 1.0), obs=x)
    return z @ ROWS[:3], None


def unrolled():
    probs = ROWS[0]
    for t, x in enumerate(X):
        probs, _ = step(probs, t, x)


def scanned(wrap):
    one_step = wrap(lambda probs, x: step(probs, "", x))
    return lambda: scan(one_step, ROWS[0], X)


AROUND_A_STEP = {
    "relaxed": (lambda fn: relax(fn, TAU), ROWS[1:]),
    "discretized": (lambda fn: discretize(relax(fn, TAU)), np.eye(3)[[0, 2, 1]]),
}


@pytest.mark.parametrize(("wrap", "z"), AROUND_A_STEP.values(), ids=AROUND_A_STEP)
def test_a_scan_of_a_step_is_the_chain_step_by_step(wrap, z):
    values = {"z": jnp.asarray(z, jnp.float32)}
    found, _ = infer.util.log_density(scanned(wrap), (), {}, values)
    by_step = {f"z{t}": z_t for t, z_t in enumerate(values["z"])}
    expected, _ = infer.util.log_density(wrap(unrolled), (), {}, by_step)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("outer", [partial(relax, temperature=TAU), discretize])
def test_a_handler_around_a_scan_is_refused(outer):
    inner = partial(relax, temperature=TAU) if outer is discretize else lambda fn: fn
    with pytest.raises(ValueError, match=r"site 'z' .* the step of the scan"):
        handlers.seed(outer(scanned(inner)), 0)()


def test_the_reparameterizer_relaxes_one_site_of_the_host():
    config = {
        "x": IGRReparam(TAU),
        "y": IGRReparam(TAU, family=RelaxedOneHotCategorical),
    }
    laws, _ = laws_and_scales(lambda _: handlers.reparam(chain, config=config)(), None)
    assert type(laws["x"]) is IGRStickBreaking
    assert type(innermost(laws["y"])) is RelaxedOneHotCategorical
    np.testing.assert_allclose(laws["x"].probs, PROBS, rtol=1e-5)


def test_the_reparameterizer_refuses_an_observed_site():
    observed = handlers.condition(chain, {"x": jnp.eye(4)[0]})
    program = handlers.reparam(observed, config={"x": IGRReparam(TAU)})
    with pytest.raises(ValueError, match="expected site 'x' to be latent"):
        handlers.seed(program, 0)()


COUNTS = {
    "poisson": dist.Poisson(np.array([3.0, 0.5], np.float32)),
    "geometric": dist.Geometric(np.array([0.3, 0.6], np.float32)),
    "negative_binomial": dist.NegativeBinomial2(np.float32([2.0, 1.0]), 3.0),
    "binomial": dist.Binomial(4, np.array([0.4, 0.2], np.float32)),
}


@pytest.mark.parametrize("law", COUNTS.values(), ids=COUNTS)
def test_a_count_is_the_mean_of_its_weights_with_the_exact_probabilities(law):
    def program():
        with numpyro.plate("rows", 3):
            return numpyro.sample("n", law.expand([3, 2]).to_event(1))

    relaxed = relax(program, 0.1, num_sticks=20 if law is not COUNTS["binomial"] else 4)

    @jax.jit
    def run():
        trace = handlers.trace(handlers.seed(relaxed, 0)).get_trace()
        discrete = handlers.trace(handlers.seed(discretize(relaxed), 0)).get_trace()
        assert trace["n"]["type"] == "deterministic"
        assert_analytic_kl(relaxed, AutoIGR(relaxed, 0.1))
        weights = trace["n_weights"]
        values = weights["value"], trace["n"]["value"], discrete["n"]["value"]
        return weights["fn"], *values

    site, weights, value, discrete = run()
    assert site.batch_shape == (3,)
    found = innermost(site)
    assert type(found) is InfiniteIGR
    k = np.arange(found.event_shape[0])
    expected = jnp.exp(law.log_prob(k[:-1, None])).T
    probs = jnp.broadcast_to(found.probs, (3, 2, len(k)))[0, :, :-1]
    np.testing.assert_allclose(probs, expected, atol=1e-6, rtol=1e-3)
    np.testing.assert_allclose(value, weights @ k, rtol=1e-5)
    assert (discrete % 1 == 0).all()


def test_traced_parameters_need_the_number_of_counts():
    def run(rate):
        program = partial(numpyro.sample, "n", dist.Poisson(rate))
        return handlers.seed(relax(program, 0.1), 0)()

    with pytest.raises(ValueError, match="site 'n': expected num_sticks to be given"):
        jax.jit(run)(3.0)


def test_a_bounded_count_needs_no_number_where_its_parameters_are_traced():
    def run(p, law):
        program = partial(numpyro.sample, "n", law(p))
        trace = handlers.trace(handlers.seed(relax(program, 0.1), 0)).get_trace()
        return trace["n_weights"]["fn"].probs

    run = jax.jit(run, static_argnames="law")
    np.testing.assert_allclose(run(0.3, law=dist.Bernoulli), [0.7, 0.3], rtol=1e-5)
    two = partial(dist.Binomial, 2)
    np.testing.assert_allclose(run(0.5, law=two), [0.25, 0.5, 0.25], rtol=1e-5)
