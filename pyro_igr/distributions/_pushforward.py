"""The law of g(y) for Gaussian y: what all members of the family share."""

from typing import ClassVar

import torch
from pyro.distributions import Normal, TransformedDistribution
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.transforms import Transform

from pyro_igr._numerics.checks import refuse_complex
from pyro_igr.distributions._absent import Absent
from pyro_igr.distributions._parameters import check_shapes, infer_shapes, to_arrays
from pyro_igr.distributions._recovered import Recovered
from pyro_igr.distributions._rounding import absorb_rounding, to_score


class GaussianPushforward(Recovered, Absent, TransformedDistribution):
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
    value_is_log = False
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
