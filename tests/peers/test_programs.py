"""Programs that the hosts come with, relaxed, have no bound above the evidence."""

import importlib.util
import os

import pytest
from peers.programs import NEEDS, VARIABLES, is_above, names, run

PROGRAMS = [(host, name) for host in VARIABLES for name in names(host)]


@pytest.mark.parametrize(("host", "name"), PROGRAMS)
def test_a_program_is_relaxed_as_declared_or_refused_by_name(host, name):
    if VARIABLES[host] not in os.environ:
        pytest.skip(f"{VARIABLES[host]} does not name a checkout of {host}")
    for module in NEEDS[host]:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    outcome = run(host, name, steps=20, draws=100)
    if outcome["how"] == "as it stands":
        assert outcome["says"] is None
    else:
        assert outcome["says"].startswith("site '")
    if outcome["how"] != "refused":
        assert not is_above(outcome["bound given"], outcome["evidence given"])
        if "best given" in outcome:
            assert outcome["best given"] <= outcome["evidence given"] + 1e-3
            assert not is_above(outcome["bound given"], outcome["best given"])
