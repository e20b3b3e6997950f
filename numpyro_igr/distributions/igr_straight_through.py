"""Straight-through IGR: one-hot forward, relaxed gradient (section 3.3)."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import one_hot

from numpyro_igr._numerics.checks import refuse_complex
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr.distributions.igr import IGR


def straight_through(z: Array) -> Array:
    r"""The vertex nearest to z, with the gradient of z.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z))

    Shape: ``batch + (K,)`` to the same.
    Source: Bengio, Leonard and Courville (2013); IGR (Potapczynski et al., 2020),
        section 3.3.
    """
    refuse_complex(z=z)
    (z,), dtype = in_full_precision(z)
    return _nearest(z).astype(dtype)


# In one piece, which is seen to have a gradient.
@jax.custom_jvp
def _nearest(z: Array) -> Array:
    hard = one_hot(z.argmax(-1), z.shape[-1], dtype=z.dtype)
    return jnp.where(jnp.isnan(z), jnp.nan, hard)


@_nearest.defjvp
def _as_of_z(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return _nearest(*primals), *tangents


class IGRStraightThrough(IGR):
    r"""An :class:`IGR` whose samples are exactly one-hot, with relaxed gradients.

    With the closed-form KL it works in every plate of ``TraceMeanField_ELBO``. Its
    density is that of the relaxed law, which gives a one-hot value none: ``log_prob``
    of a sample is -inf, so that a Monte-Carlo ELBO is visibly not finite.

    Shape: ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``, ``delta``:
    ``batch`` or plain numbers; value: ``batch + (K,)``.
    Units: log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`, of the relaxed gradient.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if shapes do not broadcast or, under validation, if a parameter
            is outside its range.

    Source: IGR (Potapczynski et al., 2020), section 3.3.
    """

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return straight_through(super().sample(key, sample_shape))
