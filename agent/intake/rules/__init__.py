"""The rules as data; `agent.intake.rulebook` reads them."""
