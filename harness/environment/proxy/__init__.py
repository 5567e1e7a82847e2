"""The link between worker and broker.

Toxiproxy, or the embedded proxy with the same control API, and the toxics on it.
"""
