"""The RabbitMQ worker of the incident in three behaviours: original, as the post-mortem reports it, and hardened.

One flow that an engineer of the original team recognises (parse, LLM, memory API, friendship score, database), with
the remedies in ``remedies/``. It is run as a process, ``python -m worker_under_test``; only its own tests import it. It
knows nothing of the harness: its whole interface is its environment, the queue, the table and its exit code, which
``docs/reference/contracts.md`` describes.
"""
