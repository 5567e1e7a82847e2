"""What a person can ask for, one verb a file. The only place that prints.

``harness.__main__`` turns errors into exit codes.
"""
