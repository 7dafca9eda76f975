"""The guide's steps 1 to 5, in order: from what AI-Hub delivers to what a training reads."""
