"""A small network for the control variate of RELAX."""

from typing import Any, cast

import jax.numpy as jnp
import numpyro
from jax import Array, random
from numpyro.distributions import MaskedDistribution

from numpyro_igr._host import MultiFrameTensor, mask_of
from numpyro_igr._numerics.checks import check_size
from numpyro_igr.infer._plates import sum_outside
from numpyro_igr.infer.relax_elbo._names import Names


class ControlNetwork:
    r"""A learned function of relaxed points, with one hidden layer.

    There is one network for each set of plates that discrete sites lie in. In each
    element of these plates its input x is the concatenation of the relaxed points of
    all discrete sites that lie in these plates or in a subset of them; its value is

    .. math:: r(x) = w \cdot [\tanh(A [x, 1]), 1]

    scaled and masked as the log-probability of the first site in these plates. It
    starts at w = 0, so that RELAX starts as REBAR. Its parameters are
    ``NAME_hidden_SITE`` (A) and ``NAME_output_SITE`` (w), where SITE is the name of
    that first site and NAME that of the engine.

    Args:
        num_hidden: units of the hidden layer.

    Raises:
        TypeError: if ``num_hidden`` is no integer.
        ValueError: if it is not positive.

    Example:
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro.infer import SVI
        >>> from numpyro.optim import Adam
        >>> from numpyro_igr import IGR, ControlNetwork, TraceRELAX_ELBO
        >>> def model():
        ...     numpyro.sample("z", IGR(0.5, jnp.zeros(2), jnp.ones(2)))
        >>> network = ControlNetwork(num_hidden=8)
        >>> engine = TraceRELAX_ELBO(control_variate=network, name="small")
        >>> svi = SVI(model, engine.with_parameters(model), Adam(0.01), engine)
        >>> svi.get_params(svi.init(jax.random.key(0)))["small_hidden_z"].shape
        (4, 8)
    """

    def __init__(self, num_hidden: int = 50) -> None:
        check_size(num_hidden=num_hidden)
        self.num_hidden: int = num_hidden

    def terms(
        self, z: dict[str, Array], sites: dict[str, dict[str, Any]], names: Names
    ) -> MultiFrameTensor:
        """Its values by plates.

        Shape:
            a point: ``batch + (K,)``, with more event dimensions if its site has them;
            a value: one entry for each element of its plates.

        Args:
            z: points of the simplex by site.
            sites: the discrete sites, of a trace of the guide.
            names: of the parameters.

        Returns:
            a tensor of the host, with one value for each set of plates.
        """
        plates = {name: _plates(site) for name, site in sites.items()}
        firsts = {frames: name for name, frames in reversed(plates.items())}
        terms = MultiFrameTensor()
        for frames, first in firsts.items():
            inputs = [_flat(z[n], sites[n]) for n in sites if plates[n] <= frames]
            value = self._value(
                _end_to_end(inputs), names.hidden(first), names.output(first)
            )
            value = _scaled_and_masked(value, sites[first])
            terms.add((frames, sum_outside(value, frames)))
        return terms

    def _value(self, x: Array, hidden: str, output: str) -> Array:
        x = _append_one(x)
        a = cast(Array, numpyro.param(hidden, _start(x, self.num_hidden)))
        w = numpyro.param(output, jnp.zeros(self.num_hidden + 1, x.dtype))
        return _append_one(jnp.tanh(x @ a)) @ cast(Array, w)


def _plates(site: dict) -> frozenset:
    return frozenset(site["cond_indep_stack"])


def _flat(x: Array, site: dict) -> Array:
    """Points with one dimension in place of those of an event."""
    return x.reshape(*x.shape[: x.ndim - site["fn"].event_dim], -1)


def _end_to_end(parts: list[Array]) -> Array:
    batch = jnp.broadcast_shapes(*(x.shape[:-1] for x in parts))
    return jnp.concatenate(
        [jnp.broadcast_to(x, batch + x.shape[-1:]) for x in parts], -1
    )


def _append_one(x: Array) -> Array:
    return jnp.concatenate([x, jnp.ones_like(x[..., :1])], -1)


def _start(x: Array, num_hidden: int) -> Array:
    """Weights of the hidden layer, always the same, which leave the chance alone."""
    shape = x.shape[-1], num_hidden
    return random.normal(random.key(0), shape, x.dtype) / shape[0] ** 0.5


def _scaled_and_masked(value: Array, site: dict) -> Array:
    dist = site["fn"]
    if isinstance(dist, MaskedDistribution):
        value = jnp.where(mask_of(dist), value, 0.0)
    return value if site["scale"] is None else value * site["scale"]
