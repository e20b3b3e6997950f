"""Sticks in another order, against moments of weights by quadrature."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

LOC = np.array([[-1.0, 0.4, -0.3, 0.8], [0.5, -2.0, 0.1, 0.0]])
SCALE = np.array([[0.3, 0.5, 0.2, 0.4], [0.2, 0.3, 0.4, 0.3]])
ORDERS = {"another": [3, 0, 2, 1], "fewer": [2, 0], "split": [1, 1, 0, 3, 2]}


def moment(sign, power, loc, scale):
    def integrand(y):
        return expit(sign * y) ** power * norm.pdf(y, loc, scale)

    ends = [loc - 12 * scale, loc + 12 * scale]
    edges = sorted({*ends, loc, *([0.0] if ends[0] < 0 < ends[1] else [])})
    options = {"epsabs": 0, "epsrel": 1e-11, "limit": 200}
    return sum(quad(integrand, *e, **options)[0] for e in pairwise(edges))


def moments(loc, scale, power):
    """Of the weights that sticks break, one row at a time."""
    rows = []
    for parameters in zip(loc, scale, strict=True):
        left, row = 1.0, []
        for m, s in zip(*parameters, strict=True):
            row.append(left * moment(1, power, m, s))
            left *= moment(-1, power, m, s)
        rows.append(row)
    return np.array(rows)


@cache
def present(power):
    return moments(LOC, SCALE, power)


def law_of(backend, temperature):
    loc, scale = (backend.array(temperature * x) for x in (LOC, SCALE))
    return backend.igr.InfiniteIGR(temperature, loc, scale)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_expected_weights_and_variances_are_in_the_new_order(backend, order):
    tau = 0.2
    found = backend.igr.reordered_start(law_of(backend, tau), order)
    loc, scale = (backend.numpy(x) / tau for x in found)
    parts = np.bincount(order)[order]
    means = present(1)[:, order] / parts
    np.testing.assert_allclose(moments(loc, scale, 1), means, rtol=1e-9)
    squares = present(2)[:, order] / parts**2
    found = moments(loc, scale, 2)
    np.testing.assert_allclose(found[:, :-1], squares[:, :-1], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found[:, -1], squares[:, -1], rtol=0.2)


def test_the_present_order_is_the_present_distribution(backend):
    found = backend.igr.reordered_start(law_of(backend, 1.0), range(4))
    for x, expected in zip(found, (LOC, SCALE), strict=True):
        np.testing.assert_allclose(backend.numpy(x), expected, rtol=1e-8, atol=1e-12)


def test_wide_sticks_keep_their_expected_weights(backend):
    loc, scale = np.array([[3.0, -2.0, 0.0]]), np.array([[20.0, 8.0, 0.1]])
    law = backend.igr.InfiniteIGR(None, backend.array(loc), backend.array(scale))
    found = map(backend.numpy, backend.igr.reordered_start(law, [2, 0, 1]))
    means = moments(loc, scale, 1)[:, [2, 0, 1]]
    np.testing.assert_allclose(moments(*found, 1), means, rtol=1e-9)


@pytest.mark.parametrize("order", [[0, 4], [-1], [0.0], [], [[0]], [True, False]])
def test_an_order_of_no_sticks_is_refused(backend, order):
    with pytest.raises(ValueError, match="integers from 0 to 3"):
        backend.igr.reordered_start(law_of(backend, 1.0), order)


def test_only_sticks_without_end_are_taken(backend):
    law = backend.dist.Normal(0.0, 1.0)
    with pytest.raises(ValueError, match="distribution to be an .*IGR, got Normal"):
        backend.igr.reordered_start(law, [0])
