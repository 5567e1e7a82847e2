"""Derives from stored results what reports show: heaps, kills, the end of an incarnation, the shared time axis.

Pure, and free of layout: the rooms beside it draw and word what is computed here. ``heap_profile`` alone opens files,
memray's captures.
"""
