"""One run on this machine: its lock and folders, the sweep of dead runs, the census that proves it clean."""
