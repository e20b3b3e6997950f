"""A value that another handler gave a site stays what it is, or is refused."""

import importlib.util
from functools import partial

import pytest


def pyro_programs():
    import pyro
    import pyro.distributions as dist
    import torch
    from pyro import poutine

    import pyro_igr as igr

    def model():
        pyro.sample("z", dist.OneHotCategorical(torch.ones(3) / 3))

    fixed = poutine.replay(model, trace=poutine.trace(model).get_trace())
    relaxed = igr.relax(model, 0.5)
    soft = poutine.replay(relaxed, trace=poutine.trace(relaxed).get_trace())
    observed = poutine.condition(model, {"z": torch.eye(3)[0]})
    refused = igr.relax(fixed, 0.5), igr.discretize(soft)
    scored = partial(igr.TraceSTL_ELBO().loss, relaxed, soft)
    return *refused, scored, igr.relax(observed, 0.5)


def numpyro_programs():
    import jax.numpy as jnp
    import numpyro
    from jax import random
    from numpyro.handlers import condition, seed, substitute

    import numpyro_igr as igr

    def model():
        numpyro.sample("z", igr.OneHotCategorical(jnp.ones(3) / 3))

    vertex = {"z": jnp.eye(3)[0]}
    fixed = igr.relax(substitute(model, data=vertex), 0.5)
    relaxed = igr.relax(model, 0.5)
    soft = substitute(relaxed, data=vertex)
    observed = igr.relax(condition(model, data=vertex), 0.5)
    run = [seed(program, 0) for program in (fixed, igr.discretize(soft), observed)]
    scored = partial(igr.TraceSTL_ELBO().loss, random.key(0), {}, relaxed, soft)
    return *run[:2], scored, run[2]


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_a_handler_that_fixes_a_value_is_named_as_such(host):
    if importlib.util.find_spec(host) is None:
        pytest.skip(f"{host} is not installed")
    *refused, observed = globals()[f"{host}_programs"]()
    values = "with relaxed values", "with one-hot values", "Gaussian coordinates"
    for program, of in zip(refused, values, strict=True):
        with pytest.raises(ValueError, match=r"site 'z'[\s\S]*value") as error:
            program()
        assert "a handler such as" in str(error.value)
        assert of in str(error.value)
    observed()


def given_counts_in_pyro():
    import pyro
    import pyro.distributions as dist
    import torch
    from pyro import poutine

    import pyro_igr as igr

    def model():
        pyro.sample("n", dist.Poisson(2.0))

    relaxed, two = igr.relax(model, 0.5), {"n": torch.tensor(2.0)}
    yield from (poutine.condition(x, two) for x in (relaxed, igr.discretize(relaxed)))
    yield igr.relax(poutine.condition(model, two), 0.5)
    yield poutine.condition(relaxed, {"n": None})


def given_counts_in_numpyro():
    import numpyro
    import numpyro.distributions as dist
    from numpyro.handlers import condition, do, seed

    import numpyro_igr as igr

    def model():
        numpyro.sample("n", dist.Poisson(2.0))

    relaxed, two = igr.relax(model, 0.5), {"n": 2.0}
    for given in condition(relaxed, two), do(igr.discretize(relaxed), two):
        yield seed(given, 0)
    yield seed(igr.relax(condition(model, two), 0.5), 0)
    yield seed(condition(relaxed, {"n": None}), 0)


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_a_relaxed_count_is_not_given_a_value_beside_its_weights(host):
    pytest.importorskip(host)
    *refused, conditioned_first, left = globals()[f"given_counts_in_{host}"]()
    for program in refused:
        with pytest.raises(ValueError, match="count 'n'.* to the model, and relax"):
            program()
    conditioned_first()
    left()


def given_points_in_pyro():
    import pyro
    import pyro.distributions as dist
    import torch
    from pyro import poutine

    import pyro_igr as igr

    def model():
        pyro.sample("z", dist.OneHotCategorical(torch.ones(3) / 3))

    relaxed, vertex = igr.relax(model, 0.5), {"z": torch.eye(3)[0]}
    inside, index = {"z": torch.ones(3) / 3}, {"z": torch.tensor(2)}
    yield from (poutine.condition(relaxed, x) for x in (vertex, index))
    yield poutine.condition(igr.discretize(model), vertex)
    yield poutine.condition(igr.discretize(relaxed), vertex)
    yield from (poutine.do(relaxed, vertex), poutine.condition(relaxed, inside))
    yield igr.relax(poutine.condition(model, vertex), 0.5)


def given_points_in_numpyro():
    import jax.numpy as jnp
    import numpyro
    from numpyro.handlers import condition, do, seed

    import numpyro_igr as igr

    def model():
        numpyro.sample("z", igr.OneHotCategorical(jnp.ones(3) / 3))

    relaxed, vertex = igr.relax(model, 0.5), {"z": jnp.eye(3)[0]}
    inside = {"z": jnp.ones(3) / 3}
    yield seed(condition(relaxed, {"z": 2}), 0)
    for program in relaxed, igr.discretize(model), igr.discretize(relaxed):
        yield seed(condition(program, vertex), 0)
    yield seed(do(relaxed, vertex), 0)
    yield seed(condition(relaxed, inside), 0)
    yield seed(igr.relax(condition(model, vertex), 0.5), 0)


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_a_relaxed_site_is_not_observed_at_a_category(host):
    pytest.importorskip(host)
    vertex, index, *accepted = globals()[f"given_points_in_{host}"]()
    for program in vertex, index:
        with pytest.raises(ValueError, match="at a category.* to the model, and relax"):
            program()
    for program in accepted:
        program()
