"""What goes wrong, one fault a file, and the timeline that applies them in incident time.

Each application leaves a receipt in the events.
"""
