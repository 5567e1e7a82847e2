"""What watches a trial from outside, one probe a file: the worker's memory, the broker's queue.

Probes write series; they judge nothing.
"""
