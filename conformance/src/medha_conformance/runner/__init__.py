"""The command ``medha-conformance``: the suites for those who do not know pytest."""
