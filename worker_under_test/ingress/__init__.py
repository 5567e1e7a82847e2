"""The API server of the incident: stores a conversation's event, publishes its message, and only then answers 202.

``python -m worker_under_test ingress`` runs it as a process of its own; the worker imports nothing of it, so that none
of its memory counts as the worker's.
"""
