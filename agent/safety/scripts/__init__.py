"""What is said in a crisis, one TOML file for each locale."""
