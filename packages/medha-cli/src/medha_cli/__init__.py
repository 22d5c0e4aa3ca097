"""The command line of Medha."""
