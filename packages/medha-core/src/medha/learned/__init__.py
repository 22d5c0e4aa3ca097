"""Templates learnt from the entries themselves: a stored query with the values of another question."""
