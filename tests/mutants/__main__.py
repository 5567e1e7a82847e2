"""``python -m tests.mutants``: what ``make mutants`` runs."""

import sys

from tests.mutants.kill_table import main

sys.exit(main())
