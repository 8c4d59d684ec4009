"""Drawing, training and export of the embedded bundle."""
