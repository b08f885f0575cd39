"""Floor 6: who worked on which operation, and when."""
