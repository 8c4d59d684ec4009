"""The layouts of bundles: ours, and those of other programs.

Each layout is a module: ``describe`` detects a layout by its files and returns what is in them. To add the layout of
another program, write a module that returns an ``ExternalModel``, and add it to the list in ``external``.
"""
