"""The detector's rules: a folder for each language, a TOML file for each kind."""
