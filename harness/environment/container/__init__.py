"""Parts that run as Docker containers, found again by the label of their run."""
