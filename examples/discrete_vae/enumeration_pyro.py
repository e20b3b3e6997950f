"""The ELBO of a small discrete model, exactly: every code is summed over."""

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from pyro.infer import ELBO
from pyro.poutine import Trace, replay, trace
from pyro.poutine.util import prune_subsample_sites
from torch import Tensor


def all_codes(num_variables: int, num_categories: int) -> Tensor:
    """Every one-hot code, with shape `(codes, variables, categories)`."""
    codes = list(product(range(num_categories), repeat=num_variables))
    return torch.eye(num_categories)[torch.tensor(codes)]


class EnumeratedELBO(ELBO):
    r"""The ELBO of a discrete model of images, summed over the values of site "code".

    .. math:: \sum_z q(z | x) (\log p(x, z) - \log q(z | x))

    It and its gradient are exact.

    Args:
        codes: All the values, with shape `(codes, variables, categories)`.
    """

    def __init__(self, codes: Tensor) -> None:
        super().__init__(num_particles=len(codes))
        self.codes = codes

    def _get_trace(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> tuple[Trace, Trace]:
        drawn = trace(guide).get_trace(*args, **kwargs)
        value = drawn.nodes["code"]["value"]
        codes = self.codes.to(value).unsqueeze(1).expand(-1, *value.shape)
        drawn.nodes["code"]["value"] = codes
        scored = trace(replay(model, drawn)).get_trace(*args, **kwargs)
        return prune_subsample_sites(scored), drawn

    def differentiable_loss(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> Tensor:
        """The loss as a tensor, to be differentiated."""
        scored, drawn = self._get_trace(model, guide, args, kwargs)
        scored.compute_log_prob()
        drawn.compute_log_prob()
        code = drawn.nodes["code"]
        sites = [site for site in scored.nodes.values() if site["type"] == "sample"]
        log_ratio = sum(site["log_prob"] for site in sites) - code["log_prob"]
        return -(code["unscaled_log_prob"].exp() * log_ratio).sum()

    @torch.no_grad()
    def loss(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> float:
        return self.differentiable_loss(model, guide, *args, **kwargs).item()

    def loss_and_grads(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> float:
        """The loss; its gradient is added to those of the parameters."""
        loss = self.differentiable_loss(model, guide, *args, **kwargs)
        loss.backward()
        return loss.item()
