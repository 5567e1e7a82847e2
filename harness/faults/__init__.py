"""The faults that a phase of a scenario may name, by what they are done to: link, broker, database, worker, dependency.

Each fault is one class: its settings, how it is put in force, and how that and its healing are seen. ``registry`` finds
them. When each comes and goes is ``harness.timeline``'s affair.
"""
