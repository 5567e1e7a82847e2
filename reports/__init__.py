"""Rendering of stored runs: one file for each thing that is rendered.

Every renderer is a pure function of a ``RunRecord`` and a ``Judgement`` of ``harness.record``; ``harness.commands``
calls them and writes what they return. Nothing here judges, measures, or reads a run directory;
``reports.pages.heap_pages`` alone opens a file, and says why.
"""
