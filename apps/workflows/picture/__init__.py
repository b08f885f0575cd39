"""A workflow as a picture, drawn by the server: `drawing.py` says what, `layout.py` where."""
