"""What all services are built on."""

__version__ = "0.1.0"
