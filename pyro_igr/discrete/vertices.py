"""The vertex nearest to a point of the simplex, with its gradient."""

from torch import Tensor
from torch.nn.functional import one_hot

from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.precision import in_full_precision


def straight_through(z: Tensor) -> Tensor:
    r"""The vertex nearest to z, with the gradient of z.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z))

    Shape:
        ``batch + (K,)`` to the same.
    Source:
        Bengio, Leonard and Courville (2013); IGR (Potapczynski et al., 2020), section
        3.3.

    Example:
        >>> import torch
        >>> from pyro_igr import straight_through
        >>> straight_through(torch.tensor([0.2, 0.7, 0.1]))
        tensor([0., 1., 0.])
    """
    refuse_complex(z=z)
    (z,), dtype = in_full_precision(z)
    hard = one_hot(z.argmax(-1), z.shape[-1]).to(z)
    return (hard + (z - z.detach())).to(dtype)
