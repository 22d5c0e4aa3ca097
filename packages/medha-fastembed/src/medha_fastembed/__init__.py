"""Medha's fastembed package."""
