"""How things look: HTML and drawings, made of records. No state, no handlers."""
