"""Plain lines for a terminal, a log or a pipe: the verdict, a post-mortem, a gate. Prints nothing."""
