"""The options of the examples that take steps on a few points."""

from dataclasses import dataclass

from examples.harness.command_line import check_ranges, option


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """How long to train; each field is a flag of the command line.

    Raises:
        ValueError: If a value is out of its range.
    """

    num_steps: int = option("steps of Adam", "-n", default=1000, at_least=1)

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class PointOptions(StepOptions):
    """The same, and how many points to train on."""

    num_points: int = option("points of data", default=50, at_least=1)
