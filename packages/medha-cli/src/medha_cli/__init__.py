"""Medha's cli package."""
