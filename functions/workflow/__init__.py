"""The use cases: read what is needed, let the domain decide, let adapters act."""
