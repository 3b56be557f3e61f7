"""Training, evaluation and export of pestcheck models. Needs the extra ``train``; nothing in ``pestcheck`` imports it."""
