"""The layouts of bundles: ours, ``photoseek``, and those of other programs.

Each other layout is a module whose ``describe`` detects it by its files and returns an ``ExternalModel``. To add one,
see CONTRIBUTING.md.
"""
