"""What a trial stands on: each part is a context manager that is up when entered and gone when left.

The listing is the design: ``run_scope`` (a run and all that belongs to it), ``process`` (a child as a state machine),
``broker``, ``proxy``, ``database``, ``dependency``, ``memory_limit``, ``sweep`` and ``census`` (what dead runs left,
and the proof that nothing was), ``parts`` (what this machine has). The environment knows nothing of scenarios, trials
or verdicts, and binds to loopback only.
"""
