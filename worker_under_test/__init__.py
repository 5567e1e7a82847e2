"""The patient: the RabbitMQ worker of the incident, as it was, as the post-mortem would have it, and hardened.

One flow that an engineer of the original team recognises (parse, LLM, memory API, friendship score, database), with
each remedy in a file of its own under ``remedies/``. It is run as a process, ``python -m worker_under_test``; nobody
imports it but its own tests. It knows nothing of the harness: its whole interface is its environment, the queue, the
table and its exit code, as ``docs/reference/contracts.md`` has them.
"""
