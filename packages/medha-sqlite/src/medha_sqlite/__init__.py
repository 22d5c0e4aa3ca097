"""Medha's sqlite package."""
