"""What a type checker tells a user of the package in Pyro; checked, never run."""

from functools import partial
from typing import Literal, assert_type

import torch
from pyro.distributions import Normal, OneHotCategorical, Poisson
from pyro.distributions.transforms import AffineTransform
from torch import Size, Tensor
from torch.distributions.transforms import Transform

from pyro_igr import (
    GEM,
    IGR,
    AutoIGR,
    ExpIGR,
    ExpRelaxedOneHotCategorical,
    IGRFlow,
    IGRReparam,
    IGRStickBreaking,
    InfiniteIGR,
    PlanarTransform,
    StickBreakingTransform,
    TraceDiscreteIWAE_ELBO,
    TraceDiscreteKL_ELBO,
    TraceEnumeratedDiscrete_ELBO,
    TraceRELAX_ELBO,
    TraceSTL_ELBO,
    TraceUnorderedSet_ELBO,
    argmax_probs,
    discretize,
    match_probs,
    relax,
)

zeros, ones = torch.zeros(3), torch.ones(3)

# Distributions: their own class, and attributes with types.
q = IGR(0.5, zeros, ones)
assert_type(q, IGR)
assert_type(q.temperature, Tensor)
assert_type(q.loc, Tensor)
assert_type(q.scale, Tensor)
assert_type(q.delta, Tensor)
assert_type(q.probs, Tensor)
assert_type(q.logits, Tensor)
assert_type(q.mode, Tensor)
assert_type(q.batch_shape, Size)
assert_type(q.rsample(Size((2,))), Tensor)
assert_type(q.sample(), Tensor)
assert_type(q.log_prob(q.sample()), Tensor)
assert_type(q.to_discrete(), OneHotCategorical)

# Whatever makes a member makes one of the same class.
assert_type(IGR.from_probs(0.5, probs=ones), IGR)
assert_type(ExpIGR.from_probs(0.5, logits=zeros), ExpIGR)
assert_type(IGRStickBreaking.from_probs(0.5, ones, scale=2.0), IGRStickBreaking)
assert_type(InfiniteIGR.from_discrete(0.5, Poisson(3.0)), InfiniteIGR)
assert_type(q.like(0.1, zeros, ones), IGR)
assert_type(q.expand((2,)), IGR)
assert_type(GEM(1.0, 5).expand(Size((2,))), GEM)

# Options.
sticks = IGRStickBreaking(0.5, zeros, ones, tempering="weights")
assert_type(sticks.tempering, Literal["sticks", "weights", "softmax++", "vertex"])
IGRStickBreaking(0.5, zeros, ones, tempering="stick")  # pyright: ignore[reportArgumentType]
StickBreakingTransform(0.5, "vertices")  # pyright: ignore[reportArgumentType]
assert_type(IGRFlow(0.5, zeros, ones, AffineTransform(0.0, 2.0)).delta, Tensor)
layers = [PlanarTransform(ones, ones), PlanarTransform(ones, ones)]
assert_type(IGRFlow(0.5, zeros, ones, layers).flow, tuple[Transform, ...])
endless = InfiniteIGR(None, zeros, ones, 0.9, tail=Normal(0.0, 1.0))
assert_type(endless.rho, Tensor)
assert_type(endless.num_sticks, int)
assert_type(endless.wanted_sticks(endless.rsample()), Tensor)
assert_type(GEM(1.0, 5).concentration, Tensor)
relaxed = ExpRelaxedOneHotCategorical(0.5, logits=zeros)
assert_type(relaxed.temperature, Tensor)

# Functions.
assert_type(argmax_probs(zeros, ones), Tensor)
assert_type(match_probs(ones / 3), Tensor)


# A relaxed model and a discretized one are called as the model is.
def model(data: Tensor, *, size: int = 3) -> Tensor:
    return data[:size]


assert_type(relax(model, 0.5)(zeros, size=2), Tensor)
assert_type(relax(model, lambda data, size: 1.0, keep={"z"})(zeros), Tensor)
assert_type(discretize(model)(zeros), Tensor)
relax(model, 0.5)(zeros, sizes=2)  # pyright: ignore[reportCallIssue]
discretize(model)("zeros")  # pyright: ignore[reportArgumentType]
assert_type(IGRReparam(0.5, family=IGR).one_hot, bool)


# A family is a class, or a function that makes a member.
def wide(temperature: Tensor | float, *, logits: Tensor) -> IGR:
    return IGR.from_probs(temperature, logits=logits, scale=2.0)


relax(model, 0.5, family=wide)
relax(model, 0.5, family=partial(IGR.from_probs, scale=2.0))
relax(model, 0.5, family=lambda tau, logits: IGR.from_probs(tau, logits=logits))
AutoIGR(model, 0.5, family=IGR.from_probs)
IGRReparam(0.5, family=wide)
relax(model, 0.5, family="IGR")  # pyright: ignore[reportArgumentType]

# Objectives: arguments by name, the host's among them.
TraceDiscreteKL_ELBO(5, vectorize_particles=True, max_plate_nesting=1)
assert_type(TraceDiscreteIWAE_ELBO(5, plate="data").num_samples, int)
TraceDiscreteIWAE_ELBO(5, gradient="doubly reparameterized")
TraceDiscreteIWAE_ELBO(5, gradient="double")  # pyright: ignore[reportArgumentType]
TraceDiscreteIWAE_ELBO(5, plates="data")  # pyright: ignore[reportCallIssue]
TraceSTL_ELBO(num_particles=5, retain_graph=True)
assert_type(TraceRELAX_ELBO(control_variate=None, temperature=0.1).name, str)
assert_type(TraceUnorderedSet_ELBO(4, replacement=True).num_samples, int)
TraceEnumeratedDiscrete_ELBO(max_configurations=100)
TraceSTL_ELBO(particles=5)  # pyright: ignore[reportCallIssue]
TraceRELAX_ELBO(temperature="low")  # pyright: ignore[reportArgumentType]

# The automatic guide takes the options of relax.
assert_type(
    AutoIGR(model, 0.5, scale=1.0, keep={"z"}).scale, float | Literal["learned"] | None
)
AutoIGR(model, 0.5, init_loc_fn=lambda site: None, init_scale=0.3)
AutoIGR(model, 0.5, keeps={"z"})  # pyright: ignore[reportCallIssue]
