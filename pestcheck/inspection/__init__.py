"""What is inspected: checklists and the identifiers on a conveyance."""
