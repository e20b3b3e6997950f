"""Two discrete models small enough to be solved exactly, in NumPy."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.harness.command_line import Flags, at_least, option

Array = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Options(Flags):
    """How long to train, and on how much."""

    num_steps: int = option("steps of Adam for each fit", 1000, "-n", where=at_least(1))
    num_points: int = option(
        "number of data points in each model", 50, where=at_least(1)
    )


class Problem(NamedTuple):
    """A model's parameters, its data and the exact answers.

    Args:
        x: The data.
        means: Of the data in each state; their standard deviation is 1.
        start: Probabilities of the states, of the first one for a chain.
        transitions: Probabilities of the next state, one row a state; None where
            every point of the data has a state of its own.
        log_evidence: log p(x), in nats.
        posterior: Probabilities of the states given x, one row a point.
    """

    x: Array
    means: Array
    start: Array
    transitions: Array | None
    log_evidence: float
    posterior: Array


def make_mixture(num_points: int = 30) -> Problem:
    """A mixture of four Gaussians with known means, solved by enumeration."""
    rng = np.random.default_rng(0)
    means, start = np.array([-2.0, -0.5, 1.0, 3.0]), np.array([0.4, 0.1, 0.3, 0.2])
    x = means[rng.choice(4, num_points, p=start)] + rng.normal(size=num_points)
    log_joint = np.log(start) + _log_likelihoods(x, means)
    log_evidence = np.logaddexp.reduce(log_joint, -1)
    posterior = np.exp(log_joint - log_evidence[:, None])
    return Problem(x, means, start, None, log_evidence.sum(), posterior)


def make_chain(num_states: int = 8, num_steps: int = 50) -> Problem:
    """A hidden Markov model, solved by the forward and backward recursions."""
    rng = np.random.default_rng(1)
    means = 1.5 * np.arange(num_states)
    transitions = rng.dirichlet(np.ones(num_states), num_states)
    start = np.full(num_states, 1 / num_states)
    states = [rng.choice(num_states, p=start)]
    while len(states) < num_steps:
        states.append(rng.choice(num_states, p=transitions[states[-1]]))
    x = means[states] + rng.normal(size=num_steps)
    log_likelihoods = _log_likelihoods(x, means)
    forward = _forward(np.log(start), np.log(transitions), log_likelihoods)
    backward = _backward(np.log(transitions), log_likelihoods)
    log_evidence = np.logaddexp.reduce(forward[-1])
    posterior = np.exp(forward + backward - log_evidence)
    return Problem(x, means, start, transitions, log_evidence, posterior)


def _log_likelihoods(x: Array, means: Array) -> Array:
    return -((x[:, None] - means) ** 2 + np.log(2 * np.pi)) / 2


def _forward(log_start: Array, log_transitions: Array, log_likelihoods: Array) -> Array:
    """Log p(states at t, x up to t), one row a step."""
    rows = [log_start + log_likelihoods[0]]
    for likelihood in log_likelihoods[1:]:
        moved = np.logaddexp.reduce(rows[-1][:, None] + log_transitions, 0)
        rows.append(moved + likelihood)
    return np.array(rows)


def _backward(log_transitions: Array, log_likelihoods: Array) -> Array:
    """Log p(x after t | state at t), one row a step."""
    rows = [np.zeros(len(log_transitions))]
    for likelihood in log_likelihoods[:0:-1]:
        rows.append(np.logaddexp.reduce(log_transitions + likelihood + rows[-1], 1))
    return np.array(rows[::-1])


class Answer(NamedTuple):
    """The results of a relaxed model for a problem, after it was discretized.

    Args:
        elbo: The evidence lower bound of the discrete model, in nats.
        importance_bound: The importance-weighted one.
        probs: Probabilities of the states, one row a point.
    """

    elbo: float
    importance_bound: float
    probs: Array


def format_answers(name: str, problem: Problem, answers: dict[str, Answer]) -> str:
    """A table of the answers beside the exact one."""
    lines = [
        f"{name}: log evidence {problem.log_evidence:.2f} nats",
        f"{'':24}{'ELBO':>10}{'IWAE-1000':>10}{'total variation of posteriors':>30}",
    ]
    for family, answer in answers.items():
        distance = total_variation(answer.probs, problem.posterior)
        bounds = f"{answer.elbo:10.2f}{answer.importance_bound:10.2f}"
        lines.append(f"{family:24}{bounds}{distance:30.3f}")
    return "\n".join(lines)


def total_variation(probs: Array, others: Array) -> float:
    """The total variation between distributions, a row each, averaged over rows."""
    return float(abs(probs - others).sum(-1).mean() / 2)
