"""The law of g(y) for Gaussian y: what all members of the family share."""

from typing import Any, ClassVar

import torch
from pyro.distributions import Normal, OneHotCategorical, TransformedDistribution
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.transforms import Transform

from pyro_igr._numerics import check_positive, refuse_complex
from pyro_igr.discrete import in_full_precision, to_log_probs
from pyro_igr.distributions.absent import Absent
from pyro_igr.distributions.parameters import check_shapes, infer_shapes, to_arrays
from pyro_igr.distributions.rounding import absorb_rounding, to_score


class GaussianPushforward(Absent, TransformedDistribution):
    r"""Base of the laws of :math:`z = g(y, \tau)` for Gaussian y.

    .. math::
        y = \mu + \sigma \epsilon, \quad \epsilon \sim N(0, I_{K-1}), \qquad
        \log p(z) = \log N(y; \mu, \sigma^2)
        - \log \Big|\det \frac{\partial z_{1..K-1}}{\partial y}\Big|

    A member names its parameters in ``arg_constraints`` and hands them to this
    ``__init__``; ``_transform`` returns its map and ``_log_probs`` the logarithm of
    its discrete law, that of the vertex h(y) which z tends to; ``_match`` inverts it.

    A value with an entry that has underflowed to 0 lies on the boundary, where the
    density vanishes: its ``log_prob`` is -inf, never a clamped finite number.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "temperature": constraints.positive,
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }
    has_rsample = True
    _unexpanded: "GaussianPushforward | None" = None

    def __init__(
        self, *, validate_args: bool | None, **parameters: Tensor | float
    ) -> None:
        arrays = to_arrays(parameters)
        self._place(arrays, *check_shapes(arrays), validate_args=validate_args)

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
        Distribution.__init__(self, batch_shape, event_shape, validate_args)
        normal = Normal(self.loc, self.scale, validate_args=False)
        self.base_dist = normal.to_event(1)
        self.transforms = [self._transform()]

    # A member's ``expand`` passes ``self._get_checked_instance(Member, _instance)`` on.
    def _expand(
        self, new: "GaussianPushforward", batch_shape: Size
    ) -> "GaussianPushforward":
        parameters = {name: getattr(self, name) for name in self.arg_constraints}
        new._place(parameters, Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        new._unexpanded = self
        return new

    def _log_probs(self) -> Tensor:
        raise NotImplementedError

    @property
    def logits(self) -> Tensor:
        """Log probabilities, in nats, of the recovered discrete law."""
        if self._unexpanded is None:
            return self._log_probs()
        return self._unexpanded.logits.expand(self.batch_shape + self.event_shape)

    @property
    def probs(self) -> Tensor:
        """Probabilities of the recovered discrete law, E[h(y)]."""
        return self.logits.exp()

    @property
    def mode(self) -> Tensor:
        """The most probable category of the recovered discrete law, one-hot."""
        return self.to_discrete().mode

    def to_discrete(self) -> OneHotCategorical:
        """The recovered discrete law, over one-hot vectors.

        Its log of 0 is the smallest finite number, as the KL of the host needs.
        """
        logits = self.logits.clamp(min=torch.finfo(self.loc.dtype).min)
        return OneHotCategorical(logits=logits, validate_args=self._validate_args)

    @staticmethod
    def _match(log_probs: Tensor, scale: Tensor | float, **options: Any) -> Tensor:
        raise NotImplementedError

    @classmethod
    def from_probs(
        cls,
        temperature: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        scale: Tensor | float = 1.0,
        **options: Any,
    ) -> "GaussianPushforward":
        """The member whose ``.probs`` are exactly those given.

        Args:
            temperature: as in the constructor.
            probs: weights of the K categories, all positive, in any unit.
            logits: log probabilities up to a constant, instead of ``probs``.
            scale: standard deviations of y, free to choose.
            options: further keywords of the constructor.

        Raises:
            ValueError: unless exactly one of ``probs`` and ``logits`` is given, in the
                interior of the simplex, all that is reached, and ``scale`` positive.
        """
        validate_args = options.pop("validate_args", None)
        check_positive(validate_args=validate_args, scale=scale)
        log_probs = to_log_probs(probs, logits)
        _, dtype = in_full_precision(logits if probs is None else probs, scale)
        loc = cls._match(log_probs, scale, **options).to(dtype)
        return cls(temperature, loc, scale, validate_args=validate_args, **options)

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
        refuse_complex(value=value)
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
