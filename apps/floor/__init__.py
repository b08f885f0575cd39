"""Floor 9: the screens over everything; they call commands and hold no rule."""
