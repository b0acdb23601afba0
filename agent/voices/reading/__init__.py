"""How well texts are read aloud: two lists with the right readings, and the check."""
