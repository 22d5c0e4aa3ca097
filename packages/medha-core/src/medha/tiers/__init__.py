"""The tiers of the waterfall, one class each."""
