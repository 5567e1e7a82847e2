"""Whether there is anything to judge: the record, the limit, the workload, the faults, the drain.

One check a file; ``harness.checkers.registry`` finds them.
"""
