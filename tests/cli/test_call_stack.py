"""Commands run with room on Python's call stack."""

from __future__ import annotations

import subprocess
import sys

import pytest

CALLS = 300

# At each depth, a loop of calls. Where a chunk of the stack ends, each call maps memory, which is faulted in again.
SCRIPT = f"""
import resource
from regard.cli.exit_status import exit_status

def leaf():
    pass

def num_page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range({CALLS}):
        leaf()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def at_each_depth(depth):
    return [num_page_faults(), *(at_each_depth(depth - 1) if depth else ())]

def work():
    print(max(at_each_depth(200)))

work()
exit_status(work)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of Linux")
def test_no_loop_in_a_command_maps_a_chunk_of_the_stack_per_call() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    without_room, in_a_command = map(int, done.stdout.split())
    if sys.version_info[:2] == (3, 11):  # other versions may have another call stack
        assert without_room >= CALLS
    assert in_a_command < CALLS // 10
