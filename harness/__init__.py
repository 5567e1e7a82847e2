"""The engine: replays a recorded incident against a worker, records everything, judges afterwards.

Start at ``harness.commands`` (what a person can ask for), then ``harness.trial`` (one trial, told by nested ``with``
blocks). It starts the worker and the fake pika-mem0 as processes and never imports them.
"""
