"""Tables of a run as plain values, one row and one cell at a time; ``reports.pages`` lays them out."""
