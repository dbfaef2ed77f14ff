"""Manifests: jobs and templates in YAML."""
