"""Where records are kept: tables, the event log that they follow from, and photographs."""
