"""What the hosts can wrap around a site, in model and guide or in one of them.

Each wrapper holds two variables of three categories, and says by what their densities
are to be multiplied in the model and in the guide.
"""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import numpy as np

K, TAU = 3, 0.5
GUIDE_LOC = np.array([[0.4, -0.3], [-0.8, 0.9]])
MODEL_LOC = np.array([[-0.2, 0.5], [0.6, 0.1]])
SCALES = np.array([[0.9, 1.2], [0.7, 1.1]])
LOGITS = np.array([[0.1, 0.9, -0.4], [-0.7, 0.2, 0.3]])
CENTRES, X = np.array([-1.0, 0.5, 1.5]), np.array([0.8, -0.4])
KEPT = np.array([True, False])
LABELS = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])


def _plain(law, host):
    return law


def _none(host):
    return nullcontext()


@dataclass(frozen=True)
class Wrapper:
    """Wrappers of a distribution and handlers of a site, each for model and guide.

    ``weights`` and ``plates`` are for model and guide too, ``likelihood`` is the weight
    of the observations. ``event`` is of those with both variables in one event,
    ``inner`` of those with a dimension more in an event, ``known`` of values that are
    partly observed, ``is_one_sided`` of masks.
    """

    law: tuple[Callable, Callable] = (_plain, _plain)
    handler: tuple[Callable, Callable] = (_none, _none)
    weights: tuple = (1.0, 1.0)
    plates: tuple = (({"size": 2},), ({"size": 2},))
    likelihood: float = 1.0
    event: bool = False
    inner: bool = False
    known: bool = False
    parameters: str = "loc"
    vectorized: bool = True
    nesting: int = 1
    is_one_sided: bool = False

    @property
    def site(self):
        """The name of the latent site."""
        return "z_unobserved" if self.known else "z"

    def base(self, host, is_model):
        """The distribution of both variables, without wrappers."""
        loc = MODEL_LOC if is_model else GUIDE_LOC
        if is_model and self.parameters == "foreign":
            return host.gumbel(host.array(TAU), host.array(LOGITS))
        if self.parameters in ("loc", "foreign"):
            return host.igr.IGRStickBreaking(TAU, host.array(loc), host.array(SCALES))
        loc, scale = host.array(loc[0]), host.array(SCALES[0])
        if self.parameters == "shared":
            return host.igr.IGRStickBreaking(TAU, loc, scale)
        batch = host.array([0.5, 0.8] if is_model else [0.7, 1.3])
        if self.parameters == "temperature":
            return host.igr.IGR(batch, loc, scale)
        return host.igr.IGR(TAU, loc, scale, batch)

    def program(self, host, is_model):
        """A model or a guide."""
        side = 0 if is_model else 1
        name = "z" if is_model else self.site

        def run():
            law, rest = self.law[side](self.base(host, is_model), host), {}
            if is_model and self.known:
                rest = {"obs": host.array(LABELS), "obs_mask": host.array(KEPT)}
            with ExitStack() as stack:
                for i, sizes in enumerate(self.plates[side]):
                    stack.enter_context(host.plate(f"plate{i}", dim=-1 - i, **sizes))
                with self.handler[side](host):
                    z = host.sample(name, law, **rest)
                if is_model:
                    z = z[..., 0, :] if self.inner else z
                    x = host.normal(z @ host.array(CENTRES))
                    x = x.to_event(1) if self.event else x
                    host.sample("x", x, obs=host.array(X))

        return run


def law_mask(by):
    return lambda law, host: law.mask(by if isinstance(by, bool) else host.array(by))


def handler_mask(by):
    return lambda host: host.mask(by)


def scale(by):
    return lambda host: host.scale(by)


def _event(law, host):
    return law.to_event(1)


def _expanded(law, host):
    return law.expand((2,))


def _masked_inside(law, host):
    return law.mask(host.array(KEPT)).to_event(1)


def _masked_outside(law, host):
    shape = (2, 1, K - 1)
    parts = (x.reshape(shape) for x in (law.loc, law.scale))
    return host.igr.IGRStickBreaking(TAU, *parts).to_event(1).mask(host.array(KEPT))


def both(x):
    return x, x


NO_PLATES, ONE_PLATE = (), ({"size": 2},)
MASKED = {"weights": both(KEPT)}
MASKED_MODEL = {"weights": (KEPT, 1.0), "is_one_sided": True}
MASKED_GUIDE = {"weights": (1.0, KEPT), "is_one_sided": True}
KEEP_LAW, KEEP = law_mask(KEPT), handler_mask(KEPT)

WRAPPERS = {
    "none": Wrapper(),
    "to_event": Wrapper(law=both(_event), plates=both(NO_PLATES), event=True),
    "to_event of the guide": Wrapper(
        law=(_plain, _event), plates=(ONE_PLATE, NO_PLATES), vectorized=False
    ),
    "law.mask": Wrapper(law=both(KEEP_LAW), **MASKED),
    "law.mask of a foreign prior": Wrapper(
        law=both(KEEP_LAW), parameters="foreign", **MASKED
    ),
    "law.mask of the guide": Wrapper(law=(_plain, KEEP_LAW), **MASKED_GUIDE),
    "law.mask of the model": Wrapper(law=(KEEP_LAW, _plain), **MASKED_MODEL),
    "other law.mask": Wrapper(law=(KEEP_LAW, law_mask(~KEPT)), weights=(KEPT, ~KEPT)),
    "mask": Wrapper(handler=both(KEEP), **MASKED),
    "mask of the guide": Wrapper(handler=(_none, KEEP), **MASKED_GUIDE),
    "mask of the model": Wrapper(handler=(KEEP, _none), **MASKED_MODEL),
    "other mask": Wrapper(handler=(KEEP, handler_mask(~KEPT)), weights=(KEPT, ~KEPT)),
    "mask and law.mask": Wrapper(
        handler=(KEEP, _none), law=(_plain, KEEP_LAW), **MASKED
    ),
    "mask(False)": Wrapper(handler=both(handler_mask(False)), weights=both(0.0)),
    "mask(False) of the model": Wrapper(
        handler=(handler_mask(False), _none), weights=(0.0, 1.0), is_one_sided=True
    ),
    "scale": Wrapper(handler=both(scale(0.3)), weights=both(0.3)),
    "scale of the guide": Wrapper(handler=(_none, scale(0.3)), weights=(1.0, 0.3)),
    "scale of the model": Wrapper(handler=(scale(0.3), _none), weights=(0.3, 1.0)),
    "expand": Wrapper(law=both(_expanded), parameters="shared"),
    "expand of the guide": Wrapper(law=(_plain, _expanded), parameters="shared"),
    "nested plates": Wrapper(plates=both(({"size": 2}, {"size": 1})), nesting=2),
    "subsample": Wrapper(
        plates=both(({"size": 6, "subsample_size": 2},)),
        weights=both(3.0),
        likelihood=3.0,
    ),
    "obs_mask": Wrapper(
        handler=(_none, handler_mask(~KEPT)), weights=both(~KEPT), known=True
    ),
    "obs_mask of the model": Wrapper(
        weights=(~KEPT, 1.0), known=True, is_one_sided=True
    ),
    "batch of delta": Wrapper(parameters="delta"),
    "batch of temperature": Wrapper(parameters="temperature"),
    "Independent of Masked": Wrapper(
        law=both(_masked_inside), plates=both(NO_PLATES), event=True, **MASKED
    ),
    "Masked of Independent": Wrapper(law=both(_masked_outside), inner=True, **MASKED),
}
