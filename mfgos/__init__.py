"""mfgos, the composition: settings, urls, asgi and the supervisor that runs them. No rules live here."""
