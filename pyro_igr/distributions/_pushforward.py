"""The distribution of g(y) for Gaussian y: what all members of the family share."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, cast

import torch
from pyro.distributions import Normal
from torch import Size, Tensor
from torch.distributions import Distribution, constraints

from pyro_igr._numerics.shapes import check_shapes, infer_shapes
from pyro_igr._typed import Transform, TransformedDistribution
from pyro_igr.distributions._absent import Absent
from pyro_igr.distributions._family import Family
from pyro_igr.distributions._parameters import check_value, to_arrays
from pyro_igr.distributions._recovered import Recovered
from pyro_igr.distributions._rounding import absorb_rounding, to_score


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
        >>> import torch
        >>> from torch.distributions import constraints
        >>> from pyro_igr import GaussianPushforward, SoftmaxPlusPlusTransform
        >>> from pyro_igr.discrete import log_argmax_probs, match_log_probs
        >>> class Halved(GaussianPushforward):  # softmax++ at delta = 0.5
        ...     support = constraints.simplex
        ...     def _transform(self):
        ...         return SoftmaxPlusPlusTransform(self.temperature, 0.5)
        ...     def _log_probs(self):
        ...         return log_argmax_probs(self.loc, self.scale)
        ...     _match = staticmethod(match_log_probs)
        >>> q = Halved.from_probs(0.1, torch.tensor([0.5, 0.3, 0.2]))
        >>> q.probs
        tensor([0.5000, 0.3000, 0.2000])
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "temperature": constraints.positive,
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }
    has_rsample: bool = True
    temperature: Tensor
    loc: Tensor
    scale: Tensor
    base_dist: Distribution
    transforms: list[Transform]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = cast(type[GaussianPushforward], super(cls, cls))._transform
        if cls._transform is inherited or inherited is GaussianPushforward._transform:
            return
        for name in {"unit_shift", "unit_map", "noise_type"} - vars(cls).keys():
            setattr(cls, name, None)

    def __init__(
        self,
        temperature: Tensor | float,
        loc: Tensor,
        scale: Tensor | float,
        *,
        validate_args: bool | None = None,
        **options: Any,
    ) -> None:
        self._given = {"temperature": temperature, **options}
        self.__dict__.update(options)
        given = self._given | {"loc": loc, "scale": scale}
        arrays = to_arrays({name: given[name] for name in self.arg_constraints})
        shapes = check_shapes({name: x.shape for name, x in arrays.items()})
        self._place(arrays, *shapes, validate_args=validate_args)

    def _transform(self) -> Transform:
        raise NotImplementedError

    def _place(
        self,
        parameters: dict[str, Tensor],
        batch_shape: Size,
        event_shape: Size,
        *,
        validate_args: bool | None,
    ) -> None:
        for name, value in parameters.items():
            own = (event_shape[0] - 1,) if name in ("loc", "scale") else ()
            setattr(self, name, _expand(value, batch_shape + own))
        # An empty batch has nothing to check, and the host cannot check its vectors.
        validate_args = False if 0 in batch_shape else validate_args
        Distribution.__init__(self, batch_shape, event_shape, validate_args)
        normal = Normal(self.loc, self.scale, validate_args=False)
        self.base_dist = normal.to_event(1)
        self.transforms = [self._transform()]

    def expand(self, batch_shape: Sequence[int], _instance: Self | None = None) -> Self:
        new = cast(Self, self._get_checked_instance(type(self), _instance))
        new.__dict__.update(self.__dict__)
        parameters = {name: getattr(self, name) for name in self.arg_constraints}
        new._place(parameters, Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        new._unexpanded = self
        return new

    @classmethod
    def infer_shapes(cls, **arg_shapes: Size) -> tuple[Size, Size]:
        return infer_shapes(**arg_shapes)

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        shape = Size(sample_shape) + self.loc.shape
        noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.transforms[0](self.loc + self.scale * noise)

    def sample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        check_value(value, self.event_shape)
        if self._validate_args:
            self._validate_sample(value)
        (value, loc, scale), dtype = to_score(value, self.loc, self.scale)
        transform = self.transforms[0]
        y = transform.inv(value)
        inside = y.isfinite().all(-1)
        y = torch.where(inside.unsqueeze(-1), y, loc)
        gaussian = Normal(loc, scale, validate_args=False).log_prob(y).sum(-1)
        log_prob = gaussian - transform.log_abs_det_jacobian(y, value)
        return torch.where(inside, log_prob, -torch.inf).to(dtype)

    def _validate_sample(self, value: Tensor) -> None:
        if self.support is constraints.simplex:
            value = absorb_rounding(value)
        super()._validate_sample(value)


def _expand(value: Tensor, shape: Size) -> Tensor:
    """As ``value.expand``, but a leaf that fits stays one: views defy deepcopy."""
    return value if value.shape == shape else value.expand(shape)
