"""An automatic guide with a relaxed distribution at each relaxed site."""

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any, Unpack

import numpyro
from jax import Array
from jax.typing import ArrayLike
from numpyro import handlers
from numpyro.infer.autoguide import AutoGuide

from numpyro_igr.handlers import relax
from numpyro_igr.handlers._fit import check_temperature
from numpyro_igr.handlers._programs import check_program
from numpyro_igr.handlers._uses import check_uses
from numpyro_igr.infer._options import RelaxOptions, check_options
from numpyro_igr.infer.autoguide._continuous_part import continuous_part, starting
from numpyro_igr.infer.autoguide._followed_sites import (
    inspect_call,
    is_followed,
    is_guided,
    is_hidden,
    names_of_data,
)
from numpyro_igr.infer.autoguide._following import FollowingMessenger
from numpyro_igr.infer.autoguide._improper_sites import StartMessenger
from numpyro_igr.infer.autoguide._kinds_of_calls import KnownCalls, kind_of
from numpyro_igr.infer.autoguide._mean_field_guide import MeanFieldGuide
from numpyro_igr.infer.autoguide._part_list import PartList
from numpyro_igr.infer.autoguide._relaxed_guide import RelaxedGuide, is_relaxed
from numpyro_igr.infer.autoguide._scales import Scale, check_scale
from numpyro_igr.infer.autoguide._site_guide import SiteGuide
from numpyro_igr.infer.autoguide._sizes import plate_sizes
from numpyro_igr.infer.autoguide._supports import check_supports


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
        >>> import jax.numpy as jnp, numpyro
        >>> from numpyro_igr import AutoIGR, OneHotCategorical
        >>> def model():
        ...     return numpyro.sample("z", OneHotCategorical(jnp.ones(3) / 3))
        >>> guide = AutoIGR(model, temperature=0.1)
        >>> numpyro.handlers.seed(guide, 0)()["z"].shape
        (3,)
    """

    def __init__(
        self,
        model: Callable,
        temperature: ArrayLike | Callable[..., ArrayLike],
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
        model = StartMessenger(relax(model, 1.0, **options))
        super().__init__(model, create_plates=create_plates)
        self.temperature: ArrayLike | Callable[..., ArrayLike] = temperature
        self.scale: Scale = check_scale(scale)
        self.continuous = starting(continuous, init_loc_fn, init_scale)

    # Parts of consecutive sites keep the order of the model, which the host asks for.
    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        run = check_uses(self.model, args, kwargs)
        with handlers.block():
            program = handlers.trace(handlers.seed(self.model, numpyro.prng_key()))
            self.prototype_trace = trace = program.get_trace(*args, **kwargs)
        sites = {name: site for name, site in trace.items() if is_guided(site)}
        full_sizes, sizes = self._prototype_frame_full_sizes, plate_sizes(trace)
        for frame in (f for s in sites.values() for f in s["cond_indep_stack"]):
            self._prototype_frames[frame.name] = frame
            full_sizes[frame.name] = sizes.get(frame.name, frame.size)
        automatic: list[str] = []
        for relaxed, group in groupby(sites, lambda name: is_relaxed(sites[name])):
            hide = partial(is_hidden, exposed=(names := list(group)))
            part = handlers.block(self.model, hide)
            if relaxed:
                self.append(RelaxedGuide(part, self.temperature, self.scale))
            else:
                self.append(continuous_part(self.continuous, part))
                automatic += names if isinstance(self[-1], AutoGuide) else []
            self[-1]._create_plates = self._shared_plates
            if isinstance(self[-1], SiteGuide):
                self[-1].prepare(*args, **kwargs)
        self._known = full_sizes, names_of_data(run) - sites.keys()
        self._calls = KnownCalls({kind_of(*args, **kwargs): {**self._prototype_frames}})
        self.follows: bool = is_followed(self.model, trace, full_sizes, *args, **kwargs)
        check_supports(self.model, automatic, trace, *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        if self.prototype_trace is None:
            with self._reset_if_it_fails():
                self._setup_prototype(*args, **kwargs)
        self._inspect_if_new(*args, **kwargs)
        try:
            return (self._follow if self.follows else super().__call__)(*args, **kwargs)
        finally:
            self.plates = {}  # which hold what jit traces

    def _follow(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        plates, parts, given = self._create_plates(*args, **kwargs), {}, {}
        for part in self:
            if isinstance(part, SiteGuide):
                at = part.distributions(*args, **kwargs)
                parts |= dict.fromkeys(part.sites(), at)
            else:
                given |= part(*args, **kwargs)
        subsamples = {name: plate._indices for name, plate in plates.items()}
        following = FollowingMessenger(parts, given | subsamples, *self._known)
        return given | following.run(self.model, *args, **kwargs)

    def _inspect_if_new(self, *args: Any, **kwargs: Any) -> None:
        if (kind := kind_of(*args, **kwargs)) not in self._calls:
            found = inspect_call(self.model, *self._known, *args, **kwargs)
            follows, self._calls[kind] = found
            self.follows |= follows
        self._prototype_frames.update(self._calls[kind])
