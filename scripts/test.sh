#!/usr/bin/env bash
# Every test of the tree, for `make test`: what is independent in parallel, a file at a time on each process; then the
# whole incidents, two at once, because a workload without a core of its own is late and proves nothing. Files begin as
# they were collected (xdist would begin those with the most tests, and end with one of three minutes).
#
# usage: scripts/test.sh [PYTEST ARGUMENTS]        e.g. scripts/test.sh -k broker
#
# Exit code: pytest's, the worse of the two; 5, "no test was run", only where neither part ran one. With CI set, each
# part leaves its JUnit file under build/. It installs nothing: scripts/setup.sh does.
set -euo pipefail
python=.venv/bin/python
processes=${TEST_PROCESSES:-6} # three for each of the two cores this is sized for; they mostly wait for real parts

# part NAME MARKERS [PYTEST ARGUMENTS]
part() {
    local name=$1 markers=$2 junit=()
    shift 2
    [ -z "${CI:-}" ] || junit=(--junitxml="build/junit-$name.xml")
    printf 'test: %s\n' "$name"
    "$python" -m pytest -m "$markers" "${junit[@]}" "$@"
}

parallel=0 incidents=0
part parallel "not incident" --numprocesses "$processes" --dist loadfile --no-loadscope-reorder "$@" || parallel=$?
part incidents "incident" --numprocesses 2 --dist loadfile --no-loadscope-reorder "$@" || incidents=$?

# pytest's 5 says that nothing was selected; with -k that is right for one part, and an error for both.
if [ "$parallel" -eq 5 ]; then
    exit "$incidents"
fi
if [ "$incidents" -eq 5 ] || [ "$parallel" -ne 0 ]; then
    exit "$parallel"
fi
exit "$incidents"
