"""Importance weights of relaxed samples, linear in the log-probabilities."""

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

from jax import Array, lax, random, vmap
from numpyro.handlers import seed, substitute
from numpyro.infer.elbo import ELBO

from numpyro_igr._host import get_importance_trace
from numpyro_igr._numerics.checks import check_size
from numpyro_igr.handlers._uses import check_pair
from numpyro_igr.infer._data_plates import Plates
from numpyro_igr.infer._free_scale import warn_of_free_scale
from numpyro_igr.infer._last_pair import LastPair
from numpyro_igr.infer._options import ELBOOptions
from numpyro_igr.infer._plates import check_plate
from numpyro_igr.infer.discrete_iwae._bound import scored
from numpyro_igr.infer.discrete_iwae._draws import DrawMessenger
from numpyro_igr.infer.discrete_iwae._dreg import (
    Gradient,
    Paths,
    check_gradient,
    check_independent,
)
from numpyro_igr.infer.discrete_iwae._elements import Frames
from numpyro_igr.infer.discrete_iwae._linear_sites import count_linearly
from numpyro_igr.infer.discrete_iwae._structure import structure_of

Trace = dict[str, dict]


class TraceDiscreteIWAE_ELBO(ELBO):
    r"""Relaxed samples with importance weights of the discrete distributions.

    .. math::
        \sum_e \log \frac{1}{S} \sum_{s=1}^S p(x_e | z_{es}) \exp\Big( \sum_k z_{esk}
        (\log p_k - \log q_k) \Big), \qquad z_{es} \sim q

    where z is relaxed, and q and p are the discrete distributions that
    ``to_discrete()`` returns for guide and model (IGR, its stick-breaking,
    Gumbel-Softmax, straight-through or not); the prior may be ``OneHotCategorical``.
    Categories that q lacks contribute nothing, other sites their densities. The
    elements e are those of the plates that all sites within plates share; without
    plates, all data have one weight.

    At one-hot values (straight-through) it is the importance-weighted bound of the
    discrete model, the host's ``RenyiELBO(alpha=0)`` after :func:`discretize`. At
    relaxed values it is not a bound for any model, and neither is
    :class:`TraceDiscreteKL_ELBO`. With one sample it is that objective with
    :math:`\sum_k z_k (\log q_k - \log p_k)` in place of the exact KL, which is the mean
    of this term only in the limit of temperature 0. Report :func:`log_likelihood`.

    A latent site outside of these plates is drawn once and contributes outside of the
    mean over samples: it has an ELBO, and the others a bound given it. The average
    scale of the observations, as of a subsampled plate, multiplies the bound; the scale
    of a site relative to it is an exponent of the site's factor in each weight.

    A doubly reparameterized gradient is not that of this objective: paths through
    relaxed samples get their squared weights as factors, and q has no other gradient.
    The score left out, :math:`\sum_k z_k \nabla \log q_k`, has mean zero for one-hot z
    only. It has less noise, and tends to that of the discrete bound at temperature 0.

    As with :class:`TraceDiscreteKL_ELBO`, fix the scale of an IGR or bound it from
    below. A scale that depends on parameters causes one warning.

    Units:
        The loss is in nats.

    Args:
        num_samples: S; in Pyro they are in a dimension to the left of all plates.
        num_particles: how many such bounds are averaged, 1 by default.
        plate: names of the plates of the elements; ``()`` for one weight of everything.
        gradient: "plain", or "doubly reparameterized".
        kwargs: as for the host's ``ELBO``.

    Raises:
        TypeError: if ``plate`` is neither a name nor a collection of names.
        ValueError: if a number is not positive; at a site of the guide that is not
            reparameterized, or relaxed and dependent on others where the gradient is
            doubly so; at a relaxed one without a discrete one behind it in the model,
            or with other categories or (if known) another mask; at a latent site that
            the guide lacks, or one-hot with a density there; if a plate within an
            element is subsampled, or a site outside of those named depends on samples
            within; in a first run that compares, rounds or indexes with relaxed values.
        NotImplementedError: if a discrete distribution has no closed form.

    Source:
        Burda, Grosse and Salakhutdinov (2016), eq. 8, with relaxed samples as in Jang,
        Gu and Poole (2017), and linear weights, which are ours. Doubly reparameterized
        gradients are those of Tucker, Lawson, Gu and Maddison (2019).

    Example:
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro_igr import IGRStraightThrough, TraceDiscreteIWAE_ELBO
        >>> def model():
        ...     prior = IGRStraightThrough.from_probs(0.5, jnp.array([0.5, 0.5]))
        ...     z = numpyro.sample("z", prior)
        ...     numpyro.factor("x", jnp.log(z @ jnp.array([0.4, 1.6])))
        >>> def guide():
        ...     probs = jnp.array([0.2, 0.8])
        ...     numpyro.sample("z", IGRStraightThrough.from_probs(0.5, probs))
        >>> loss = TraceDiscreteIWAE_ELBO(5).loss(jax.random.key(0), {}, model, guide)
        >>> print(f"{abs(loss):.4f}")
        0.0000
    """

    can_infer_discrete = True  # else SVI of the host warns of a one-hot prior

    def __init__(
        self,
        num_samples: int,
        num_particles: int = 1,
        *,
        plate: Plates = None,
        gradient: Gradient = "plain",
        **kwargs: Unpack[ELBOOptions],
    ) -> None:
        check_size(num_samples=num_samples, num_particles=num_particles)
        check_gradient(gradient)
        super().__init__(num_particles, **kwargs)
        self.num_samples: int = num_samples
        self.plate: Plates = check_plate(plate)
        self.gradient: Gradient = gradient
        self._has_warned, self._last = False, LastPair()

    def loss(
        self,
        rng_key: Array,
        param_map: dict[str, Any],
        model: Callable,
        guide: Callable,
        *args: Any,
        **kwargs: Any,
    ) -> Array:
        self._check(rng_key, param_map, (model, guide), args, kwargs)

        def particle(key: Array) -> Array:
            keys = random.split(key, 3)

            def run(key: Array, plates: Frames, *weights: Any) -> tuple[Trace, Trace]:
                paths = Paths(plates, *weights) if self.gradient != "plain" else None
                p, q, _ = count_linearly(model, guide, paths)
                of_model, of_guide = random.split(key)
                replayed = DrawMessenger(of_model, plates)(seed(p, keys[0]))
                drawn = DrawMessenger(of_guide, plates)(seed(q, keys[1]))
                return get_importance_trace(replayed, drawn, args, kwargs, param_map)

            return self._loss(run, keys[2])

        keys = random.split(rng_key, self.num_particles)
        return self.vectorize_particles_fn(particle, keys).mean()

    def _check(
        self, key: Array, params: dict[str, Any], pair: tuple, args: tuple, kwargs: dict
    ) -> None:
        if self._last.programs != pair:
            at = partial(substitute, data=params)
            check_pair(at(pair[0]), at(pair[1]), args, kwargs)
            self._last = LastPair(*pair)
        if not self._has_warned:
            run = partial(seed(pair[1], key), *args, **kwargs)
            self._has_warned = warn_of_free_scale(run, params)

    def _loss(self, run: Callable, key: Array) -> Array:
        structure = structure_of(run, key, self.plate)

        def of_sample(key: Array, *weights: Any) -> list[tuple[Array, Any]]:
            found = scored(*run(key, structure.plates, *weights))
            return [(sign * site["log_prob"], site["scale"]) for sign, site in found]

        keys = random.split(key, self.num_samples)
        found = structure.bound_of(vmap(of_sample)(keys))
        if self.gradient != "plain" and found.weights is not None:
            check_independent(structure.dependent)
            of_all = vmap(of_sample, (0, 0, None))
            scale = lax.stop_gradient(found.scale)
            found = structure.bound_of(of_all(keys, found.weights, scale))
        return -found.elbo
