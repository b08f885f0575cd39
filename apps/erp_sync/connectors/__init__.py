"""One folder per ERP behind one interface; nothing here knows Django, so each can be run and proved alone."""
