"""The engine: replays a recorded incident against a worker, records everything, judges afterwards.

Start at ``harness.commands`` (what a person can ask for), then ``harness.trial`` (one trial, in four verbs). It knows
no incident: what one brings is in a package of ``harness.incidents``. Worker and dependency are processes, never
imports.
"""
