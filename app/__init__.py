"""The app for tablets: FastAPI and Gradio over ``pestcheck``."""
