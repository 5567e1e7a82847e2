"""The workload: messages of the incident's payload, published open loop at the times the scenario wants them.

``driver.Load`` is the way in for a trial. ``locustfile`` runs in a process of its own and is the only file of the
project that imports locust (importing it monkey-patches the process); the two are joined by the plan file and the
journal, never by imports.
"""
