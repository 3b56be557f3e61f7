"""The inspector's page, a module a step of the flow: start, points, photographs, findings, questions, cleaning, seals, wood, summary.

A step shows HTML for a place and has deeds that lead to another place (``flow``); ``page`` carries both through Gradio.
"""
