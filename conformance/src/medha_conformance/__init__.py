"""Medha conformance."""
