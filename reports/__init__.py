"""Renders stored runs: as pages, charts, lines of text, and files for other programs.

Every renderer is a pure function of a ``RunRecord`` and a ``Judgement`` of ``harness.record``; ``harness.commands``
calls them and writes what they return. Nothing here judges, measures, or reads a run directory. Only memray's captures
are opened here, by ``analysis.heap_profile``, because its reader takes a path; ``pages.heap_pages`` writes their pages.
"""
