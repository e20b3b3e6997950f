"""How the marks of relaxed values follow them through a program."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import jax
from jax import Array

from numpyro_igr._host import Literal, parts_of_scan
from numpyro_igr.handlers._marks import (
    HEAVISIDE,
    NONE,
    ORDERS,
    Marks,
    marks_of_choice,
    marks_of_result,
)

# What these return is not followed: no gradient is meant, or it is a test for NaN.
UNSEEN = {"is_finite", "stop_gradient"}
DIFFERENTIABLE = {"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"}
# Functions that are differentiable though they compare, and the package they are of.
COMPARING = {
    "_interp": "jax",
    "_ndtri": "jax",
    "boxcox": "jax",
    "boxcox1p": "jax",
    "comb": "jax",
    "gammasgn": "jax",  # 1 at positive values
    "kl_div": "jax",
    "logsumexp": "jax",
    "rel_entr": "jax",
    "sinc": "jax",
    "GeometricProbs.log_prob": "numpyro",
    "binary_cross_entropy_with_logits": "numpyro",
}


def follow(
    run: Callable, values: Mapping[str, Array], start: Mapping[str, str]
) -> Marks:
    """The marks, by the names of values, that reach what a function of them returns.

    Args:
        run: a function of the values, which returns a list.
        values: what it is a function of, by name.
        start: the marks of the values at the start.
    """
    jaxpr = jax.make_jaxpr(run)(dict(values)).jaxpr
    marks = [frozenset({(name, start[name])}) for name in sorted(values)]
    return NONE.union(*_through(jaxpr, marks))


def _through(jaxpr: Any, inputs: Sequence[Marks]) -> list[Marks]:
    """The marks of what a jaxpr returns."""
    marks = dict(zip(jaxpr.invars, inputs, strict=True))

    def read(variable: Any) -> Marks:
        return NONE if isinstance(variable, Literal) else marks.get(variable, NONE)

    for equation in jaxpr.eqns:
        found = [read(variable) for variable in equation.invars]
        if any(found):
            outputs = _of_outputs(equation, found)
            marks |= zip(equation.outvars, outputs, strict=True)
    return [read(variable) for variable in jaxpr.outvars]


def _of_outputs(equation: Any, found: list[Marks]) -> list[Marks]:
    """The marks of what an equation of a jaxpr returns, from those of its inputs."""
    name, params = equation.primitive.name, equation.params
    if name in BRANCHED:
        return BRANCHED[name](params, found)
    inner = [x for x in map(_jaxpr_of, params.values()) if x is not None]
    is_differentiable = name in DIFFERENTIABLE or _is_call_of_jax(params, inner)
    if params.get("name") == HEAVISIDE:  # which is its argument where that is NaN
        name = HEAVISIDE
    elif not is_differentiable and len(inner) == 1:
        if len(inner[0].invars) == len(found):  # a call
            return _through(inner[0], found)
    together = NONE.union(*found)
    if name == "select_n":
        together = marks_of_choice(found[0], NONE.union(*found[1:]))
    together = NONE if _is_unseen(equation) else together
    return [marks_of_result(name, v.aval.dtype, together) for v in equation.outvars]


# JAX compiles its functions, and a program may have one of the same name.
def _is_call_of_jax(params: dict, inner: list[Any]) -> bool:
    is_known = COMPARING.get(params.get("name", "")) == "jax"
    return is_known and any(_is_of_library(e) for jaxpr in inner for e in jaxpr.eqns)


def _is_unseen(equation: Any) -> bool:
    """Whether it is a test for NaN or infinity, or says that no gradient is meant."""
    name, inputs = equation.primitive.name, equation.invars
    if name in ORDERS:
        return _is_of_library(equation)
    if name not in ("eq", "ne"):
        return name in UNSEEN
    literals = [v.val for v in inputs if isinstance(v, Literal)]
    is_test = inputs[0] is inputs[1] or any(abs(x) == math.inf for x in literals)
    return is_test or _is_of_library(equation)


def _is_of_library(equation: Any) -> bool:
    traceback = equation.source_info.traceback
    return any(
        COMPARING.get(frame.function_name) in PurePath(frame.file_name).parts
        for frame in (traceback.frames if traceback else ())
    )


def _jaxpr_of(param: Any) -> Any:
    jaxpr = getattr(param, "jaxpr", param)
    return jaxpr if hasattr(jaxpr, "eqns") else None


def _through_cond(params: dict, found: list[Marks]) -> list[Marks]:
    outputs = [_through(b.jaxpr, found[1:]) for b in params["branches"]]
    return [found[0].union(*marks) for marks in zip(*outputs, strict=True)]


def _through_scan(params: dict, found: list[Marks]) -> list[Marks]:
    return _until_fixed(params["jaxpr"].jaxpr, *parts_of_scan(params, found))


def _through_while(params: dict, found: list[Marks]) -> list[Marks]:
    first = params["cond_nconsts"]
    last = first + params["body_nconsts"]
    body, condition = params["body_jaxpr"].jaxpr, params["cond_jaxpr"].jaxpr
    carry = _until_fixed(body, found[first:last], found[last:], [])
    (decisive,) = _through(condition, found[:first] + carry)
    return [marks | decisive for marks in carry]


def _until_fixed(
    body: Any, consts: list[Marks], carry: list[Marks], rest: list[Marks]
) -> list[Marks]:
    """The marks of a loop's carry, once another turn adds none, and of its outputs."""
    while True:
        outputs = _through(body, [*consts, *carry, *rest])
        again = [old | new for old, new in zip(carry, outputs, strict=False)]
        if again == carry:
            return carry + outputs[len(carry) :]
        carry = again


BRANCHED = {"cond": _through_cond, "scan": _through_scan, "while": _through_while}
