"""Classes of the host, as a type checker is to see them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyro.distributions.distribution import DistributionMeta
    from pyro.distributions.torch_distribution import TorchDistributionMixin
    from torch import Tensor, distributions
    from torch.distributions import transforms

    # Pyro's own are for its plumbing: a base without shapes or support, which those of
    # PyTorch have, and a dictionary all of whose keys may be absent.
    Distribution = Any
    Message = Any

    # PyTorch's returns None, as far as a type checker infers.
    class Transform(transforms.Transform):
        @property
        def inv(self) -> "Transform": ...
        def __call__(self, x: Tensor) -> Tensor: ...
        def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor: ...

    # Pyro makes these when it is imported, unseen by a type checker.
    class Kumaraswamy(
        distributions.Kumaraswamy, TorchDistributionMixin, metaclass=DistributionMeta
    ): ...

    class RelaxedOneHotCategorical(
        distributions.RelaxedOneHotCategorical, TorchDistributionMixin
    ): ...

    class TransformedDistribution(
        distributions.TransformedDistribution,
        TorchDistributionMixin,
        metaclass=DistributionMeta,
    ): ...

else:
    from pyro.distributions import (
        Distribution,
        Kumaraswamy,
        RelaxedOneHotCategorical,
        TransformedDistribution,
    )
    from torch.distributions.transforms import Transform

    from pyro_igr._host import Message

__all__ = [
    "Distribution",
    "Kumaraswamy",
    "Message",
    "RelaxedOneHotCategorical",
    "Transform",
    "TransformedDistribution",
]
