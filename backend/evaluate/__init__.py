"""`python -m backend.evaluate`: what the numbers of the analysis are worth, on recordings."""
