"""How many sticks a batch asks for, against sticks that NumPy draws without end."""

from functools import cache

import numpy as np
import pytest
from scipy.special import log_expit

N, RHO, TAU, ALPHA = 3, 0.9, 0.7, 5.0
LOC, SCALE = np.array([-1.0, -0.5, -2.0]), np.array([0.8, 1.0, 0.5])


@cache
def needed(tail, rho):
    """Numbers of sticks whose weights exceed rho, of 50,000 draws of 100 sticks."""
    rng = np.random.default_rng(0)
    given = rng.normal(LOC, SCALE, (50_000, N)) / TAU
    shape = (len(given), 100)
    if tail == "gem":
        log_left = np.log(rng.uniform(size=shape)) / ALPHA
    else:
        log_left = log_expit(-rng.normal(size=shape) / TAU)
    log_left = np.concatenate([log_expit(-given), log_left], -1).cumsum(-1)
    return 1 + (log_left >= np.log1p(-rho)).sum(-1)


def infinite(backend, tail, loc=LOC, scale=SCALE, rho=RHO):
    tail = backend.igr.GEM(backend.array(ALPHA), 1) if tail == "gem" else None
    arrays = backend.array(loc), backend.array(scale)
    return backend.igr.InfiniteIGR(TAU, *arrays, rho, tail=tail)


@pytest.mark.parametrize("tail", ["normal", "gem"])
@pytest.mark.parametrize("options", [{}, {"rho": 0.8}], ids=["own_rho", "less"])
def test_it_is_the_quantile_of_the_number_of_sticks(backend, tail, options):
    law, rate = infinite(backend, tail), 0.05
    value = backend.sample(law, 0, (4000,))
    options = options | {"max_overflow": rate}
    found = int(backend.wanted_sticks(law, 1, value, **options))
    numbers = needed(tail, options.get("rho", RHO))
    error = np.sqrt(rate * (1 - rate) / 4000)
    assert found > N
    assert (numbers > found).mean() < rate + 4.5 * error
    assert (numbers > found - 1).mean() > rate - 4.5 * error


def test_it_is_exact_where_no_value_overflows(backend):
    law = infinite(backend, "normal", rho=1.0)
    value = backend.array([[0.7, 0.2, 0.1, 0], [0.4, 0.3, 0.3, 0], [0.9, 0.1, 0, 0]])
    for rate, expected in [(0.0, 2), (0.5, 1), (1.0, 1)]:  # of 1, 2 and 1
        found = backend.wanted_sticks(law, 0, value, max_overflow=rate, rho=0.65)
        assert int(found) == expected


def test_as_many_sticks_as_it_says_keep_the_overflow_rate(backend):
    law, rate = infinite(backend, "gem"), 0.1
    value = backend.sample(law, 0, (4000,))
    more = int(backend.wanted_sticks(law, 1, value, max_overflow=rate)) - N
    start = backend.igr.tail_start(law, more)
    grown = [
        np.append(x, backend.numpy(y)) for x, y in zip((LOC, SCALE), start, strict=True)
    ]
    larger = infinite(backend, "gem", *grown)
    overflows = backend.numpy(larger.overflows(backend.sample(larger, 2, (4000,))))
    assert overflows.mean() < rate + 0.03


def test_too_few_sticks_of_the_tail_give_more_than_were_drawn(backend):
    law = infinite(backend, "gem", rho=0.9999)
    value = backend.sample(law, 0, (200,))
    assert int(backend.wanted_sticks(law, 1, value, num_sticks=2)) == N + 3


def test_rates_out_of_range_are_refused_by_name(backend):
    law = infinite(backend, "normal")
    value = backend.sample(law, 0, (5,))
    with pytest.raises(ValueError, match="max_overflow"):
        backend.wanted_sticks(law, 1, value, max_overflow=1.5)
    with pytest.raises(ValueError, match="rho to be at most that of the distribution"):
        backend.wanted_sticks(law, 1, value, rho=0.95)


@pytest.mark.parametrize("ask", ["break_rest", "wanted_sticks"])
def test_a_rest_is_broken_by_one_stick_at_least(backend, ask):
    law = infinite(backend, "normal")
    value = backend.sample(law, 0, (5,))
    with pytest.raises(ValueError, match="num_sticks to be positive, got 0"):
        getattr(backend, ask)(law, 1, value, num_sticks=0)


@pytest.mark.parametrize("rho", [None, 1.0, 1 - 1e-17], ids=["own", "1", "rounded"])
def test_no_number_of_sticks_holds_all_mass(backend, rho):
    law = infinite(backend, "gem", rho=1.0)
    value = backend.sample(law, 0, (5,))
    assert backend.numpy(law.overflows(value)).all()
    with pytest.raises(ValueError, match="rho to be less than 1 in .*float64"):
        backend.wanted_sticks(law, 1, value, rho=rho)
