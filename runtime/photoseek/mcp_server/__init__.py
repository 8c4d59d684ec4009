"""A server of the Model Context Protocol, through which assistants search a gallery."""
