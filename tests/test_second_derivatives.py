"""Second derivatives, which a Laplace approximation takes, are right.

Oracle: central differences of first derivatives, which other tests check.
"""

import numpy as np
import pytest

STEP = 1e-5
FLOW = [((0.3, 0.2, -0.4), (0.5, 1.0, -1.0)), ((0.9, -1.2, 0.1), (-0.5, 1.0, 2.0))]
LOC, SCALE = (0.3, -0.7, 1.1), (0.8, 1.2, 0.6)
POINT = (0.1, 0.2, 0.3, 0.4)


def planar(backend, u, w):
    return backend.igr.PlanarTransform(backend.array(u), backend.array(w), 0.2)


def flow_law(backend, loc=LOC):
    flow = [planar(backend, u, w) for u, w in FLOW]
    loc = backend.array(loc) if isinstance(loc, tuple) else loc
    return backend.igr.IGRFlow(
        0.7, loc, backend.array(SCALE), flow, validate_args=False
    )


def density_of_a_flow(backend):
    """Of the value, which need not be normalised."""
    return lambda z: flow_law(backend).log_prob(z / z.sum())


def density_of_a_flow_in_loc(backend):
    return lambda loc: flow_law(backend, loc).log_prob(backend.array(POINT))


def inverse_in_the_direction(backend):
    w, y = backend.array(FLOW[0][1]), backend.array(LOC)
    return lambda u: backend.igr.PlanarTransform(u, w, 0.2)._inverse(y)[0]


def density_of_a_gem(backend):
    law = backend.igr.GEM(1.7, 3, validate_args=False)
    return lambda z: law.log_prob(z / z.sum())


def density_of_a_gem_in_alpha(backend):
    z = backend.array(POINT)
    return lambda alpha: backend.igr.GEM(alpha[0], 3).log_prob(z)


def kl_to_a_gem(backend, scale):
    """Of loc, scale and concentration: the mean of a softplus by both its rules."""

    def kl(x):
        gem = backend.igr.GEM(x[2], 1)
        q = backend.igr.InfiniteIGR(None, x[:1], scale * x[1:2], tail=gem)
        return backend.kl(q, gem)

    return kl


FUNCTIONS = {
    "flow": (density_of_a_flow, POINT),
    "flow, loc": (density_of_a_flow_in_loc, LOC),
    "planar inverse, u": (inverse_in_the_direction, FLOW[0][0]),
    "GEM": (density_of_a_gem, POINT),
    "GEM, concentration": (density_of_a_gem_in_alpha, (1.7,)),
    "KL, narrow": (lambda backend: kl_to_a_gem(backend, 0.5), (0.3, 1.0, 2.0)),
    "KL, wide": (lambda backend: kl_to_a_gem(backend, 3.0), (0.3, 1.0, 2.0)),
    "KL, far": (lambda backend: kl_to_a_gem(backend, 3.0), (-30.0, 1.0, 2.0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_hessian_is_the_derivative_of_the_gradient(backend, name):
    make, point = FUNCTIONS[name]
    fn, point = make(backend), np.array(point)
    found = backend.hessian(fn, backend.array(point))

    steps = STEP * np.eye(len(point))
    ends = np.concatenate([point + steps, point - steps])
    above, below = np.split(backend.gradients(fn, backend.array(ends)), 2)
    expected = (above - below) / (2 * STEP)
    scale = abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=1e-6 * scale, rtol=0)
