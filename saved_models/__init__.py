"""Exported models that come with the package: files, no code; see README.md beside them."""
