"""The vertex nearest to a point of the simplex, with its gradient."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import one_hot

from numpyro_igr._numerics.checks import refuse_complex
from numpyro_igr._numerics.precision import in_full_precision


def straight_through(z: Array) -> Array:
    r"""The vertex nearest to z, with the gradient of z.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z))

    Shape:
        ``batch + (K,)`` to the same.
    Source:
        Bengio, Leonard and Courville (2013); IGR (Potapczynski et al., 2020), section
        3.3.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import straight_through
        >>> straight_through(jnp.array([0.2, 0.7, 0.1]))
        Array([0., 1., 0.], dtype=float32)
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
