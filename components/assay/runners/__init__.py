"""Runners: who calls the components, and in what order."""
