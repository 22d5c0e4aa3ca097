"""Medha's wordllama package."""
