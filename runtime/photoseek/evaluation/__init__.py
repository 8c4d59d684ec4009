"""Retrieval metrics, calibration fits and benchmarks."""
