"""The distribution of g(y) for Gaussian y: what all members of the family share."""

from typing import Any, ClassVar, cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution, Normal, constraints

from numpyro_igr._host import promote_shapes, validate_sample
from numpyro_igr._numerics.shapes import check_shapes, infer_shapes
from numpyro_igr._typed import Constraint, Transform, TransformedDistribution
from numpyro_igr.distributions._absent import Absent
from numpyro_igr.distributions._compiled import draw, log_prob_at, or_mean
from numpyro_igr.distributions._family import Family
from numpyro_igr.distributions._parameters import check_value, to_arrays
from numpyro_igr.distributions._recovered import Recovered
from numpyro_igr.distributions._rounding import absorb_rounding, to_score

Shape = tuple[int, ...]


class GaussianPushforward(Family, Recovered, Absent, TransformedDistribution):
    r"""Base of the distributions of :math:`z = g(y, \tau)` for Gaussian y.

    .. math::
        y = \mu + \sigma \epsilon, \quad \epsilon \sim N(0, I_{K-1}), \qquad
        \log p(z) = \log N(y; \mu, \sigma^2)
        - \log \Big|\det \frac{\partial z_{1..K-1}}{\partial y}\Big|

    Subclass it to add a family. A subclass defines its map, ``_transform``; its
    discrete distribution, ``_log_probs``; the inverse of that, ``_match``; and, unless
    the defaults apply, the attributes that handlers, KL and objectives read:

    - ``options``: the names of its arguments other than temperature, loc and scale.
      Those that are arrays with the batch are in ``arg_constraints`` as well.
    - ``unit_shift``: b, such that :math:`y / \tau + b` is the same function of z at all
      temperatures and options; None if there is none. The KL is in closed form at equal
      temperatures and options, and with such a b at different ones as well.
    - ``unit_map``: the inverse, to z; None if there is none, or if values need more.
    - ``noise_type``: how to draw y given h(y), for RELAX; None if not known.
    - ``value_is_log``: whether a value is log z; ``value_is_hard``: whether it is h(y).
    - ``has_discrete_gradient``: whether ``.probs`` is differentiable.

    If a subclass of a family overrides ``_transform``, it inherits ``.probs``, but not
    ``unit_shift``, ``unit_map`` and ``noise_type``, which belong to its parent's map.

    A value with an entry that has underflowed to 0 lies on the boundary, where the
    density vanishes: its ``log_prob`` is -inf, never a clamped finite number.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; others: ``batch``; z: ``batch + (K,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        validate_args: whether to check; the host's default if None.
        options: further arguments of the family.

    Raises:
        ValueError: if shapes do not broadcast or, if validated, ranges are not kept.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro.distributions import constraints
        >>> from numpyro_igr import GaussianPushforward, SoftmaxPlusPlusTransform
        >>> from numpyro_igr.discrete import log_argmax_probs, match_log_probs
        >>> class Halved(GaussianPushforward):  # softmax++ at delta = 0.5
        ...     support = constraints.simplex
        ...     def _transform(self):
        ...         return SoftmaxPlusPlusTransform(self.temperature, 0.5)
        ...     def _log_probs(self):
        ...         return log_argmax_probs(self.loc, self.scale)
        ...     _match = staticmethod(match_log_probs)
        >>> q = Halved.from_probs(0.1, jnp.array([0.5, 0.3, 0.2]))
        >>> [round(x, 4) for x in q.probs.tolist()]
        [0.5, 0.3, 0.2]
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "temperature": constraints.positive,
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }
    has_rsample: bool = True
    temperature: Array
    loc: Array
    scale: Array

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = cast(type[GaussianPushforward], super(cls, cls))._transform
        if cls._transform is inherited or inherited is GaussianPushforward._transform:
            return
        for name in {"unit_shift", "unit_map", "noise_type"} - vars(cls).keys():
            setattr(cls, name, None)

    def __init__(
        self,
        temperature: ArrayLike,
        loc: ArrayLike,
        scale: ArrayLike,
        *,
        validate_args: bool | None = None,
        **options: Any,
    ) -> None:
        self._given = {"temperature": temperature, **options}
        vars(self).update(options)
        given = {**self._given, "loc": loc, "scale": scale}
        arrays = to_arrays({name: given[name] for name in self.arg_constraints})
        shapes = {name: jnp.shape(x) for name, x in arrays.items()}
        batch_shape, event_shape = check_shapes(shapes)
        for name, value in arrays.items():
            own = (event_shape[0] - 1,) if name in ("loc", "scale") else ()
            (promoted,) = promote_shapes(value, shape=batch_shape + own)
            setattr(self, name, promoted)
        # An empty batch has nothing to check, and the host cannot check its vectors.
        validate_args = False if 0 in batch_shape else validate_args
        Distribution.__init__(
            self, batch_shape, event_shape, validate_args=validate_args
        )
        self._transform()  # which checks what only the map knows

    # The parameters are the only leaves, all of one batch rank; the rest is derived,
    # so that vmap and scan over a distribution see nothing twice.
    @classmethod
    def gather_pytree_data_fields(cls) -> tuple[str, ...]:
        return tuple(cls.arg_constraints)

    @classmethod
    def gather_pytree_aux_fields(cls) -> tuple[str, ...]:
        static = set(cls.options) - set(cls.gather_pytree_data_fields())
        return (*super().gather_pytree_aux_fields(), *sorted(static))

    def _transform(self) -> Transform:
        raise NotImplementedError

    @property
    def base_dist(self) -> Distribution:
        loc, scale = jnp.broadcast_arrays(self.loc, self.scale)
        return Normal(loc, scale, validate_args=False).to_event(1)

    @property
    def transforms(self) -> list[Transform]:
        return [self._transform()]

    @classmethod
    def infer_shapes(cls, *args: Shape, **kwargs: Shape) -> tuple[Shape, Shape]:
        return infer_shapes(
            **dict(zip(cls.arg_constraints, args, strict=False), **kwargs)
        )

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        shape = sample_shape + self.batch_shape + (self.event_shape[0] - 1,)
        y = draw(key, self.loc, self.scale, shape)
        return cast(Array, self._transform()(y))

    def rsample(self, key: Array, sample_shape: Shape = ()) -> Array:
        return self.sample(key, sample_shape)

    def sample_with_intermediates(
        self, key: Array, sample_shape: Shape = ()
    ) -> tuple[Array, list[Any]]:
        return self.sample(key, sample_shape), []

    @validate_sample
    def log_prob(self, value: Array, intermediates: list[Any] | None = None) -> Array:
        check_value(value, self.event_shape)
        (value, loc, scale), dtype = to_score(value, self.loc, self.scale)
        transform = self._transform()
        inside, y = or_mean(transform._inverse(value), loc)
        log_det = transform.log_abs_det_jacobian(y, value)
        return log_prob_at(inside, y, loc, scale, log_det).astype(dtype)

    def _validate_sample(self, value: Array) -> ArrayLike:
        is_simplex = self.support is constraints.simplex
        return super()._validate_sample(absorb_rounding(value) if is_simplex else value)
