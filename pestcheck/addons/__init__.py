"""Add-on models: fetched by the user from where their makers publish them, checked, converted, and asked beside pestcheck's own model."""
