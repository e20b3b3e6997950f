"""The distributions keep what both hosts expect of a distribution."""

import numpy as np
import pytest
from cases import LAWS

K, B = 4, 5
LOC, SCALE = (np.array(x, np.float32) for x in ([0.3, -0.6, 0.9], [0.8, 1.1, 0.6]))
every_family = pytest.mark.parametrize("name", LAWS)


def make(backend, name, temperature=0.5, loc=LOC, scale=SCALE):
    """The distribution of this name in the table of cases, in single precision."""
    loc, scale = (backend.array(x, x.dtype.name) for x in (loc, scale))
    return LAWS[name](backend.igr, temperature, loc, scale)


@every_family
def test_to_event_sums_the_density(backend, name):
    law = make(backend, name).expand([5])
    joint, value = law.to_event(1), backend.sample(law, 0)
    assert joint.event_shape == (5, K)
    expected = backend.numpy(law.log_prob(value)).sum()
    found = backend.numpy(joint.log_prob(value))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@every_family
def test_a_mask_removes_the_density(backend, name):
    law = make(backend, name).expand([3])
    value, kept = backend.sample(law, 0), np.array([True, False, True])
    log_prob = law.mask(backend.array(kept, "bool")).log_prob(value)
    found, expected = map(backend.numpy, (log_prob, law.log_prob(value)))
    np.testing.assert_array_equal(found[kept], expected[kept])
    assert found[1] == 0


TEMPERATURES = {
    "float": 0.5,
    "int": 1,
    "numpy": np.float64(0.5),
    "scalar": np.array(0.5),
    "per_batch": np.array([0.2, 0.5]),
    "of_more_dimensions": np.array([[0.2], [0.5], [0.9]]),
}


# What a temperature may be is one matter for all families, how it broadcasts is not.
OF_EACH = "scalar", "of_more_dimensions"
EVERY_KIND = "igr", "stick_breaking_sticks", "infinite"


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in EVERY_KIND for kind in TEMPERATURES]
    + [(name, kind) for name in LAWS if name not in EVERY_KIND for kind in OF_EACH],
)
def test_a_temperature_is_a_number_or_a_batch(backend, name, kind):
    tau = TEMPERATURES[kind]
    given = backend.array(tau, "float32") if isinstance(tau, np.ndarray) else tau
    law = make(backend, name, given, np.tile(LOC, (2, 1)))
    value = backend.sample(law, 0)
    taus = np.broadcast_to(tau, tuple(law.batch_shape)).ravel()
    one_by_one = [
        backend.numpy(make(backend, name, float(t)).log_prob(v))
        for t, v in zip(taus, value.reshape((-1, K)), strict=True)
    ]
    found = backend.numpy(law.log_prob(value)).ravel()
    np.testing.assert_allclose(found, one_by_one, rtol=1e-5)


@every_family
def test_vmap_of_the_kl(backend, name):
    locs = LOC + np.linspace(-1, 1, B, dtype=np.float32)[:, None]
    scales = SCALE * np.linspace(0.5, 2, B, dtype=np.float32)[:, None]
    p, family = make(backend, name), LAWS[name]

    def kl(loc, scale):
        return backend.kl(family(backend.igr, 0.5, loc, scale), p)

    inputs = [backend.array(x, "float32") for x in (locs, scales)]
    found, expected = backend.vmap(kl, *inputs), kl(*inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@every_family
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_value_of_a_wrong_shape_is_refused(backend, name, size):
    value = backend.array(np.full(size, 1 / size), "float32")
    words = rf"value to have {K} entries .*, got shape \({size},\)"
    with backend.validation(True), pytest.raises(ValueError, match=words):
        make(backend, name).log_prob(value)


@every_family
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_sample_passes_the_check_of_the_support(backend, name, dtype):
    loc, scale = np.linspace(-1, 1, 9), np.linspace(0.5, 1.5, 9)
    for temperature in (1.0, 0.5, 0.1):
        law = make(backend, name, temperature, *(x.astype(dtype) for x in (loc, scale)))
        assert backend.is_supported(law, backend.sample(law, 0, (10_000,)))
