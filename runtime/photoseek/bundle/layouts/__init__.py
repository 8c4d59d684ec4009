"""Bundles that other programs made: each layout is recognised by its files, and refused where it cannot be followed.

``photoseek.bundle.layouts.external`` describes one; each layout has a module that tells of its files what a
``ExternalModel`` holds.
"""
