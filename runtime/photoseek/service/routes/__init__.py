"""The endpoints of the HTTP service."""
