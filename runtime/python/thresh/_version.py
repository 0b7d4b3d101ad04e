"""The version of the package: that of the runtime it binds."""

__version__ = "0.1.0"
