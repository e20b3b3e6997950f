"""A parameter of the map that is trained is another's only if both train it."""

import numpy as np
import pytest

LOC, SCALE = np.array([1.0, -0.5]), np.array([0.7, 1.2])


def weights(backend, _, temperature):
    law = backend.igr.IGRStickBreaking
    arrays = backend.array(LOC), backend.array(SCALE)
    return law(temperature, *arrays, tempering="weights", validate_args=False)


def flow_of(**fixed):
    def law(backend, flow, x):
        (name,) = {"temperature", "delta"} - fixed.keys()
        arrays = {"loc": backend.array(LOC), "scale": backend.array(SCALE)}
        given = arrays | fixed | {name: x}
        return backend.igr.IGRFlow(flow=flow, validate_args=False, **given)

    return law


def tail_of(make):
    def law(backend, _, x):
        arrays = backend.array(LOC), backend.array(SCALE)
        tail = make(backend, x)
        return backend.igr.InfiniteIGR(0.5, *arrays, tail=tail, validate_args=False)

    return law


def normal(backend, loc):
    return backend.dist.Normal(loc, 0.8, validate_args=False)


def dirichlet(backend, concentration):
    return backend.igr.GEM(concentration, 4, validate_args=False)


LAWS = {
    "temperature": weights,
    "temperature_of_flow": flow_of(delta=2.0),
    "delta_of_flow": flow_of(temperature=0.5),
    "loc_of_tail": tail_of(normal),
    "concentration_of_tail": tail_of(dirichlet),
}
every_map = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def planar(backend):
    return backend.igr.PlanarTransform(backend.array(LOC), backend.array(SCALE))


@every_map
def test_one_that_only_equals_the_others_now_has_no_closed_form(backend, law):
    flow, x = planar(backend), backend.array(0.5)

    def kl(trained):
        q, p = law(backend, flow, trained), law(backend, flow, x)
        with pytest.raises(NotImplementedError, match="object or concrete"):
            backend.kl(p, q)
        with pytest.raises(NotImplementedError, match="object or concrete"):
            backend.kl(q, p)
        return trained

    backend.grad(kl, x)


@every_map
def test_one_that_both_have_keeps_the_closed_form(backend, law):
    flow = planar(backend)

    def kl(trained):
        q, p = (law(backend, flow, trained) for _ in range(2))
        return backend.kl(q, p) + 0 * trained

    (found,) = backend.grad(kl, backend.array(0.5))
    np.testing.assert_allclose(backend.numpy(found), 0, atol=1e-12)


def pair(host, of_guide, of_model):
    """Programs in plates, as of a parameter of the host that is called in each."""

    def program(temperature, loc):
        def run():
            given = temperature or host.param("tau", host.array(0.5), **positive)
            with host.plate("rows", 3):
                law, scale = host.igr.IGRStickBreaking, host.array(SCALE)
                q = law(given, host.array(loc), scale, tempering="weights")
                host.sample("z", q)

        return run

    positive = {"constraint": host.positive}
    return program(of_model, 0 * LOC), program(of_guide, LOC)


def test_a_constrained_parameter_of_both_programs_has_an_analytic_kl(host):
    model, guide = pair(host, None, None)
    host.igr.assert_analytic_kl(model, guide)
    losses, start, end = host.fit(host.MEAN_FIELD(), model, guide, 3, 0.1)
    np.testing.assert_allclose(losses, 3 * (LOC**2 / SCALE**2).sum() / 2, rtol=1e-6)
    np.testing.assert_allclose(end["tau"], start["tau"])


def test_a_trained_temperature_leaves_the_fixed_one_that_it_starts_at(host):
    model, guide = pair(host, None, 0.5)
    _, start, end = host.fit(host.MEAN_FIELD(), model, guide, 3, 0.1)
    assert abs(end["tau"] - start["tau"]) > 0.01
