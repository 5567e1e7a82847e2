"""``python -m fake_mem0``: hands argv to the command line. Nothing else is here."""

from fake_mem0.cli import main

if __name__ == "__main__":
    main()
