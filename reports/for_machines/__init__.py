"""Results for other programs: ``verdict.json``, ``gate.json``, its trend, and JUnit XML."""
