"""What all trainings share, whatever they teach."""
