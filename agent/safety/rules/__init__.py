"""The detector's rules, one TOML file for each language."""
