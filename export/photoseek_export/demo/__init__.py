"""The embedded bundle: draws its scenes, trains and exports it."""
