"""What the language model is told when it extracts; `agent.intake.reader` sends it."""
