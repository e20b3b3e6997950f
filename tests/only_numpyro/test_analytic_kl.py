"""assert_analytic_kl in NumPyro: keys, and scales that jax traces."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro.handlers import mask, scale, seed
from numpyro.infer.autoguide import AutoNormal
from numpyro_families import fresh_host as fresh_host
from numpyro_families import make

from numpyro_igr import assert_analytic_kl

KEPT = np.array([True, False, True, True, False])


def model():
    numpyro.sample("z", make("igr").expand([5]))


TRAPS = {
    "autoguide": (model, AutoNormal(model), "<TransformedDistribution, "),
    "mask": (mask(model, mask=KEPT), model, "MaskedDistribution"),
}


@pytest.mark.parametrize(("model", "guide", "reason"), TRAPS.values(), ids=TRAPS)
def test_an_automatic_guide_or_a_mask_of_the_model_has_no_closed_form(
    model, guide, reason
):
    with pytest.raises(AssertionError, match="site 'z' has no analytic KL.*") as e:
        jax.eval_shape(lambda: assert_analytic_kl(model, guide))
    assert reason in str(e.value)


def test_a_seeded_program_keeps_its_keys():
    seeded = seed(model, 7)
    before = seeded.rng_key
    assert_analytic_kl(seeded, model)
    assert (seeded.rng_key == before).all()


def test_a_scale_that_jax_traces_is_unknown_rather_than_wrong():
    def check(by):
        scaled = scale(model, scale=by)
        assert_analytic_kl(scaled, scaled)
        assert_analytic_kl(scale(model, scale=by + 0.0), scaled)

    check(2.0)
    with pytest.raises(AssertionError, match="may count .* its scale is known only"):
        jax.eval_shape(check, jnp.array(2.0))
