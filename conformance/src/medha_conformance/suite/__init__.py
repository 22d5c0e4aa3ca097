"""The standard tests: one file a topic; a suite puts those of one kind of plugin together."""
