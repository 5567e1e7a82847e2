"""What the engine asks of the parts of a trial: one small file for each protocol, with its units and errors.

An incident package (``harness.incidents``) or a module of ``harness.environment`` keeps each of them; the engine knows
only these. Three lie beside those who use them: ``harness.environment.broker.protocol`` (broker and work queue),
``harness.environment.memory_limit.base`` (a memory limit) and ``harness.faults.context`` (what a fault may ask of a
part, such as ``CanKill``).
"""
