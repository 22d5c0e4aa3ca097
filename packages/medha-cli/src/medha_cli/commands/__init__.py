"""The commands, a file for each group. Each imports what it works with when it is run."""
