"""The regression gate: does this build need more memory than that one? Repeats of two builds, and what they prove.

``harness.commands.gate`` uses it. The figures of a repeat, the rule that turns them red, and how many repeats a wanted
power takes are pure; the campaign plays.
"""
