"""An automatic guide with a relaxed distribution at each relaxed site."""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Unpack, cast

from pyro import poutine
from pyro.infer.autoguide import AutoCallable
from torch import Tensor, enable_grad

from pyro_igr._typed import Message
from pyro_igr.handlers import relax
from pyro_igr.handlers._fit import check_temperature
from pyro_igr.handlers._module_programs import like_program
from pyro_igr.handlers._programs import check_program
from pyro_igr.handlers._uses import check_uses
from pyro_igr.infer._delta_density import DensityMessenger
from pyro_igr.infer._options import RelaxOptions, check_options
from pyro_igr.infer._plates import check_sizes, check_subsamples
from pyro_igr.infer.autoguide._continuous_part import continuous_part, starting
from pyro_igr.infer.autoguide._followed_sites import (
    inspect_call,
    is_followed,
    is_guided,
    names_of_data,
)
from pyro_igr.infer.autoguide._following import FollowingMessenger
from pyro_igr.infer.autoguide._improper_sites import StartMessenger
from pyro_igr.infer.autoguide._kept_model import KeptModel
from pyro_igr.infer.autoguide._kinds_of_calls import KnownCalls, kind_of
from pyro_igr.infer.autoguide._mean_field_guide import MeanFieldGuide
from pyro_igr.infer.autoguide._part_list import PartList
from pyro_igr.infer.autoguide._relaxed_guide import RelaxedGuide, is_relaxed
from pyro_igr.infer.autoguide._scales import Scale, check_scale
from pyro_igr.infer.autoguide._site_guide import SiteGuide
from pyro_igr.infer.autoguide._sizes import full_size
from pyro_igr.infer.autoguide._supports import check_supports


class AutoIGR(PartList):
    r"""A guide with a relaxed distribution at each relaxed site, Gaussians at others.

    Each relaxed site of the model gets a distribution of the same family and options
    (delta, flow, tempering, rho, tail), with learned means; the guide starts at the
    distributions of the model's first run. Continuous sites, Gumbel-Softmax ones among
    them, get Gaussians through the bijection onto their support. All sites are
    independent, and ``TraceMeanField_ELBO`` has a closed-form KL at relaxed ones: at
    counts, with a flow and with a tempering other than "sticks" only at the temperature
    of the model, and else it estimates the KL, as :func:`assert_analytic_kl` says.
    :func:`discretize` makes the guide one-hot there.

    The guide applies the masks, scales and trained options that the model has at each
    call, and handles partly observed sites (``obs_mask``): if the first run has any at
    a latent site, every run of the guide also runs the model, with the values of the
    guide. Where a relaxed or a ``Normal`` site is masked, its value is drawn from the
    model, as under enumeration; do not use masked values of other sites. A mask that
    appears after the first run is noticed if types, shapes, flags or integers of the
    arguments changed, and otherwise missed: :func:`assert_analytic_kl` finds it.
    Discrete sites that :func:`relax` keeps are left to be enumerated. At a relaxed site
    ``median`` and ``quantiles`` return its discrete probabilities.

    Args:
        model: a model with relaxed sites; discrete ones are relaxed first.
        temperature: :math:`\tau > 0` of the guide's relaxed distributions: a number,
            or a function of the arguments of the model, so that it can be annealed.
        scale: the standard deviation of the Gaussians: None for that of the model's
            first run or a number, held as :class:`TraceDiscreteKL_ELBO` needs; or
            "learned", for ``TraceMeanField_ELBO``. The means start at the model's.
        continuous: makes the guide of the continuous sites: independent Gaussians, an
            automatic guide of the host, or a function of the model that returns one.
        init_loc_fn: given to ``continuous``: where its sites start, as in the host's
            guides.
        init_scale: given to ``continuous``: the first standard deviation of its
            Gaussians, 0.1 if None.
        create_plates: as in the host's guides; in Pyro, a given subsample needs it.
        options: keywords of :func:`relax`, for a model that is not relaxed yet.

    Raises:
        TypeError: as :func:`relax`; if ``model`` is no program; at an unknown option.
        ValueError: as :func:`relax`; if ``scale`` is none of these; in the first run if
            the model compares, rounds or indexes with a relaxed value, or if a support
            of automatic guides moves; at a masked or scaled site of ``continuous``.

    Example:
        >>> import pyro, torch
        >>> from pyro.distributions import OneHotCategorical
        >>> from pyro_igr import AutoIGR
        >>> def model():
        ...     return pyro.sample("z", OneHotCategorical(torch.ones(3) / 3))
        >>> guide = AutoIGR(model, temperature=0.1)
        >>> guide()["z"].shape
        torch.Size([3])
    """

    def __init__(
        self,
        model: Callable,
        temperature: Tensor | float | Callable[..., Tensor | float],
        *,
        scale: Scale = None,
        continuous: Callable = MeanFieldGuide,
        init_loc_fn: Callable | None = None,
        init_scale: float | None = None,
        create_plates: Callable | None = None,
        **options: Unpack[RelaxOptions],
    ) -> None:
        check_program(model=model)
        check_temperature(temperature)
        check_options(options)
        relaxed = relax(model, 1.0, **options)
        started = like_program(StartMessenger()(relaxed), relaxed)
        super().__init__(started, create_plates=create_plates)
        self._model = KeptModel((self.model,))
        self.temperature: Tensor | float | Callable[..., Tensor | float] = temperature
        self.scale: Scale = check_scale(scale)
        self.continuous = starting(continuous, init_loc_fn, init_scale)

    @staticmethod
    def _prototype_hide_fn(msg: Message) -> bool:
        return not is_guided(msg)

    # Parts of consecutive sites keep the order of the model, which the host asks for.
    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        with enable_grad():  # which tells what is trained
            run = check_uses(self.model, args, kwargs)
        super()._setup_prototype(*args, **kwargs)
        if self.create_plates is None:
            check_sizes(self._prototype_frames)
            check_subsamples(self._prototype_frames, run)
        sites = dict(cast(poutine.Trace, self.prototype_trace).iter_stochastic_nodes())
        automatic: list[str] = []
        for relaxed, group in groupby(sites, lambda name: is_relaxed(sites[name])):
            part = poutine.block(self.model, expose=(names := list(group)))
            if relaxed:
                self.append(RelaxedGuide(part, self.temperature, self.scale))
            else:
                self.append(continuous_part(self.continuous, part))
                automatic += [] if isinstance(self[-1], AutoCallable) else names
            if isinstance(last := self[-1], SiteGuide):
                last.prepare(*args, **kwargs)
        full_sizes = {n: full_size(f) for n, f in self._prototype_frames.items()}
        self._known = full_sizes, names_of_data(run) - sites.keys()
        self._calls = KnownCalls({kind_of(*args, **kwargs): {**self._prototype_frames}})
        self.follows: bool = is_followed([run[name] for name in sites], full_sizes)
        check_supports(self.model, automatic, sites, *args, **kwargs)

    # The host takes its model from a guide that it copies, and its parts.
    def __getstate__(self) -> dict[str, Any]:
        model = self._model
        state = super().__getstate__() | {"_model": model}
        self._model = model
        return state

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        if self.prototype_trace is None:
            with self._reset_if_it_fails():
                self._setup_prototype(*args, **kwargs)
        self._inspect_if_new(*args, **kwargs)
        with DensityMessenger():
            return (self._follow if self.follows else super().forward)(*args, **kwargs)

    def _inspect_if_new(self, *args: Any, **kwargs: Any) -> None:
        if (kind := kind_of(*args, **kwargs)) not in self._calls:
            found = inspect_call(self.model, *self._known, *args, **kwargs)
            follows, self._calls[kind] = found
            self.follows |= follows
        self._prototype_frames.update(self._calls[kind])

    def _follow(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        plates, parts, given = self._create_plates(*args, **kwargs), {}, {}
        for part in self:
            if isinstance(part, SiteGuide):
                at = part.distributions(*args, **kwargs)
                parts |= dict.fromkeys(part.sites(), at)
            else:
                given |= part(*args, **kwargs)
        subsamples = {name: plate.indices for name, plate in plates.items()}
        following = FollowingMessenger(parts, given | subsamples, *self._known)
        return given | following.run(self.model, *args, **kwargs)
