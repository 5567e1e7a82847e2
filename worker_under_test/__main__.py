"""``python -m worker_under_test``."""

from worker_under_test.command_line import main

main()
