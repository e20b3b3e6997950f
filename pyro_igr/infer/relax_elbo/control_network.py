"""A small network for the control variate of RELAX."""

from typing import Any

import pyro
import torch
from pyro.distributions import MaskedDistribution
from torch import Tensor
from torch.nn.functional import pad

from pyro_igr._host import MultiFrameTensor, mask_of, scale_and_mask
from pyro_igr._numerics.checks import check_size
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr._typed import Message
from pyro_igr.infer._plates import sum_outside
from pyro_igr.infer.relax_elbo._names import Names


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
        >>> import pyro, torch
        >>> from pyro.infer import SVI
        >>> from pyro.optim import Adam
        >>> from pyro_igr import IGR, ControlNetwork, TraceRELAX_ELBO
        >>> def model():
        ...     pyro.sample("z", IGR(0.5, torch.zeros(2), torch.ones(2)))
        >>> network = ControlNetwork(num_hidden=8)
        >>> engine = TraceRELAX_ELBO(control_variate=network, name="small")
        >>> svi = SVI(model, model, Adam({"lr": 0.01}), engine)
        >>> _, found = svi.step(), pyro.param("small_hidden_z")
        >>> found.shape
        torch.Size([4, 8])
    """

    def __init__(self, num_hidden: int = 50) -> None:
        check_size(num_hidden=num_hidden)
        self.num_hidden: int = num_hidden

    def terms(
        self, z: dict[str, Tensor], sites: dict[str, dict[str, Any]], names: Names
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

    def _value(self, x: Tensor, hidden: str, output: str) -> Tensor:
        x = pad(x, (0, 1), value=1.0)
        a = pyro.param(hidden, lambda: _start(x, self.num_hidden))
        w = pyro.param(output, lambda: x.new_zeros(self.num_hidden + 1))
        return pad((x @ a).tanh(), (0, 1), value=1.0) @ w


def _plates(site: Message) -> frozenset:
    return frozenset(frame for frame in site["cond_indep_stack"] if frame.vectorized)


def _flat(x: Tensor, site: Message) -> Tensor:
    """Points with one dimension in place of those of an event."""
    return x.flatten(-site["fn"].event_dim)


def _end_to_end(parts: list[Tensor]) -> Tensor:
    batch = broadcast_shapes(*(x.shape[:-1] for x in parts))
    return torch.cat([x.expand(*batch, -1) for x in parts], -1)


def _start(x: Tensor, num_hidden: int) -> Tensor:
    """Weights of the hidden layer, always the same, which leave the chance alone."""
    shape, generator = (x.shape[-1], num_hidden), torch.Generator().manual_seed(0)
    noise = torch.randn(shape, generator=generator, device=generator.device)
    return noise.to(x) / x.shape[-1] ** 0.5


def _scaled_and_masked(value: Tensor, site: Message) -> Tensor:
    dist = site["fn"]
    if isinstance(dist, MaskedDistribution):
        value = scale_and_mask(value, mask=mask_of(dist))
    return scale_and_mask(value, site["scale"], site["mask"])
