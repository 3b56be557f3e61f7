"""From the pixels of a photograph to findings."""
