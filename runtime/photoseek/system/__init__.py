"""Helpers around the operating system: files, CPU, forks, network."""
