"""assert_analytic_kl names every site whose KL would fall back to Monte Carlo."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.handlers import block
from numpyro.infer.autoguide import AutoDelta, AutoGuideList, AutoNormal
from numpyro_families import LOC, K, every_family, make
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import RelaxedOneHotCategorical, assert_analytic_kl

N = 5
KEPT = np.array([True, False, True, True, False])


def site(make_law):
    """A program of a single site 'z'."""
    return lambda: numpyro.sample("z", make_law())


def tempered(tempering, temperature):
    return site(lambda: make(f"stick_breaking_{tempering}", temperature))


def igr():
    return make("igr")


def row():
    return igr().expand([N])


def grid():
    return igr().expand([2, N])


def concrete():
    return RelaxedOneHotCategorical(0.5, probs=jnp.ones(K) / K)


def scale(program, by):
    return numpyro.handlers.scale(program, scale=by)


def mask(program, by):
    return numpyro.handlers.mask(program, mask=by)


def with_auxiliary():
    numpyro.sample("z", igr())
    numpyro.sample("noise", dist.Normal(), infer={"is_auxiliary": True})


TRAPS = {
    "events_of_different_rank": (
        site(lambda: grid().to_event(1)),
        site(lambda: grid().to_event(2)),
        "<Independent, IGR>",
    ),
    "event_on_one_side": (
        site(row),
        site(lambda: row().to_event(1)),
        "<Independent, IGR>",
    ),
    "mask_in_the_guide_only": (
        site(row),
        site(lambda: row().mask(KEPT)),
        "MaskedDistribution",
    ),
    "mask_in_the_model_only": (
        site(lambda: row().mask(KEPT)),
        site(row),
        "MaskedDistribution",
    ),
    "mask_handler_in_the_model_only": (
        mask(site(row), KEPT),
        site(row),
        "MaskedDistribution",
    ),
    "concrete_prior": (site(concrete), site(igr), "RelaxedOneHotCategorical"),
    "concrete_guide": (site(igr), site(concrete), "RelaxedOneHotCategorical"),
    "logarithm_on_one_side": (site(igr), site(lambda: make("exp_igr")), "ExpIGR"),
    "auxiliary_site": (site(igr), with_auxiliary, "auxiliary"),
    "weights": (tempered("weights", 0.5), tempered("weights", 0.4), "temperature"),
    "vertex": (tempered("vertex", 0.5), tempered("vertex", 0.4), "temperature"),
    "softmax++": (
        tempered("softmax++", 0.5),
        tempered("softmax++", 0.4),
        "temperature",
    ),
    "temperings": (
        tempered("weights", 0.5),
        tempered("sticks", 0.5),
        "of the same tempering",
    ),
    "autoguide": (site(igr), AutoNormal(site(igr)), "<TransformedDistribution, IGR>"),
}
SITE_AT_FAULT = {"auxiliary_site": "noise"}


WRONG = {
    "scale": (scale(site(row), 2.0), scale(site(row), 3.0), "another scale"),
    "mask": (mask(site(row), KEPT), mask(site(row), ~KEPT), "another mask"),
    "shape": (site(row), site(igr), "another shape"),
    "rank": (
        site(lambda: dist.Normal(jnp.zeros(3), 1.0).to_event(1)),
        site(lambda: dist.Delta(jnp.ones(3))),
        "the KL between Delta with event_dim 0 and Independent of Normal",
    ),
}


@pytest.mark.parametrize("trap", WRONG)
def test_each_wrong_term_is_named_with_its_site_and_its_reason(trap):
    model, guide, reason = WRONG[trap]
    with pytest.raises(AssertionError, match="count a wrong KL at site 'z': .*") as e:
        assert_analytic_kl(model, guide)
    assert reason in str(e.value)


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_named_with_its_site_and_its_reason(trap):
    model, guide, reason = TRAPS[trap]
    name = SITE_AT_FAULT.get(trap, "z")
    with pytest.raises(
        AssertionError, match=f"site '{name}' has no analytic KL.*"
    ) as e:
        assert_analytic_kl(model, guide)
    assert reason in str(e.value)


def program(name, parameter=None):
    def run(x):
        loc = jnp.asarray(LOC)
        loc = loc if parameter is None else numpyro.param(parameter, loc)
        with numpyro.plate("data", len(x)):
            numpyro.sample("z", make(name, loc=loc))
            if parameter is None:
                numpyro.sample("x", dist.Normal(0.0, 1.0), obs=x)

    return run


@every_family
def test_a_good_pair_passes_with_its_arguments_and_observations(name):
    assert_analytic_kl(program(name), program(name, "loc"), jnp.ones(3))


def test_a_seeded_program_keeps_its_keys():
    model = numpyro.handlers.seed(program("igr"), 7)
    before = model.rng_key
    assert_analytic_kl(program("igr"), program("igr"), jnp.ones(3))
    assert (model.rng_key == before).all()


def test_automatic_guides_of_parts_of_parts_pass_with_keywords():
    def model(x, *, size):
        with numpyro.plate("data", size):
            numpyro.sample("v", dist.Gamma(1.0, 1.0))
            numpyro.sample("w", dist.Normal(0.0, 1.0))
        numpyro.sample("x", dist.Normal(0.0, 1.0), obs=x)

    inner, guide = (AutoGuideList(model) for _ in range(2))
    inner.append(AutoDelta(block(model, hide=["w"])))
    guide.append(inner)
    guide.append(AutoDelta(block(model, hide=["v"])))
    assert_analytic_kl(model, guide, jnp.ones(()), size=2)


def test_the_first_site_without_a_closed_form_is_named_among_several():
    def pair(name):
        def run():
            numpyro.sample("a", igr())
            numpyro.sample("b", make(name))

        return run

    with pytest.raises(AssertionError, match="site 'b'"):
        assert_analytic_kl(pair("igr"), pair("exp_igr"))


def test_a_scale_that_jax_traces_is_unknown_rather_than_wrong():
    def check(by):
        scaled = scale(site(igr), by=by)
        assert_analytic_kl(scaled, scaled)
        assert_analytic_kl(scale(site(igr), by=by + 0.0), scaled)

    check(2.0)
    with pytest.raises(AssertionError, match="may count .* its scale is known only"):
        jax.eval_shape(check, jnp.array(2.0))
